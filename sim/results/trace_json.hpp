// What a trace holds, as JSON: its origin, and of each layer its GEMMs and how its codes are
// spread.
#pragma once

#include <string>

#include "workloads/workload/workload.hpp"

namespace potomac::sim {

// Reads the workload layer by layer. Throws InputError as Workload::read() does.
std::string trace_json(const workloads::Workload& workload);

}  // namespace potomac::sim
