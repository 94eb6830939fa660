// The memory as modules beside the SystemC array: DRAM, a DMA engine for each scratchpad, and the
// scratchpads that hold the array back. Transfers are TLM-2.0 transactions; values do not travel
// with them, the array takes those from the operands.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "sim/engines/engines.hpp"
#include "sim/memory/transfers.hpp"

namespace potomac::sim {

using TransferOrder = std::function<std::vector<TransferKind>(const Architecture&)>;

// A machine's memory as modules beside its array, where the array is stepped through: their stalls
// are those of the plan (pass_memory.hpp), cycle for cycle.
//
// `order` is that of a tile's transfers. An array that waits for what will never come, as it may
// under another order than ours, is a std::logic_error that says who waits for what, since when.
MakeSystemModules memory_modules(const TransferOrder& order = transfer_order);

// The engine of that name, a memory beside its arrays if they are SystemC's. Precondition: there is
// one.
std::unique_ptr<Engine> make_engine_with_memory(std::string_view engine, WorkerPool& pool,
                                                const TransferOrder& order = transfer_order,
                                                const Say& say = {});

}  // namespace potomac::sim
