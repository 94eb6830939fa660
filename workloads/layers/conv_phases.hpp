// The GEMMs of a convolution's backward-data, axis by axis.
//
// The gradient of input pixel h gathers G at p = (h + padding - i * dilation) / stride over the
// taps i of the kernel, where the division leaves no rest. Under `zero_insert` all pixels and taps
// make one GEMM, and where there is a rest (or p lies outside of G) the operand is a structural
// zero: a hole. Under `phases` the pixels are split by their residue h mod stride; the pixels of
// one residue all meet the same taps, so that each residue (of all axes together) is a GEMM
// without holes. With stride 1 the two are the same.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/layers/conv_extents.hpp"
#include "workloads/layers/gemm_shape.hpp"
#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

// What one GEMM takes of one axis. Its pixel number j is h = first_pixel + j * pixel_step, its tap
// number t is i = first_tap + t * tap_step, and they meet at
// p = (j + t * depth_step + origin) / divisor.
struct PhaseAxis {
  std::int64_t first_pixel, pixel_step, pixels;
  std::int64_t first_tap, tap_step, taps;
  std::int64_t depth_step, origin, divisor;
};

// The phases of an axis in the order of their residue: those that have both pixels and taps. The
// others' results are zero, and take no GEMM.
std::vector<PhaseAxis> phases_of_axis(const ConvAxis& axis, StridedBackwardData form);

// The phases of a layer: each of one axis with each of the others (horizontal innermost).
class ConvPhases {
 public:
  // Precondition: a conv2d or a conv3d.
  ConvPhases(const LayerShape& layer, StridedBackwardData form)
      : z_(phases_of_axis(conv_axis(layer, 0), form)),
        y_(phases_of_axis(conv_axis(layer, 1), form)),
        x_(phases_of_axis(conv_axis(layer, 2), form)) {}

  std::size_t size() const { return z_.size() * y_.size() * x_.size(); }
  const PhaseAxis& z(std::size_t phase) const { return z_[phase / x_.size() / y_.size()]; }
  const PhaseAxis& y(std::size_t phase) const { return y_[phase / x_.size() % y_.size()]; }
  const PhaseAxis& x(std::size_t phase) const { return x_[phase % x_.size()]; }

 private:
  std::vector<PhaseAxis> z_, y_, x_;
};

}  // namespace potomac::workloads
