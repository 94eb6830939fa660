#include "sim/results/trace_json.hpp"

#include <cstddef>
#include <optional>
#include <vector>

#include "sim/results/json_tree.hpp"
#include "sim/results/trace_totals.hpp"

namespace potomac::sim {
namespace {

using workloads::GemmShape;
using workloads::Layer;
using workloads::LayerShape;
using workloads::Pass;
using workloads::QuantizedTensor;
using workloads::TensorStatistics;

Json json_of(const QuantizedTensor& tensor, TraceTotals& totals) {
  const TensorStatistics statistics = statistics_of(tensor);
  totals.add(statistics);
  Json json = {{"shape", tensor.shape},
               {"bits", tensor.bits},
               {"beta", tensor.beta},
               {"elements", statistics.elements},
               {"zeros", statistics.zeros},
               {"exact_zeros", nullptr},
               {"underflows", nullptr},
               {"positives", statistics.positives},
               {"negatives", statistics.negatives},
               {"zero_share", statistics.zero_share()},
               {"lowest_exponent", -statistics.e_max},
               {"exponent_counts", statistics.exponents}};
  if (tensor.zeros) {
    json["exact_zeros"] = tensor.zeros->exact;
    json["underflows"] = tensor.zeros->underflows;
  }
  return json;
}

Json sums_json(const std::array<workloads::TrainedSum, 3>& sums) {
  Json json = Json::object();
  for (const Pass pass : workloads::kPasses) {
    json[name_of(pass)] = trained_json(sums.at(static_cast<std::size_t>(pass)));
  }
  return json;
}

Json json_of(const LayerShape& layer, const workloads::LayerOrigin& origin,
             const std::optional<Layer>& values, TraceTotals& totals) {
  Json json = {{"name", layer.name}, {"kind", name_of(layer.kind)}};
  if (is_convolution(layer.kind)) {
    const workloads::GeometryLists lists = lists_of(layer.conv, is_volumetric(layer.kind));
    workloads::Shape padding;
    for (std::size_t i = 0; i < 2 * lists.axes(); ++i) {
      padding.push_back(i < lists.axes() ? lists.before(i) : lists.after(i - lists.axes()));
    }
    json["stride"] = lists.stride;
    json["padding"] = padding;
    json["dilation"] = lists.dilation;
    json["groups"] = layer.conv.groups;
  }
  json["input_grad"] = layer.input_grad;
  json["weight_grad"] = layer.weight_grad;
  json["term"] = layer.term;
  json["trained_with"] = origin.sums ? sums_json(*origin.sums) : Json(nullptr);
  json["gemms"] = Json::array();
  for (const Pass pass : passes_of(layer)) {
    const std::vector<GemmShape> gemms = gemms_of(layer, pass, kTraceLowering);
    totals.add(pass, gemms);
    for (const GemmShape& gemm : gemms) {
      json["gemms"].push_back({{"pass", name_of(pass)},
                               {"count", gemm.count},
                               {"m", gemm.m},
                               {"n", gemm.n},
                               {"k", gemm.k},
                               {"macs", gemm.macs()}});
    }
  }
  if (!values) {
    json["tensors"] = {
        {"W", {{"shape", layer.w}}}, {"A", {{"shape", layer.a}}}, {"G", {{"shape", layer.g}}}};
    return json;
  }
  for (const auto& [name, tensor] : tensors_of(*values)) {
    json["tensors"][name] =
        tensor.codes.empty() ? Json{{"shape", tensor.shape}} : json_of(tensor, totals);
  }
  for (const auto& [name, producers] :
       {std::pair("W", &origin.w_producers), std::pair("A", &origin.a_producers)}) {
    json["tensors"][name]["producers"] = *producers ? Json(**producers) : Json(nullptr);
  }
  return json;
}

}  // namespace

std::string trace_json(const workloads::Workload& workload) {
  Json json = origin_json(workload.path(), workload.info());
  json["originals"] = workload.has_originals();
  json["layers"] = Json::array();
  if (!workload.not_included().empty()) {
    json["not_included"] = not_included_json(workload.not_included());
  }
  TraceTotals totals;
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    json["layers"].push_back(
        json_of(workload.layers()[i], workload.formats()[i].origin, workload.read(i), totals));
  }
  json["totals"] = {{"gemms", totals.gemms},
                    {"macs", totals.all_macs()},
                    {"codes", totals.codes},
                    {"zeros", totals.zeros}};
  return json_text(json);
}

}  // namespace potomac::sim
