// The `count` engine: everything that can be known of a pass without computing its sums. Cycles,
// folds and register writes are closed forms of the shapes; zeros, gating and drops follow from the
// operands, where there are any; overflow is known where a bound proves that there is none. Its
// time grows with the tensors, not with the MACs.
#pragma once

#include <memory>

#include "sim/engines/interface/engine.hpp"
#include "sim/engines/interface/worker_pool.hpp"

namespace potomac::sim {

// Yields no values and no toggles: a Detail that asks for values is a mistake of the caller.
std::unique_ptr<Engine> make_count_engine(WorkerPool& pool);

}  // namespace potomac::sim
