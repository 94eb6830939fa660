// One product of two matrices of codes as the machine sums it, without a workload around it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/studies/caller.hpp"
#include "workloads/layers/layer.hpp"

namespace potomac::sim {

struct GemmSums {
  int scale_exponent = 0;       // a result's value is its accumulator * 2^this
  std::uint64_t overflows = 0;  // sums that left the accumulator's range
  std::uint64_t dropped = 0;    // products below its lowest bit
};

// first[B, M, K] times second[B, K, N], each sum in the order of K, by the engine of that name: its
// accumulators go to sums[B, M, N]. Precondition: the engine computes sums; extents fit one another
// and are at least 1; sums.size() == B * M * N; codes are canonical.
// Throws InputError if the accumulator cannot hold one largest product, or the engine cannot build
// its array of 16 x 16; StoppedError.
GemmSums gemm_sums(workloads::QuantizedTensor first, workloads::QuantizedTensor second,
                   const rtl::AccumulatorConfig& accumulator, const std::string& engine,
                   const Caller& caller, std::span<std::int64_t> sums);

}  // namespace potomac::sim
