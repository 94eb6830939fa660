// What a GEMM's value-dependent counts follow from without looking at its m * n * k products: how
// many operands are zero, and how exponents are spread, at each depth of the reduction.
#pragma once

#include <cstdint>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/engines/worker_pool.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

struct ProductCounts {
  std::uint64_t macs = 0;           // m * n * k
  std::uint64_t nonzero = 0;        // both operands are not zero
  std::uint64_t dropped = 0;        // of those: product below the accumulator's lowest bit
  std::uint64_t first_nonzero = 0;  // outputs whose product at depth 0 is not zero
  std::uint64_t first_kept = 0;     // of those: not dropped

  friend bool operator==(const ProductCounts&, const ProductCounts&) = default;
};

// Takes time and memory in proportion to the operands, (m + n) * k, not to the products: at depth
// k, each nonzero element of one operand meets each of the other's. The sums over depth are exact.
ProductCounts count_products(const workloads::Gemm& gemm, const rtl::Accumulator& accumulator,
                             WorkerPool& pool);

}  // namespace potomac::sim
