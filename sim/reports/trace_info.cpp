#include "sim/reports/trace_info.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/results/gemm_text.hpp"
#include "sim/results/json_tree.hpp"
#include "sim/results/si_units.hpp"
#include "support/plain_text.hpp"
#include "workloads/layers/gemm_shape.hpp"
#include "workloads/layers/tensor_statistics.hpp"

namespace potomac::sim {
namespace {

using workloads::GemmShape;
using workloads::Layer;
using workloads::LayerShape;
using workloads::Pass;
using workloads::QuantizedTensor;
using workloads::TensorStatistics;
using workloads::WorkloadInfo;

// 5-bit codes, the usual ones, get a bar per exponent; wider ones share bars.
constexpr std::size_t kMostBars = 32;

// A trace knows of no machine: its GEMMs are shown as machines form them unless told otherwise.
constexpr workloads::Lowering kLowering;

// A tensor with the letter that it has in a workload.
struct NamedTensor {
  const char* name;
  const QuantizedTensor& tensor;
};

std::array<NamedTensor, 3> tensors_of(const Layer& layer) {
  return {{{"W", layer.w}, {"A", layer.a}, {"G", layer.g}}};
}

// What is summed over all layers.
struct Totals {
  std::int64_t gemms = 0;
  std::array<std::int64_t, workloads::kPasses.size()> macs{};
  std::int64_t codes = 0;
  std::int64_t zeros = 0;

  void add(Pass pass, std::span<const GemmShape> shapes) {
    gemms += workloads::count_of(shapes);
    std::int64_t& sum = macs[static_cast<std::size_t>(pass)];
    sum = saturating_sum(sum, workloads::macs_of(shapes));
  }
  void add(const TensorStatistics& statistics) {
    codes += statistics.elements;
    zeros += statistics.zeros;
  }
  std::int64_t all_macs() const {
    return saturating_sum(saturating_sum(macs[0], macs[1]), macs[2]);
  }

 private:
  // One pass of one layer may have 2^62 MACs.
  static std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
  }
};

// Digits in groups of three.
std::string grouped(std::int64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) {
      text += ',';
    }
    text += digits[i];
  }
  return text;
}

// One bar per exponent (or per few), tall as the count against the largest; "." where nothing is,
// so that a rare exponent and an absent one look different.
std::string bars(const TensorStatistics& statistics) {
  constexpr std::array<std::string_view, 8> kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::vector<std::int64_t>& counts = statistics.exponents;
  const std::size_t per_bar = (counts.size() + kMostBars - 1) / kMostBars;
  std::vector<std::int64_t> sums;
  for (std::size_t i = 0; i < counts.size(); i += per_bar) {
    std::int64_t sum = 0;
    for (std::size_t j = i; j < std::min(i + per_bar, counts.size()); ++j) {
      sum += counts[j];
    }
    sums.push_back(sum);
  }
  const auto largest = static_cast<double>(*std::max_element(sums.begin(), sums.end()));
  std::string text;
  for (const std::int64_t sum : sums) {
    if (sum == 0) {
      text += '.';
      continue;
    }
    const double height = static_cast<double>(sum) / largest * static_cast<double>(kBlocks.size());
    text += kBlocks[std::min(static_cast<std::size_t>(height), kBlocks.size() - 1)];
  }
  return text;
}

