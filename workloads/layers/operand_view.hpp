// An operand of a GEMM read straight from its tensor (implicit im2col): no lowered matrix is ever
// stored.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "rtl_models/arithmetic/pot_code.hpp"
#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

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

// The position, or -1 where there is none.
inline std::int64_t position_on(const PatchAxis& axis, std::int64_t row, std::int64_t depth) {
  std::int64_t at = row * axis.row_step + depth * axis.depth_step + axis.origin;
  if (axis.divisor != 1) {  // a division is slow
    if (at < 0 || at % axis.divisor != 0) {
      return -1;
    }
    at /= axis.divisor;
  }
  return at >= 0 && at < axis.extent ? at : -1;
}

// An index's four coordinates, outermost first.
std::array<std::int64_t, 4> coordinates_of(std::int64_t index,
                                           const std::array<std::int64_t, 4>& extents);
// Makes coordinates those of the next line along the innermost axis, where it begins.
inline void next_line(std::array<std::int64_t, 4>& coordinates,
                      const std::array<std::int64_t, 4>& extents) {
  auto& [outer, z, y, x] = coordinates;
  x = 0;
  if (++y == extents[2]) {
    y = 0;
    if (++z == extents[1]) {
      z = 0;
      ++outer;
    }
  }
}
// Makes coordinates those of the next index.
inline void advance(std::array<std::int64_t, 4>& coordinates,
                    const std::array<std::int64_t, 4>& extents) {
  if (++coordinates[3] == extents[3]) {
    next_line(coordinates, extents);
  }
}

// Where the elements of an operand lie in its tensor. A row index is split into four coordinates,
// outermost first, by `row_extents`; a depth index likewise; the outermost coordinates step through
// the tensor by plain strides, the inner three through the patch axes.
struct OperandMapping {
  std::array<std::int64_t, 4> row_extents{1, 1, 1, 1};
  std::array<std::int64_t, 4> depth_extents{1, 1, 1, 1};
  std::int64_t base = 0;          // offset of the first element
  std::int64_t row_stride = 0;    // of the outermost row coordinate
  std::int64_t depth_stride = 0;  // of the outermost depth coordinate
  PatchAxis z, y, x;
};

// One operand of a GEMM as a matrix of its tensor's elements: row r (the output's index m or n),
// depth k (the reduction's index). It is a view, which the tensor must outlive. An element is a
// code (rtl::PotCode) or a value (float).
template <typename T>
class OperandView {
 public:
  using Element = T;

  // `zero` stands where an element is structural.
  OperandView(const Element* tensor, Element zero, const OperandMapping& mapping);

  // The part of `rows` rows from row `row` on, of `depth` from depth `k` on.
  OperandView block(std::int64_t row, std::int64_t rows, std::int64_t k, std::int64_t depth) const;

  std::int64_t rows() const { return rows_; }
  std::int64_t depth() const { return depth_; }
  Element zero() const { return zero_; }

  // The whole matrix's places in the tensor, and the tensor. Precondition: it is no block.
  const OperandMapping& mapping() const { return map_; }
  const Element* tensor() const { return tensor_; }

  Element at(std::int64_t row, std::int64_t k) const;

  // The elements at (row, k_begin .. k_begin + out.size() - 1).
  void fetch(std::int64_t row, std::int64_t k_begin, std::span<Element> out) const;

  // Whether rows that follow one another lie side by side in the tensor more than depths do: many
  // rows are then quicker fetched together.
  bool lies_along_rows() const;
  // The elements at (row .. row + rows - 1, k_begin .. k_begin + depth - 1): depth i's of row r at
  // out[i * pitch + r].
  void fetch_rows(std::int64_t row, std::int64_t rows, std::int64_t k_begin, std::int64_t depth,
                  std::int64_t pitch, Element* out) const;

 private:
  // fetch_rows() of rows that lie side by side from these coordinates on.
  void fetch_run(const std::array<std::int64_t, 4>& row, std::int64_t rows, std::int64_t k_begin,
                 std::int64_t depth, std::int64_t pitch, Element* out) const;

  const Element* tensor_;
  Element zero_;
  OperandMapping map_;
  std::int64_t row_begin_ = 0;  // of the matrix that the mapping makes
  std::int64_t k_begin_ = 0;
  std::int64_t rows_;
  std::int64_t depth_;
  bool one_tap_;
  bool plain_;  // no patch axes: element = base + row * row_stride + k * depth_stride
};

// Of codes, whose format it knows.
class LoweredOperand : public OperandView<rtl::PotCode> {
 public:
  LoweredOperand(const QuantizedTensor& tensor, const OperandMapping& mapping)
      : LoweredOperand({tensor.codes.data(), tensor.format().zero(), mapping}, tensor.format()) {}

  LoweredOperand block(std::int64_t row, std::int64_t rows, std::int64_t k,
                       std::int64_t depth) const {
    return {OperandView::block(row, rows, k, depth), format_};
  }

  rtl::PotFormat format() const { return format_; }
  rtl::PotCode code(std::int64_t row, std::int64_t k) const { return at(row, k); }

 private:
  LoweredOperand(const OperandView& view, rtl::PotFormat format)
      : OperandView(view), format_(format) {}

  rtl::PotFormat format_;
};

using Fp32Operand = OperandView<float>;

}  // namespace potomac::workloads
