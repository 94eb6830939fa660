// Small convolutions of any geometry, for whoever draws layers: `potomac verify`, and tests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "workloads/layers/layer.hpp"

namespace potomac::sim {

// Gives `shape`, which has a convolution's kind, extents and a geometry that fit one another.
// `between(low, high)` draws a number, both included; `largest_image`: of the image's axes, but for
// kernels that reach farther.
template <typename Between>
void draw_convolution(workloads::LayerShape& shape, std::int64_t largest_image, Between between) {
  const std::int64_t groups = between(1, 2);
  const std::int64_t in = between(1, 3);
  const std::int64_t out = between(1, 3);
  const std::int64_t batch = between(1, 2);
  shape.w = {groups * out, in};
  shape.a = {batch, groups * in};
  shape.g = {batch, groups * out};
  workloads::GeometryLists lists;
  workloads::Shape behind;
  for (std::size_t axis = 0; axis < (is_volumetric(shape.kind) ? 3U : 2U); ++axis) {
    const std::int64_t kernel = between(1, 3);
    lists.stride.push_back(between(1, 3));
    lists.dilation.push_back(between(1, 2));
    lists.padding.push_back(between(0, 2));
    behind.push_back(between(0, 2));
    const std::int64_t around = lists.padding.back() + behind.back();
    const std::int64_t reach = lists.dilation.back() * (kernel - 1) + 1;
    const std::int64_t image = std::max<std::int64_t>(between(1, largest_image), reach - around);
    shape.w.push_back(kernel);
    shape.a.push_back(image);
    shape.g.push_back((image + around - reach) / lists.stride.back() + 1);
  }
  lists.padding.insert(lists.padding.end(), behind.begin(), behind.end());
  shape.conv = geometry_of(lists, groups);
  if (is_transposed(shape.kind)) {
    std::swap(shape.a, shape.g);
  }
}

}  // namespace potomac::sim
