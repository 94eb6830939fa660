// From a layer to its three GEMMs: shapes, and operand matrices that are read straight from the
// tensors (implicit im2col): no lowered matrix is ever stored.
//
//   kind    | forward                   | backward-data             | backward-weight
//   linear  | B x O x I      A W^T      | B x I x O       G W       | O x I x B          G^T A
//   conv2d  | BPQ x O x Ckk  A*W        | BHW x C x Okk   G*W       | O x Ckk x BPQ      G^T A
//   matmul  | M x N x K      A W        | M x K x N       G W^T     | K x N x M          A^T G
//
// One GEMM per group (conv2d; C and O are then those of a group) and per batch (matmul).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "rtl_models/arithmetic/pot_code.hpp"
#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

// `count` equal GEMMs of an m x n output, reduced over k.
struct GemmShape {
  std::int64_t count = 1;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;

  std::int64_t macs() const { return count * m * n * k; }
  friend bool operator==(const GemmShape&, const GemmShape&) = default;
};

// The passes that a layer has: all three, or without backward-data if input_grad is false.
std::vector<Pass> passes_of(const LayerShape& layer);

// Precondition: check(layer) passed, and `pass` is one of passes_of(layer).
GemmShape gemm_shape(const LayerShape& layer, Pass pass);

// One axis of a convolution: where in the tensor a (row, depth) pair of the lowered matrix lies.
// position = (row_coordinate * row_step + depth_coordinate * depth_step + origin) / divisor;
// outside of [0, extent), or where the division leaves a rest, the element is a structural zero.
struct PatchAxis {
  std::int64_t row_step = 0;
  std::int64_t depth_step = 0;
  std::int64_t origin = 0;
  std::int64_t divisor = 1;
  std::int64_t extent = 1;
  std::int64_t stride = 0;  // in elements of the tensor
};

// One operand of a GEMM as a matrix of codes: row r (the output's index m or n), depth k (the
// reduction's index). It is a view: the layer's tensor must outlive it. A row index is split into
// three coordinates, outermost first, by `row_extents`; a depth index likewise; the outer
// coordinates step through the tensor by plain strides, the inner two through the patch axes.
class LoweredOperand {
 public:
  struct Mapping {
    std::array<std::int64_t, 3> row_extents{1, 1, 1};
    std::array<std::int64_t, 3> depth_extents{1, 1, 1};
    std::int64_t base = 0;          // offset of the first element
    std::int64_t row_stride = 0;    // of the outermost row coordinate
    std::int64_t depth_stride = 0;  // of the outermost depth coordinate
    PatchAxis y, x;
  };

  LoweredOperand(const QuantizedTensor& tensor, const Mapping& mapping);

  std::int64_t rows() const { return rows_; }
  std::int64_t depth() const { return depth_; }
  rtl::PotFormat format() const { return tensor_->format(); }

  // The code at (row, k); the zero code where the element is structural.
  rtl::PotCode code(std::int64_t row, std::int64_t k) const;

  // The codes at (row, k_begin .. k_begin + out.size() - 1).
  void fetch(std::int64_t row, std::int64_t k_begin, std::span<rtl::PotCode> out) const;

 private:
  const QuantizedTensor* tensor_;
  Mapping map_;
  std::int64_t rows_;
  std::int64_t depth_;
  bool plain_;  // no patch axes: element = base + row * row_stride + k * depth_stride
};

// One GEMM with its operands. `first` has m rows (they stream down the array's rows), `second` n
// rows (they stream across its columns); both have depth k.
struct Gemm {
  std::string layer;
  Pass pass = Pass::kForward;
  std::int64_t index = 0;  // of `count`: which group or batch
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  LoweredOperand first;
  LoweredOperand second;
  int first_beta = 0;
  int second_beta = 0;

  // A result's value is its accumulator * 2^(lsb + scale_exponent()).
  int scale_exponent() const { return first_beta + second_beta; }
  std::int64_t macs() const { return m * n * k; }
};

// The GEMM number `index` (0 .. gemm_shape().count - 1) of a pass. The layer must outlive it.
Gemm lower(const Layer& layer, Pass pass, std::int64_t index);

}  // namespace potomac::workloads
