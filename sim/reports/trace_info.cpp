#include "sim/reports/trace_info.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/results/gemm_text.hpp"
#include "sim/results/si_units.hpp"
#include "sim/results/trace_json.hpp"
#include "sim/results/trace_totals.hpp"
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

// How results were summed in training: each way that there is, in the order of the passes.
std::string sums_text(const workloads::Workload& workload) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    const auto& sums = workload.formats()[i].origin.sums;
    for (const Pass pass : passes_of(workload.layers()[i])) {
      if (!sums) {
        continue;
      }
      std::string text = text_of(sums->at(static_cast<std::size_t>(pass)));
      if (std::ranges::find(texts, text) == texts.end()) {
        texts.push_back(std::move(text));
      }
    }
  }
  return fmt::format("{}", fmt::join(texts, "; "));
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
  if (const std::string sums = sums_text(workload); !sums.empty()) {
    fmt::print(out, "sums       {}\n", sums);
  }
  if (workload.has_originals()) {
    fmt::print(out, "originals  W, A and G in binary32\n");
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

void print_passes(const LayerShape& layer, TraceTotals& totals, std::ostream& out) {
  fmt::print(out, "\n{}: {}{}{}{}{}\n", layer.name, name_of(layer.kind), geometry_text(layer),
             layer.term == 1 ? "" : ", second power of A",
             layer.input_grad || !layer.weight_grad ? "" : ", no input gradient",
             layer.weight_grad  ? ""
             : layer.input_grad ? ", frozen"
                                : ", forward only");
  fmt::print(out, "  {:<17} {:<36} {:>22}\n", "pass", "GEMMs, MxNxK", "MACs");
  for (const Pass pass : passes_of(layer)) {
    const std::vector<GemmShape> gemms = gemms_of(layer, pass, kTraceLowering);
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

void print_tensors(const Layer& layer, TraceTotals& totals, std::ostream& out) {
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

void print_totals(const TraceTotals& totals, std::ostream& out) {
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

}  // namespace

void print_trace_info(const workloads::Workload& workload, TraceInfoFormat format,
                      std::ostream& out) {
  if (format == TraceInfoFormat::kJson) {
    out << trace_json(workload);
    return;
  }
  print_head(workload, out);
  TraceTotals totals;
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
