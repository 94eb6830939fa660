// The `fast` engine: cycles and actions in closed form, results by SIMD kernels on all threads; bit
// for bit what the array computes, overflow included.
#pragma once

#include <memory>

#include "sim/engines/interface/engine.hpp"
#include "sim/engines/interface/worker_pool.hpp"

namespace potomac::sim {

std::unique_ptr<Engine> make_fast_engine(WorkerPool& pool);

}  // namespace potomac::sim
