// The engine that runs a workload.
#pragma once

#include <string>

#include "sim/engines/engines.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

// The engine that was asked for by name, else (an empty name) `fast`, or `count` where there are
// only shapes. Throws InputError if there is no such engine, or if it needs values that the
// workload does not have.
const EngineInfo& engine_for(const workloads::Workload& workload, const std::string& asked);

}  // namespace potomac::sim
