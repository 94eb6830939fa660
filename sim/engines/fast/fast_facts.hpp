// A pass's value facts by looking at every product.
#pragma once

#include "sim/engines/interface/value_facts.hpp"
#include "sim/engines/interface/worker_pool.hpp"

namespace potomac::sim {

// Looks at every product, with SIMD kernels on all of the pool's threads. `sink` and `done` may be
// empty. Precondition: the accumulator holds one largest product of the operands (require_fit()).
ValueFacts value_facts(const workloads::LoweredPass& operands, const rtl::Accumulator& accumulator,
                       const AccumulatorSink& sink, const MacsDone& done, WorkerPool& pool);

}  // namespace potomac::sim
