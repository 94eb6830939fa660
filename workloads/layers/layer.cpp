#include "workloads/layers/layer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "workloads/layers/conv_extents.hpp"

namespace potomac::workloads {

std::string_view name_of(Pass pass) {
  switch (pass) {
    case Pass::kForward:
      return "forward";
    case Pass::kBackwardData:
      return "backward-data";
    case Pass::kBackwardWeight:
      return "backward-weight";
  }
  return "";
}

std::string_view name_of(LayerKind kind) {
  switch (kind) {
    case LayerKind::kLinear:
      return "linear";
    case LayerKind::kConv2d:
      return "conv2d";
    case LayerKind::kMatmul:
      return "matmul";
    case LayerKind::kConvTranspose2d:
      return "conv_transpose2d";
    case LayerKind::kConv3d:
      return "conv3d";
    case LayerKind::kConvTranspose3d:
      return "conv_transpose3d";
  }
  return "";
}

GeometryLists lists_of(const ConvGeometry& geometry, bool volumetric) {
  const auto list = [&](std::int64_t depth, const Pair& pair) {
    return volumetric ? Shape{depth, pair[0], pair[1]} : Shape{pair[0], pair[1]};
  };
  GeometryLists lists{.stride = list(geometry.depth.stride, geometry.stride),
                      .padding = list(geometry.depth.before, geometry.padding.before),
                      .dilation = list(geometry.depth.dilation, geometry.dilation)};
  const Shape after = list(geometry.depth.after, geometry.padding.after);
  if (after != lists.padding) {
    lists.padding.insert(lists.padding.end(), after.begin(), after.end());
  }
  return lists;
}

ConvGeometry geometry_of(const GeometryLists& lists, std::int64_t groups) {
  const std::size_t y = lists.axes() - 2;
  const std::size_t x = lists.axes() - 1;
  ConvGeometry geometry{.stride = {lists.stride[y], lists.stride[x]},
                        .padding = {.before = {lists.before(y), lists.before(x)},
                                    .after = {lists.after(y), lists.after(x)}},
                        .dilation = {lists.dilation[y], lists.dilation[x]},
                        .groups = groups};
  if (lists.axes() == kConvAxes) {
    geometry.depth = {.stride = lists.stride[0],
                      .before = lists.before(0),
                      .after = lists.after(0),
                      .dilation = lists.dilation[0]};
  }
  return geometry;
}

std::int64_t element_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) {
    count *= extent;
  }
  return count;
}

bool runs_before(std::string_view name, std::string_view other) {
  const auto digits = [](std::string_view text) {
    return text.substr(0, text.find_first_not_of("0123456789"));
  };
  const auto significant = [](std::string_view number) {
    return number.substr(std::min(number.find_first_not_of('0'), number.size()));
  };
  const std::string_view a = digits(name);
  const std::string_view b = digits(other);
  if (!a.empty() && !b.empty() && significant(a) != significant(b)) {
    return significant(a).size() != significant(b).size()
               ? significant(a).size() < significant(b).size()
               : significant(a) < significant(b);
  }
  return name < other;
}

AsConvolution as_convolution(const LayerShape& layer, Pass pass) {
  AsConvolution result{.layer = layer, .pass = pass};
  if (is_transposed(layer.kind)) {
    result.layer.kind = is_volumetric(layer.kind) ? LayerKind::kConv3d : LayerKind::kConv2d;
    std::swap(result.layer.a, result.layer.g);
    result.pass = pass == Pass::kForward        ? Pass::kBackwardData
                  : pass == Pass::kBackwardData ? Pass::kForward
                                                : Pass::kBackwardWeight;
  }
  return result;
}

std::string text_of(const TrainedSum& sum) {
  const std::optional<rtl::Accumulator>& accumulator = sum.accumulator;
  return accumulator ? fmt::format("{} bits, lsb {}, {}", accumulator->bits, accumulator->lsb,
                                   name_of(accumulator->overflow))
                     : "binary32";
}

}  // namespace potomac::workloads
