// Counts of a pass in closed form: what the array's registers and units do follows from shapes, and
// from a few sums over the operands (docs/timing.md derives each). Without these sums, what depends
// on values is unknown.
#pragma once

#include "sim/engines/interface/engine.hpp"

namespace potomac::sim {

// The MF-MAC array. `facts` may be null.
PassCounts mf_mac_counts(const Architecture& architecture, const Schedule& schedule,
                         const ValueFacts* facts);

// An array of the same shape whose PEs hold another unit; it meets the same zeros. `counted` may be
// null, or the MF-MAC array's counts over the same schedule, without stalls: registers do the same.
PassCounts baseline_counts(Unit unit, const Architecture& architecture, const Schedule& schedule,
                           const ZeroCounts& zeros, const PassCounts* counted = nullptr);

// The zeros that `products` tell of; unknown if it is null.
ZeroCounts zeros_of(const Schedule& schedule, const ProductCounts* products);

// Adds the cycles that the pace takes from the array.
void add_stalls(PassCounts& counts, const Schedule& schedule, Issue issue, Pace& pace);

}  // namespace potomac::sim
