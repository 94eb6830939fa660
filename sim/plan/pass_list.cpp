#include "sim/plan/pass_list.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <string>
#include <utility>

#include "support/error.hpp"

namespace potomac::sim {
namespace {

using workloads::Pass;

constexpr std::array kForms = {workloads::StridedBackwardData::kPhases,
                               workloads::StridedBackwardData::kZeroInsert};

// All that a pass is to a machine.
std::string key_of(const workloads::LayerShape& layer, const workloads::LayerFormats& formats,
                   Pass pass) {
  const workloads::OperandFormats operands = workloads::operand_formats(layer.kind, pass, formats);
  std::string key =
      fmt::format("{} {} {} {} {} {} {} {}", static_cast<int>(layer.kind), static_cast<int>(pass),
                  layer.term, layer.w, layer.a, layer.g, operands.first.bits, operands.second.bits);
  if (workloads::is_convolution(layer.kind)) {
    const workloads::GeometryLists lists =
        workloads::lists_of(layer.conv, workloads::is_volumetric(layer.kind));
    key +=
        fmt::format(" {} {} {} {}", lists.stride, lists.padding, lists.dilation, layer.conv.groups);
  }
  return key;
}

}  // namespace

PassShape shape_of(const workloads::LayerShape& layer, const workloads::LayerFormats& formats,
                   Pass pass, const workloads::Lowering& lowering) {
  PassShape shape{.layer = &layer,
                  .pass = pass,
                  .formats = workloads::operand_formats(layer.kind, pass, formats),
                  .gemms = workloads::gemms_of(layer, pass, lowering),
                  .macs = 0,
                  .structural_zero_macs = 0};
  shape.macs = static_cast<std::uint64_t>(workloads::macs_of(shape.gemms));
  shape.structural_zero_macs =
      static_cast<std::uint64_t>(workloads::structural_macs(layer, pass, lowering));
  return shape;
}

PassList::PassList(const workloads::Workload& workload, Selection selection)
    : workload_(&workload), selection_(std::move(selection)) {
  std::map<std::string, std::size_t> numbers;
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    const workloads::LayerShape& layer = workload.layers()[i];
    const workloads::LayerFormats& formats = workload.formats()[i];
    for (const Pass pass : selection_.passes_of(layer)) {
      const auto [found, is_new] =
          numbers.try_emplace(key_of(layer, formats, pass), distinct_.front().size());
      if (is_new) {
        for (std::size_t form = 0; form < kForms.size(); ++form) {
          distinct_.at(form).push_back(shape_of(layer, formats, pass, {kForms.at(form)}));
        }
      }
      items_.push_back({i, pass, found->second, items_.size()});
    }
  }
  if (items_.empty()) {
    throw InputError(
        {workload.path().string(), "", fmt::format("nothing is selected by {}", selection_.text()),
         fmt::format("see its layers with: potomac trace info {}", workload.path().string())});
  }
}

const std::vector<PassShape>& PassList::distinct(const workloads::Lowering& lowering) const {
  return distinct_.at(static_cast<std::size_t>(lowering.strided_backward_data));
}

std::uint64_t PassList::macs(const workloads::Lowering& lowering) const {
  std::uint64_t macs = 0;
  for (const PassItem& item : items_) {
    macs += shape(item, lowering).macs;
  }
  return macs;
}

}  // namespace potomac::sim
