#include "workloads/layers/lowering.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace potomac::workloads {
namespace {

using Mapping = LoweredOperand::Mapping;

// The extents of a convolution, of one group where groups divide them.
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

// A dense matrix: element (row, k) at base + row * row_stride + k * depth_stride.
Mapping dense(std::int64_t rows, std::int64_t row_stride, std::int64_t depth,
              std::int64_t depth_stride, std::int64_t base) {
  return {.row_extents = {rows, 1, 1},
          .depth_extents = {depth, 1, 1},
          .base = base,
          .row_stride = row_stride,
          .depth_stride = depth_stride,
          .y = {},
          .x = {}};
}

Mapping conv_first(const LayerShape& layer, Pass pass, std::int64_t group) {
  const ConvExtents e(layer);
  const Conv2dGeometry& c = layer.conv;
  const std::int64_t a_plane = e.height * e.width;
  const std::int64_t g_plane = e.out_height * e.out_width;
  const std::int64_t g_image = e.outputs * c.groups * g_plane;
  switch (pass) {
    case Pass::kForward:  // A: row (b, p, q), depth (c, kh, kw)
      return {.row_extents = {e.batch, e.out_height, e.out_width},
              .depth_extents = {e.channels, e.kernel_height, e.kernel_width},
              .base = group * e.channels * a_plane,
              .row_stride = e.channels * c.groups * a_plane,
              .depth_stride = a_plane,
              .y = {c.stride[0], c.dilation[0], -c.padding[0], 1, e.height, e.width},
              .x = {c.stride[1], c.dilation[1], -c.padding[1], 1, e.width, 1}};
    case Pass::kBackwardData:  // G: row (b, h, w), depth (o, kh, kw); h = p * stride - pad + kh * d
      return {.row_extents = {e.batch, e.height, e.width},
              .depth_extents = {e.outputs, e.kernel_height, e.kernel_width},
              .base = group * e.outputs * g_plane,
              .row_stride = g_image,
              .depth_stride = g_plane,
              .y = {1, -c.dilation[0], c.padding[0], c.stride[0], e.out_height, e.out_width},
              .x = {1, -c.dilation[1], c.padding[1], c.stride[1], e.out_width, 1}};
    case Pass::kBackwardWeight:  // G: row o, depth (b, p, q)
      return {.row_extents = {e.outputs, 1, 1},
              .depth_extents = {e.batch, e.out_height, e.out_width},
              .base = group * e.outputs * g_plane,
              .row_stride = g_plane,
              .depth_stride = g_image,
              .y = {0, 1, 0, 1, e.out_height, e.out_width},
              .x = {0, 1, 0, 1, e.out_width, 1}};
  }
  return {};
}

Mapping conv_second(const LayerShape& layer, Pass pass, std::int64_t group) {
  const ConvExtents e(layer);
  const Conv2dGeometry& c = layer.conv;
  const std::int64_t kernel = e.kernel_height * e.kernel_width;
  const std::int64_t a_plane = e.height * e.width;
  const std::int64_t w_base = group * e.outputs * e.channels * kernel;
  switch (pass) {
    case Pass::kForward:  // W: row o, depth (c, kh, kw), which lie next to each other
      return dense(e.outputs, e.channels * kernel, e.channels * kernel, 1, w_base);
    case Pass::kBackwardData:  // W: row c, depth (o, kh, kw)
      return {.row_extents = {e.channels, 1, 1},
              .depth_extents = {e.outputs, e.kernel_height, e.kernel_width},
              .base = w_base,
              .row_stride = kernel,
              .depth_stride = e.channels * kernel,
              .y = {0, 1, 0, 1, e.kernel_height, e.kernel_width},
              .x = {0, 1, 0, 1, e.kernel_width, 1}};
    case Pass::kBackwardWeight:  // A: row (c, kh, kw), depth (b, p, q)
      return {.row_extents = {e.channels, e.kernel_height, e.kernel_width},
              .depth_extents = {e.batch, e.out_height, e.out_width},
              .base = group * e.channels * a_plane,
              .row_stride = a_plane,
              .depth_stride = e.channels * c.groups * a_plane,
              .y = {c.dilation[0], c.stride[0], -c.padding[0], 1, e.height, e.width},
              .x = {c.dilation[1], c.stride[1], -c.padding[1], 1, e.width, 1}};
  }
  return {};
}

// The three matrices of a linear layer, or of one batch of a matmul.
struct DenseOperands {
  Mapping first;
  Mapping second;
};

DenseOperands linear_operands(const LayerShape& layer, Pass pass) {
  const std::int64_t batch = layer.a[0];
  const std::int64_t inputs = layer.a[1];
  const std::int64_t outputs = layer.w[0];
  switch (pass) {
    case Pass::kForward:
      return {dense(batch, inputs, inputs, 1, 0), dense(outputs, inputs, inputs, 1, 0)};
    case Pass::kBackwardData:
      return {dense(batch, outputs, outputs, 1, 0), dense(inputs, 1, outputs, inputs, 0)};
    case Pass::kBackwardWeight:
      return {dense(outputs, 1, batch, outputs, 0), dense(inputs, 1, batch, inputs, 0)};
  }
  return {};
}

DenseOperands matmul_operands(const LayerShape& layer, Pass pass, std::int64_t index) {
  const std::int64_t m = layer.a[1];
  const std::int64_t k = layer.a[2];
  const std::int64_t n = layer.w[2];
  const std::int64_t a = index * m * k;
  const std::int64_t w = index * k * n;
  const std::int64_t g = index * m * n;
  switch (pass) {
    case Pass::kForward:
      return {dense(m, k, k, 1, a), dense(n, 1, k, n, w)};
    case Pass::kBackwardData:
      return {dense(m, n, n, 1, g), dense(k, n, n, 1, w)};
    case Pass::kBackwardWeight:
      return {dense(k, 1, m, k, a), dense(n, 1, m, n, g)};
  }
  return {};
}

std::array<std::int64_t, 3> split(std::int64_t index, const std::array<std::int64_t, 3>& extents) {
  const std::int64_t inner = index % extents[2];
  index /= extents[2];
  return {index / extents[1], index % extents[1], inner};
}

// The tensor's position on one axis, or -1 for a structural zero.
std::int64_t position(const PatchAxis& axis, std::int64_t row, std::int64_t depth) {
  const std::int64_t scaled = row * axis.row_step + depth * axis.depth_step + axis.origin;
  if (scaled < 0 || scaled % axis.divisor != 0) {
    return -1;
  }
  const std::int64_t at = scaled / axis.divisor;
  return at < axis.extent ? at : -1;
}

// Every `stride`-th code, from `from` on.
void gather(const rtl::PotCode* from, std::int64_t stride, std::span<rtl::PotCode> out) {
  if (stride == 1) {
    std::memcpy(out.data(), from, out.size());
    return;
  }
  for (rtl::PotCode& code : out) {
    code = *from;
    from += stride;
  }
}

// What lies along the innermost axis for one row coordinate and the depth coordinates from `depth`
// on; `line` is the axis' first element.
void gather_run(const PatchAxis& axis, const rtl::PotCode* line, std::int64_t row,
                std::int64_t depth, rtl::PotCode zero, std::span<rtl::PotCode> out) {
  if (axis.divisor == 1) {  // no division for each element
    std::int64_t at = row * axis.row_step + depth * axis.depth_step + axis.origin;
    for (rtl::PotCode& code : out) {
      code = at >= 0 && at < axis.extent ? line[at * axis.stride] : zero;
      at += axis.depth_step;
    }
    return;
  }
  for (rtl::PotCode& code : out) {
    const std::int64_t at = position(axis, row, depth++);
    code = at >= 0 ? line[at * axis.stride] : zero;
  }
}

// Which tensor is an operand, by the table in the header: G W and G^T A for conv2d and linear.
const QuantizedTensor& first_tensor(const Layer& layer, Pass pass) {
  switch (pass) {
    case Pass::kForward:
      return layer.a;
    case Pass::kBackwardData:
      return layer.g;
    case Pass::kBackwardWeight:
      break;
  }
  return layer.shape.kind == LayerKind::kMatmul ? layer.a : layer.g;
}

const QuantizedTensor& second_tensor(const Layer& layer, Pass pass) {
  if (pass != Pass::kBackwardWeight) {
    return layer.w;
  }
  return layer.shape.kind == LayerKind::kMatmul ? layer.g : layer.a;
}

}  // namespace

