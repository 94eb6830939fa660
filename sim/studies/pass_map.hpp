// A pass of a plan, PE by PE, on the MF-MAC array and on the FP32 one.
#pragma once

#include <functional>
#include <string>

#include "sim/plan/pass_plans.hpp"
#include "sim/results/pass_pe_map.hpp"

namespace potomac::sim {

struct PeMapRequest {
  std::string layer;
  workloads::Pass pass = workloads::Pass::kForward;
};

// Throws InputError if the list has no such pass, or if the array has too many PEs to be told of
// one by one.
void check_pe_map(const PassList& list, const Architecture& architecture,
                  const PeMapRequest& request);

// `toggles`: bits that change are wanted too. Throws what `check_stop` throws. Precondition:
// check_pe_map() passed.
PassPeMap pe_map_of_pass(const PassPlans& plans, const PeMapRequest& request, bool toggles,
                         const std::function<void()>& check_stop);

}  // namespace potomac::sim
