// `potomac sweep` as a library: one workload through every combination of some architecture keys.
// Values are looked at once per accumulator; every point then follows from these facts.
#pragma once

#include "sim/results/sweep_row.hpp"
#include "sim/studies/caller.hpp"
#include "sim/studies/sweep_spec.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

// The same rows for any number of threads. Throws InputError if the workload is bad or if every
// point is refused (then no row was given), StoppedError, and whatever the sink throws.
void run_sweep(const workloads::Workload& workload, const SweepSpec& spec, const Caller& caller,
               const RowSink& sink);

}  // namespace potomac::sim