std::vector<Pass> passes_of(const LayerShape& layer) {
  if (!layer.input_grad) {
    return {Pass::kForward, Pass::kBackwardWeight};
  }
  return {kPasses.begin(), kPasses.end()};
}

GemmShape gemm_shape(const LayerShape& layer, Pass pass) {
  std::int64_t count = 1;
  std::int64_t m = 0;  // of the forward pass: m x n x k
  std::int64_t n = 0;
  std::int64_t k = 0;
  switch (layer.kind) {
    case LayerKind::kLinear:
      m = layer.a[0];
      n = layer.w[0];
      k = layer.w[1];
      break;
    case LayerKind::kMatmul:
      count = layer.a[0];
      m = layer.a[1];
      n = layer.w[2];
      k = layer.a[2];
      break;
    case LayerKind::kConv2d: {
      const ConvExtents e(layer);
      const std::int64_t kernel = e.kernel_height * e.kernel_width;
      const std::int64_t out_positions = e.batch * e.out_height * e.out_width;
      count = layer.conv.groups;
      switch (pass) {
        case Pass::kForward:
          return {count, out_positions, e.outputs, e.channels * kernel};
        case Pass::kBackwardData:
          return {count, e.batch * e.height * e.width, e.channels, e.outputs * kernel};
        case Pass::kBackwardWeight:
          return {count, e.outputs, e.channels * kernel, out_positions};
      }
    }
  }
  switch (pass) {
    case Pass::kForward:
      return {count, m, n, k};
    case Pass::kBackwardData:
      return {count, m, k, n};
    case Pass::kBackwardWeight:
      break;
  }
  return layer.kind == LayerKind::kMatmul ? GemmShape{count, k, n, m} : GemmShape{count, n, k, m};
}

