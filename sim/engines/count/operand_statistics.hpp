// What a GEMM's value-dependent counts follow from without looking at its m * n * k products: how
// many operands are zero, and how exponents are spread, at each depth of the reduction.
#pragma once

#include <cstdint>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/engines/value_facts.hpp"
#include "sim/engines/worker_pool.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

// Takes time in proportion to the operands, (m + n) * k, not to the products: at depth k, each
// nonzero element of one operand meets each of the other's. The sums over depth are exact. Memory
// does not grow with the GEMM.
ProductCounts count_products(const workloads::Gemm& gemm, const rtl::Accumulator& accumulator,
                             WorkerPool& pool);

}  // namespace potomac::sim
