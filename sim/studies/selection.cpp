#include "sim/studies/selection.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <iterator>

namespace potomac::sim {

using workloads::Pass;

std::vector<Pass> Selection::passes_of(const workloads::LayerShape& layer) const {
  std::vector<Pass> wanted;
  if (::fnmatch(layers.c_str(), layer.name.c_str(), 0) == 0) {
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
