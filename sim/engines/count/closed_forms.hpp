// Action counts of a GEMM in closed form: what the array's registers and units do follows from
// shapes and from a few sums over the operands (docs/timing.md derives each).
#pragma once

#include "sim/engines/count/operand_statistics.hpp"
#include "sim/engines/engine.hpp"
#include "sim/machine/architecture.hpp"

namespace potomac::sim {

// The MF-MAC array; `overflows` is the one count that only the values themselves can tell.
GemmResult mf_mac_result(const Architecture& architecture, const workloads::Gemm& gemm,
                         const ProductCounts& products, std::uint64_t overflows);

// The FP32 array of the same shape; it meets the same zeros.
GemmResult fp32_result(const Architecture& architecture, const workloads::Gemm& gemm,
                       const ZeroCounts& zeros);

}  // namespace potomac::sim
