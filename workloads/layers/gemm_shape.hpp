// What GEMMs a layer's passes are: shapes only. A pass is a list of GEMMs, run back to back.
//
//   kind    | forward      | backward-data | backward-weight
//   linear  | B x O x I    | B x I x O     | O x I x B
//   conv2d  | BPQ x O x Ckk| BHW x C x Okk | O x Ckk x BPQ
//   matmul  | M x N x K    | M x K x N     | K x N x M
//
// One GEMM per group (conv2d; C and O are then those of a group) and per batch (matmul). A strided
// convolution's backward-data is one GEMM for each phase and group instead (conv_phases.hpp).
// conv_transpose2d: as the convolution that leads from its output to its input (as_convolution());
// its forward has the phases.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

// How a machine's address generator forms a strided convolution's backward-data, and a transposed
// convolution's forward, which is the same.
enum class StridedBackwardData { kPhases, kZeroInsert };

// What a machine has a say in when a pass becomes GEMMs.
struct Lowering {
  StridedBackwardData strided_backward_data = StridedBackwardData::kPhases;

  friend bool operator==(const Lowering&, const Lowering&) = default;
};

// `count` equal GEMMs of an m x n output, reduced over k.
struct GemmShape {
  std::int64_t count = 1;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;

  std::int64_t macs() const { return count * m * n * k; }
  friend bool operator==(const GemmShape&, const GemmShape&) = default;
};

// The passes that a layer has: forward, backward-data if it has an input_grad, backward-weight if
// it has a weight_grad.
std::vector<Pass> passes_of(const LayerShape& layer);

// The GEMMs of a pass, in the order in which they run: runs of equal ones. Phases follow one
// another by residue, groups inside. A pass of which no input pixel meets an output has
// none. Precondition: check(layer) passed, and `pass` is one of passes_of(layer).
std::vector<GemmShape> gemms_of(const LayerShape& layer, Pass pass, const Lowering& lowering);

// How many of a pass's MACs have a structural zero, an operand that is padding or a hole, whatever
// the values. The rest are as many in all three passes of a layer. The same precondition.
std::int64_t structural_macs(const LayerShape& layer, Pass pass, const Lowering& lowering);

// The MACs of all GEMMs together; of a layer's pass they are at most 2^62 (check()).
std::int64_t macs_of(std::span<const GemmShape> gemms);
std::int64_t count_of(std::span<const GemmShape> gemms);

}  // namespace potomac::workloads