std::string shape_text(const workloads::Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::string geometry_text(const LayerShape& layer) {
  if (!is_convolution(layer.kind)) {
    return {};
  }
  const workloads::GeometryLists lists = lists_of(layer.conv, is_volumetric(layer.kind));
  const auto first = lists.padding.begin();
  const auto axes = static_cast<std::ptrdiff_t>(lists.axes());
  const std::string padding =
      fmt::format("{}", fmt::join(first, first + axes, "x")) +
      (lists.padding.size() == lists.axes()
           ? std::string()
           : fmt::format(" before, {} behind", fmt::join(first + axes, lists.padding.end(), "x")));
  return fmt::format(", stride {}, padding {}, dilation {}, groups {}",
                     fmt::join(lists.stride, "x"), padding, fmt::join(lists.dilation, "x"),
                     layer.conv.groups);
}

std::string values_text(const WorkloadInfo& info) {
  return info.synthesis.empty() ? std::string(name_of(info.values))
                                : fmt::format("{}: {}", name_of(info.values), info.synthesis);
}

void print_head(const workloads::Workload& workload, std::ostream& out) {
  const WorkloadInfo& info = workload.info();
  fmt::print(out, "workload   {}\n", printable(workload.path().string(), kWhole));
  fmt::print(out, "model      {}\n", info.model);
  if (!info.framework.empty()) {
    fmt::print(out, "framework  {}\n", info.framework);
  }
  if (!info.dimensions.empty()) {
    fmt::print(out, "dimensions {}\n", workloads::text_of(info.dimensions));
  }
  fmt::print(out, "values     {}\n", values_text(info));
  if (info.values != workloads::ValueSource::kNone) {
    fmt::print(out, "dataset    {}\n", info.dataset);
    fmt::print(out, "step       {}\n", info.step);
    fmt::print(out, "seed       {}\n", info.seed);
    fmt::print(out, "rounding   {}{}\n", info.rounding,
               info.gradient_rounding.empty() ? "" : ", of G " + info.gradient_rounding);
  }
  fmt::print(out, "layers     {}\n", workload.layers().size());
  for (const std::string& parts : workloads::texts_of(workload.not_included())) {
    fmt::print(out, "left out   {}\n", parts);
  }
}

// The share of a tensor that the quantizer made zero; not every trace knows.
std::string underflow_text(const QuantizedTensor& tensor) {
  return tensor.zeros ? percent(static_cast<double>(tensor.zeros->underflows) /
                                static_cast<double>(tensor.codes.size()))
                      : "-";
}

void print_passes(const LayerShape& layer, Totals& totals, std::ostream& out) {
  fmt::print(out, "\n{}: {}{}{}{}{}\n", layer.name, name_of(layer.kind), geometry_text(layer),
             layer.term == 1 ? "" : ", second power of A",
             layer.input_grad || !layer.weight_grad ? "" : ", no input gradient",
             layer.weight_grad  ? ""
             : layer.input_grad ? ", frozen"
                                : ", forward only");
  fmt::print(out, "  {:<17} {:<36} {:>22}\n", "pass", "GEMMs, MxNxK", "MACs");
  for (const Pass pass : passes_of(layer)) {
    const std::vector<GemmShape> gemms = gemms_of(layer, pass, kLowering);
    totals.add(pass, gemms);
    fmt::print(out, "  {:<17} {:<36} {:>22}\n", name_of(pass), gemm_text(gemms),
               grouped(workloads::macs_of(gemms)));
  }
}

void print_shapes(const LayerShape& layer, const workloads::LayerFormats& formats,
                  std::ostream& out) {
  fmt::print(out, "  {:<6} {:<19} {:>4}\n", "tensor", "shape", "bits");
  fmt::print(out, "  {:<6} {:<19} {:>4}\n", "W", shape_text(layer.w), formats.w.bits);
  fmt::print(out, "  {:<6} {:<19} {:>4}\n", "A", shape_text(layer.a), formats.a.bits);
  fmt::print(out, "  {:<6} {:<19} {:>4}\n", "G", shape_text(layer.g), formats.g.bits);
}

void print_tensors(const Layer& layer, Totals& totals, std::ostream& out) {
  fmt::print(out, "  {:<6} {:<19} {:>4} {:>5} {:>7} {:>9}   {}\n", "tensor", "shape", "bits",
             "beta", "zeros", "underflow", "exponents, lowest to highest");
  for (const auto& [name, tensor] : tensors_of(layer)) {
    if (tensor.codes.empty()) {
      continue;  // G of a layer without backward passes
    }
    const TensorStatistics statistics = statistics_of(tensor);
    totals.add(statistics);
    const std::string range = fmt::format("{}..{}", -statistics.e_max, statistics.e_max);
    fmt::print(out, "  {:<6} {:<19} {:>4} {:>5} {:>7} {:>9}   {:>7} {}\n", name,
               shape_text(tensor.shape), tensor.bits, tensor.beta, percent(statistics.zero_share()),
               underflow_text(tensor), range, bars(statistics));
  }
}

void print_totals(const Totals& totals, std::ostream& out) {
  fmt::print(out, "\ntotal: {} GEMMs, {} MACs", grouped(totals.gemms), grouped(totals.all_macs()));
  if (totals.codes > 0) {
    fmt::print(out, ", {} codes of which {} are zero", grouped(totals.codes),
               percent(static_cast<double>(totals.zeros) / static_cast<double>(totals.codes)));
  }
  fmt::print(out, "\n");
  for (const Pass pass : workloads::kPasses) {
    fmt::print(out, "  {:<17} {:>59}\n", name_of(pass),
               grouped(totals.macs[static_cast<std::size_t>(pass)]));
  }
}

nlohmann::ordered_json json_of(const QuantizedTensor& tensor, Totals& totals) {
  const TensorStatistics statistics = statistics_of(tensor);
  totals.add(statistics);
  nlohmann::ordered_json json = {{"shape", tensor.shape},
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

nlohmann::ordered_json json_of(const LayerShape& layer, const std::optional<Layer>& values,
                               Totals& totals) {
  nlohmann::ordered_json json = {{"name", layer.name}, {"kind", name_of(layer.kind)}};
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
  json["gemms"] = nlohmann::ordered_json::array();
  for (const Pass pass : passes_of(layer)) {
    const std::vector<GemmShape> gemms = gemms_of(layer, pass, kLowering);
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
    json["tensors"][name] = tensor.codes.empty() ? nlohmann::ordered_json{{"shape", tensor.shape}}
                                                 : json_of(tensor, totals);
  }
  return json;
}

void print_json(const workloads::Workload& workload, std::ostream& out) {
  const WorkloadInfo& info = workload.info();
  nlohmann::ordered_json json = {{"trace", workload.path().string()},
                                 {"model", info.model},
                                 {"framework", info.framework},
                                 {"dataset", info.dataset},
                                 {"step", info.step},
                                 {"seed", info.seed},
                                 {"rounding", info.rounding},
                                 {"gradient_rounding", info.gradient_rounding},
                                 {"values", name_of(info.values)},
                                 {"synthesis", nullptr},
                                 {"dimensions", dimensions_json(info.dimensions)},
                                 {"layers", nlohmann::ordered_json::array()}};
  if (!info.synthesis.empty()) {
    json["synthesis"] = info.synthesis;
  }
  if (!workload.not_included().empty()) {
    json["not_included"] = not_included_json(workload.not_included());
  }
  Totals totals;
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    json["layers"].push_back(json_of(workload.layers()[i], workload.read(i), totals));
  }
  json["totals"] = {{"gemms", totals.gemms},
                    {"macs", totals.all_macs()},
                    {"codes", totals.codes},
                    {"zeros", totals.zeros}};
  // A path need not be UTF-8, JSON must.
  out << json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
}

}  // namespace

void print_trace_info(const workloads::Workload& workload, TraceInfoFormat format,
                      std::ostream& out) {
  if (format == TraceInfoFormat::kJson) {
    print_json(workload, out);
    return;
  }
  print_head(workload, out);
  Totals totals;
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    const LayerShape& shape = workload.layers()[i];
    print_passes(shape, totals, out);
    if (const std::optional<Layer> layer = workload.read(i)) {
      print_tensors(*layer, totals, out);
    } else {
      print_shapes(shape, workload.formats()[i], out);
    }
  }
  print_totals(totals, out);
}

}  // namespace potomac::sim
