// Register toggles without an array: what the registers of a machine would see over a pass, counted
// from the operands and the sums in the order in which they pass (docs/timing.md has the order).
#pragma once

#include "energy/counts/register_toggles.hpp"
#include "sim/engines/interface/engine.hpp"
#include "sim/engines/interface/worker_pool.hpp"

namespace potomac::sim {

// The toggles of all of a job's registers. `overflows`: sums may leave the accumulator's range.
// Precondition: the job has operands.
energy::RegisterToggles count_toggles(const Job& job, bool overflows, const MacsDone& done,
                                      WorkerPool& pool);

}  // namespace potomac::sim
