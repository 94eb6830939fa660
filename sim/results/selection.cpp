#include "sim/results/selection.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace potomac::sim {

using workloads::Pass;

std::vector<Pass> Selection::passes_of(const workloads::LayerShape& layer) const {
  std::vector<Pass> wanted;
  const bool named = std::ranges::any_of(layers, [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), layer.name.c_str(), 0) == 0;
  });
  if (named) {
    std::ranges::copy_if(workloads::passes_of(layer), std::back_inserter(wanted), [&](Pass pass) {
      return std::ranges::find(passes, pass) != passes.end();
    });
  }
  return wanted;
}

bool Selection::selects_any(const std::vector<workloads::LayerShape>& all) const {
  return std::ranges::any_of(
      all, [&](const workloads::LayerShape& layer) { return !passes_of(layer).empty(); });
}

std::int64_t Selection::left_out_of(const std::vector<workloads::LayerShape>& all) const {
  std::int64_t left_out = 0;
  for (const workloads::LayerShape& layer : all) {
    left_out += static_cast<std::int64_t>(workloads::passes_of(layer).size()) -
                static_cast<std::int64_t>(passes_of(layer).size());
  }
  return left_out;
}

std::string Selection::text() const {
  std::vector<std::string_view> names;
  std::ranges::transform(passes, std::back_inserter(names),
                         [](Pass pass) { return workloads::name_of(pass); });
  return fmt::format("layers '{}', passes {}", fmt::join(layers, "', '"), fmt::join(names, ", "));
}

std::uint64_t Selection::macs_of(const workloads::LayerShape& layer,
                                 const workloads::Lowering& lowering) const {
  std::uint64_t macs = 0;
  for (const Pass pass : passes_of(layer)) {
    macs +=
        static_cast<std::uint64_t>(workloads::macs_of(workloads::gemms_of(layer, pass, lowering)));
  }
  return macs;
}

std::uint64_t Selection::macs_of(const std::vector<workloads::LayerShape>& all,
                                 const workloads::Lowering& lowering) const {
  std::uint64_t macs = 0;
  for (const workloads::LayerShape& layer : all) {
    macs += macs_of(layer, lowering);
  }
  return macs;
}

}  // namespace potomac::sim
