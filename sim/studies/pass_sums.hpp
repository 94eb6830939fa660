// What the machine's accumulators hold at the end of one pass of a layer, or of one product of two
// matrices, without a workload around it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/studies/caller.hpp"
#include "workloads/layers/layer.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

struct PassSums {
  // Of the pass's result, [matrices, rows, cols]; a row that no GEMM makes is zero.
  workloads::ResultShape shape;
  std::vector<std::int64_t> sums;
  int scale_exponent = 0;       // a result's value is its accumulator * 2^this
  std::uint64_t overflows = 0;  // sums that left the accumulator's range
  std::uint64_t dropped = 0;    // products below its lowest bit
};

// The pass's sums, each in the order of its reduction, by the engine of that name: what
// `potomac run --dump-outputs` writes of it. Precondition: check() and check_values() passed for
// the layer, which has the pass, and the engine computes sums. Throws InputError if the accumulator
// cannot hold one largest product, or the engine cannot build its array of 16 x 16; StoppedError.
PassSums pass_sums(const workloads::Layer& layer, workloads::Pass pass,
                   const rtl::AccumulatorConfig& accumulator, const std::string& engine,
                   const Caller& caller);

// The same of first[B, M, K] times second[B, K, N], which is [B, M, N]. Precondition: the extents
// fit one another and are at least 1; codes are canonical.
PassSums gemm_sums(workloads::QuantizedTensor first, workloads::QuantizedTensor second,
                   const rtl::AccumulatorConfig& accumulator, const std::string& engine,
                   const Caller& caller);

}  // namespace potomac::sim
