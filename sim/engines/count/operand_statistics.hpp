// What a GEMM's value-dependent counts follow from without looking at its m * n * k products: how
// many operands are zero, and how exponents are spread, at each depth of the reduction.
#pragma once

#include <cstdint>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/engines/interface/value_facts.hpp"
#include "sim/engines/interface/worker_pool.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

// Takes time in proportion to the operands, (m + n) * k, not to the products: at depth k, each
// nonzero element of one operand meets each of the other's. The sums over depth are exact. Memory
// does not grow with the GEMM.
ProductCounts count_products(const workloads::Gemm& gemm, const rtl::Accumulator& accumulator,
                             WorkerPool& pool);

// The same of all GEMMs of a pass, and overflow where a bound proves that there is none: the
// product of the largest Euclidean norms of a row of each operand (Cauchy-Schwarz bounds every
// partial sum). Else it is not known.
ValueFacts counted_facts(const workloads::LoweredPass& operands,
                         const rtl::Accumulator& accumulator, WorkerPool& pool);

// The zeros of a pass only: no accumulator is needed to count them.
ProductCounts count_zeros(const workloads::LoweredPass& operands, WorkerPool& pool);

}  // namespace potomac::sim
