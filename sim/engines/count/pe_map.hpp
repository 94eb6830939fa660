// What each PE of an array does in a pass, without the array: the pass's folds, laid on its PEs.
#pragma once

#include <functional>

#include "sim/engines/interface/engine.hpp"
#include "sim/machine/pe_map.hpp"

namespace potomac::sim {

struct PeMapOptions {
  bool toggles = false;  // else they are left 0
  // Called again and again: what it throws ends it.
  std::function<void()> check_stop = {};
};

// The pass of a job, PE by PE. Without operands no MAC is known to be gated. Time: about that of
// the operands' elements, fold by fold; with toggles, which take every sum, that of all MACs.
// Precondition: with toggles the job has operands, of a unit that steps: MF-MAC or FP32 MAC.
PeMap pe_map_of(const Job& job, const PeMapOptions& options);

}  // namespace potomac::sim