LoweredOperand::LoweredOperand(const QuantizedTensor& tensor, const Mapping& mapping)
    : tensor_(&tensor),
      map_(mapping),
      rows_(mapping.row_extents[0] * mapping.row_extents[1] * mapping.row_extents[2]),
      depth_(mapping.depth_extents[0] * mapping.depth_extents[1] * mapping.depth_extents[2]),
      plain_(mapping.row_extents[1] * mapping.row_extents[2] * mapping.depth_extents[1] *
                     mapping.depth_extents[2] ==
                 1 &&
             mapping.y.origin == 0 && mapping.x.origin == 0) {}

rtl::PotCode LoweredOperand::code(std::int64_t row, std::int64_t k) const {
  rtl::PotCode result = 0;
  fetch(row, k, {&result, 1});
  return result;
}

void LoweredOperand::fetch(std::int64_t row, std::int64_t k_begin,
                           std::span<rtl::PotCode> out) const {
  assert(row >= 0 && row < rows_ && k_begin >= 0);
  assert(k_begin + static_cast<std::int64_t>(out.size()) <= depth_);
  const rtl::PotCode* codes = tensor_->codes.data() + map_.base;
  if (plain_) {
    gather(codes + row * map_.row_stride + k_begin * map_.depth_stride, map_.depth_stride, out);
    return;
  }
  const rtl::PotCode zero = format().zero();
  const auto [r0, r1, r2] = split(row, map_.row_extents);
  codes += r0 * map_.row_stride;
  if (map_.depth_extents[1] * map_.depth_extents[2] == 1) {  // a 1 x 1 kernel: one place for all
    const std::int64_t at_y = position(map_.y, r1, 0);
    const std::int64_t at_x = position(map_.x, r2, 0);
    if (at_y < 0 || at_x < 0) {
      std::memset(out.data(), zero, out.size());
    } else {
      gather(codes + at_y * map_.y.stride + at_x * map_.x.stride + k_begin * map_.depth_stride,
             map_.depth_stride, out);
    }
    return;
  }
  auto [k0, k1, k2] = split(k_begin, map_.depth_extents);
  // One run of the innermost depth coordinate at a time: the vertical axis is fixed within it.
  while (!out.empty()) {
    const auto length = static_cast<std::size_t>(
        std::min(map_.depth_extents[2] - k2, static_cast<std::int64_t>(out.size())));
    const std::span<rtl::PotCode> run = out.first(length);
    const std::int64_t at_y = position(map_.y, r1, k1);
    if (at_y < 0) {
      std::memset(run.data(), zero, run.size());
    } else {
      gather_run(map_.x, codes + k0 * map_.depth_stride + at_y * map_.y.stride, r2, k2, zero, run);
    }
    out = out.subspan(length);
    k2 = 0;
    if (++k1 == map_.depth_extents[1]) {
      k1 = 0;
      ++k0;
    }
  }
}

Gemm lower(const Layer& layer, Pass pass, std::int64_t index) {
  const LayerShape& shape = layer.shape;
  const GemmShape gemm = gemm_shape(shape, pass);
  assert(index >= 0 && index < gemm.count);
  DenseOperands maps;
  switch (shape.kind) {
    case LayerKind::kLinear:
      maps = linear_operands(shape, pass);
      break;
    case LayerKind::kMatmul:
      maps = matmul_operands(shape, pass, index);
      break;
    case LayerKind::kConv2d:
      maps = {conv_first(shape, pass, index), conv_second(shape, pass, index)};
      break;
  }
  const QuantizedTensor& first = first_tensor(layer, pass);
  const QuantizedTensor& second = second_tensor(layer, pass);
  return {.layer = shape.name,
          .pass = pass,
          .index = index,
          .m = gemm.m,
          .n = gemm.n,
          .k = gemm.k,
          .first = LoweredOperand(first, maps.first),
          .second = LoweredOperand(second, maps.second),
          .first_beta = first.beta,
          .second_beta = second.beta};
}

}  // namespace potomac::workloads
