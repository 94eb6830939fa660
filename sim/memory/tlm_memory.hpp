// The memory as modules beside the SystemC array: DRAM, a DMA engine for each scratchpad, and the
// scratchpads that hold the array back. Transfers are TLM-2.0 transactions; values do not travel
// with them, the array takes those from the operands.
#pragma once

#include <memory>

#include "sim/engines/engine.hpp"

namespace potomac::sim {

// The engine of that kind. If it steps, the memory of a machine that has one is there as modules,
// whose stalls are those of the plan (pass_memory.hpp), cycle for cycle.
std::unique_ptr<Engine> make_engine_with_memory(EngineKind kind, WorkerPool& pool);

}  // namespace potomac::sim
