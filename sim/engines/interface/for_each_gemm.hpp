// A pass's GEMMs, shared out over threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/engines/interface/worker_pool.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

// Calls body(gemm, pool) for each GEMM of a pass: side by side where they are many (each then has a
// pool of one thread), else one by one, each on all threads.
template <typename Operand = workloads::LoweredOperand, typename Body>
void for_each_gemm(const workloads::LoweredPass& pass, WorkerPool& pool, const Body& body) {
  const auto count = static_cast<std::size_t>(pass.count());
  if (count < std::size_t{4} * pool.threads() || pool.threads() == 1) {
    for (std::size_t i = 0; i < count; ++i) {
      body(pass.gemm_of<Operand>(static_cast<std::int64_t>(i)), pool);
    }
    return;
  }
  pool.for_each(count, [&](std::size_t i, unsigned /*thread*/) {
    WorkerPool alone(1);
    body(pass.gemm_of<Operand>(static_cast<std::int64_t>(i)), alone);
  });
}

}  // namespace potomac::sim
