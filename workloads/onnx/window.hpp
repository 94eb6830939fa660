// The windows of convolutions and pools: their attributes, and the extents that they give.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>

#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

enum class AutoPad { kNotSet, kSameUpper, kSameLower, kValid };

// A number for each spatial axis.
struct Window {
  Shape kernel, strides, dilations;
  Shape before, behind;  // pads; under `auto_pad` 0, until the extents are known
  Shape output_padding;  // of ConvTranspose
  Shape output_shape;    // of ConvTranspose; empty if it has none
  AutoPad auto_pad = AutoPad::kNotSet;
  bool ceil = false;

  std::size_t axes() const { return kernel.size(); }
};

// The attributes of a convolution or pool over `axes` spatial axes. `kernel`: the weights' spatial
// extents; empty for a pool, which has them as an attribute. Throws ShapeFault: a list of another
// length, a number out of range, attributes that exclude each other.
Window window_of(const onnx::NodeProto& node, std::size_t axes, const Shape& kernel);

// The spatial extents of the output, and pads that give these. Throws ShapeFault where the window
// does not fit. Precondition: input.size() == axes().
Shape slide(Window& window, const Shape& input);
// Those of a transposed convolution.
Shape slide_transposed(Window& window, const Shape& input);

}  // namespace potomac::workloads
