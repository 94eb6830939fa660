// A run into a store: a point like any of a sweep.
#pragma once

#include "sim/results/run_result.hpp"
#include "sim/results/store/result_store.hpp"
#include "sim/studies/run.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

// Adds what of the run is not there, and commits. `result` is what run() made of the others. Reads
// the workload's values. Throws as ResultStore does.
void keep_run(ResultStore& store, const workloads::Workload& workload, const RunOptions& options,
              const RunResult& result, bool keeps_passes);

}  // namespace potomac::sim
