// The extents of a convolution by name (of one group where groups divide them), and axis by axis.
// Two spatial axes are three of which the first, depth, has one element.
#pragma once

#include <cstddef>
#include <cstdint>

#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

// One spatial axis: a kernel of `taps` elements at each of `places` places of `pixels` elements.
struct ConvAxis {
  std::int64_t pixels = 1;
  std::int64_t taps = 1;
  std::int64_t places = 1;
  std::int64_t stride = 1;
  std::int64_t before = 0;  // padding
  std::int64_t after = 0;
  std::int64_t dilation = 1;

  // Pixels from the first tap to the last.
  std::int64_t reach() const { return dilation * (taps - 1) + 1; }
};

// Depth, vertical and horizontal.
inline constexpr std::size_t kConvAxes = 3;

// Precondition: a conv2d or a conv3d whose tensors have the ranks of their kind.
inline ConvAxis conv_axis(const LayerShape& layer, std::size_t axis) {
  if (axis == 0 && !is_volumetric(layer.kind)) {
    return {};
  }
  const std::size_t index = layer.a.size() - kConvAxes + axis;
  const ConvGeometry& conv = layer.conv;
  ConvAxis result;
  result.pixels = layer.a[index];
  result.taps = layer.w[index];
  result.places = layer.g[index];
  result.stride = axis == 0 ? conv.depth.stride : conv.stride[axis - 1];
  result.before = axis == 0 ? conv.depth.before : conv.padding.before[axis - 1];
  result.after = axis == 0 ? conv.depth.after : conv.padding.after[axis - 1];
  result.dilation = axis == 0 ? conv.depth.dilation : conv.dilation[axis - 1];
  return result;
}

struct ConvExtents {
  std::int64_t batch, channels, outputs;
  ConvAxis z, y, x;

  // Precondition: as of conv_axis().
  explicit ConvExtents(const LayerShape& layer)
      : batch(layer.a[0]),
        channels(layer.w[1]),
        outputs(layer.w[0] / layer.conv.groups),
        z(conv_axis(layer, 0)),
        y(conv_axis(layer, 1)),
        x(conv_axis(layer, 2)) {}

  std::int64_t pixels() const { return z.pixels * y.pixels * x.pixels; }
  std::int64_t places() const { return z.places * y.places * x.places; }
  std::int64_t taps() const { return z.taps * y.taps * x.taps; }
};

}  // namespace potomac::workloads
