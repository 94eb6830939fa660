// One pass of a layer as a training step has it: codes in, results as binary32 out, by the sums
// that the machine makes.
#pragma once

#include <cstdint>
#include <span>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "rtl_models/arithmetic/pot_code.hpp"
#include "sim/engines/interface/worker_pool.hpp"
#include "sim/machine/architecture.hpp"
#include "workloads/layers/gemm_shape.hpp"
#include "workloads/layers/layer.hpp"

namespace potomac::sim {

// A tensor's codes in the order of its shape.
struct TensorCodes {
  std::span<const rtl::PotCode> codes;
  int bits = rtl::kDefaultPotBits;
  int beta = 0;
};

struct TrainingPass {
  rtl::Accumulator accumulator;
  std::uint64_t results = 0;
  std::uint64_t overflowed_results = 0;
  std::uint64_t overflows = 0;  // additions whose sum left the accumulator's range
  std::uint64_t macs = 0;
  std::uint64_t products = 0;  // of two operands that are not 0
  std::uint64_t dropped = 0;   // of these: below the lowest bit
  bool finite = true;          // each result
};

// The pass's result, in the shape of the tensor that it is the gradient of (or the output), to
// `result`: each accumulator * 2^scale, rounded once to binary32, to nearest even
// (rtl::result_value). `first` and `second` are the pass's operands as tensors_of() names them.
// Preconditions: check() passed for the layer, the spans have its tensors' sizes, codes are
// canonical. Throws InputError if the PE cannot hold them.
TrainingPass training_pass(const workloads::LayerShape& layer, workloads::Pass pass,
                           const TensorCodes& first, const TensorCodes& second, const PeConfig& pe,
                           float* result, WorkerPool& pool);

}  // namespace potomac::sim
