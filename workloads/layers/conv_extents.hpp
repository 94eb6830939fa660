// The extents of a convolution by name, of one group where groups divide them.
#pragma once

#include <cstdint>

#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

struct ConvExtents {
  std::int64_t batch, channels, height, width;  // of A
  std::int64_t outputs, out_height, out_width;  // of G
  std::int64_t kernel_height, kernel_width;

  explicit ConvExtents(const LayerShape& layer)
      : batch(layer.a[0]),
        channels(layer.w[1]),
        height(layer.a[2]),
        width(layer.a[3]),
        outputs(layer.w[0] / layer.conv.groups),
        out_height(layer.g[2]),
        out_width(layer.g[3]),
        kernel_height(layer.w[2]),
        kernel_width(layer.w[3]) {}
};

}  // namespace potomac::workloads
