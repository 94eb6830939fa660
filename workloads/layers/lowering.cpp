#include "workloads/layers/lowering.hpp"

#include <cassert>

#include "workloads/layers/conv_extents.hpp"

namespace potomac::workloads {
namespace {

using Mapping = LoweredOperand::Mapping;

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
              .y = {c.stride[0], c.dilation[0], -c.padding.before[0], 1, e.height, e.width},
              .x = {c.stride[1], c.dilation[1], -c.padding.before[1], 1, e.width, 1}};
    case Pass::kBackwardData:
      break;                     // conv_backward_data
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
    case Pass::kBackwardData:
      break;                     // conv_backward_data
    case Pass::kBackwardWeight:  // A: row (c, kh, kw), depth (b, p, q)
      return {.row_extents = {e.channels, e.kernel_height, e.kernel_width},
              .depth_extents = {e.batch, e.out_height, e.out_width},
              .base = group * e.channels * a_plane,
              .row_stride = a_plane,
              .depth_stride = e.channels * c.groups * a_plane,
              .y = {c.dilation[0], c.stride[0], -c.padding.before[0], 1, e.height, e.width},
              .x = {c.dilation[1], c.stride[1], -c.padding.before[1], 1, e.width, 1}};
  }
  return {};
}

struct Operands {
  Mapping first;
  Mapping second;
};

// G W of one phase: rows are the phase's pixels (b, h, w) and the channels, depth is (o, kh, kw) of
// the phase's taps.
Operands conv_backward_data(const LayerShape& layer, std::int64_t group, const PhaseAxis& y,
                            const PhaseAxis& x) {
  const ConvExtents e(layer);
  const std::int64_t g_plane = e.out_height * e.out_width;
  const std::int64_t kernel = e.kernel_height * e.kernel_width;
  return {.first = {.row_extents = {e.batch, y.pixels, x.pixels},
                    .depth_extents = {e.outputs, y.taps, x.taps},
                    .base = group * e.outputs * g_plane,
                    .row_stride = e.outputs * layer.conv.groups * g_plane,
                    .depth_stride = g_plane,
                    .y = {1, y.depth_step, y.origin, y.divisor, e.out_height, e.out_width},
                    .x = {1, x.depth_step, x.origin, x.divisor, e.out_width, 1}},
          .second = {.row_extents = {e.channels, 1, 1},
                     .depth_extents = {e.outputs, y.taps, x.taps},
                     .base = group * e.outputs * e.channels * kernel,
                     .row_stride = kernel,
                     .depth_stride = e.channels * kernel,
                     .y = {0, y.tap_step, y.first_tap, 1, e.kernel_height, e.kernel_width},
                     .x = {0, x.tap_step, x.first_tap, 1, e.kernel_width, 1}}};
}

// The matrices of a linear layer, or of one batch of a matmul.
Operands linear_operands(const LayerShape& layer, Pass pass) {
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

Operands matmul_operands(const LayerShape& layer, Pass pass, std::int64_t index) {
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

// Which tensor is an operand, by the table in the header.
bool weight_gradient_is_g_by_a(LayerKind kind) {
  return kind == LayerKind::kLinear || kind == LayerKind::kConv2d;
}

const QuantizedTensor& first_tensor(const Layer& layer, Pass pass) {
  switch (pass) {
    case Pass::kForward:
      return layer.a;
    case Pass::kBackwardData:
      return layer.g;
    case Pass::kBackwardWeight:
      break;
  }
  return weight_gradient_is_g_by_a(layer.shape.kind) ? layer.g : layer.a;
}

const QuantizedTensor& second_tensor(const Layer& layer, Pass pass) {
  if (pass != Pass::kBackwardWeight) {
    return layer.w;
  }
  return weight_gradient_is_g_by_a(layer.shape.kind) ? layer.a : layer.g;
}

}  // namespace

LoweredPass::LoweredPass(const Layer& layer, Pass pass, const Lowering& lowering)
    : layer_(&layer), pass_(pass), shapes_(gemms_of(layer.shape, pass, lowering)) {
  if (is_convolution(layer.shape.kind)) {
    convolution_ = as_convolution(layer.shape, pass);
    if (convolution_->pass == Pass::kBackwardData) {
      phases_.emplace(convolution_->layer, lowering.strided_backward_data);
    }
  }
}

const QuantizedTensor& LoweredPass::first() const {
  return first_tensor(*layer_, pass_);
}

const QuantizedTensor& LoweredPass::second() const {
  return second_tensor(*layer_, pass_);
}

Gemm LoweredPass::gemm(std::int64_t index) const {
  assert(index >= 0 && index < count());
  const LayerShape& shape = layer_->shape;
  Operands maps;
  if (phases_) {
    const auto phase = static_cast<std::size_t>(index / shape.conv.groups);
    maps = conv_backward_data(convolution_->layer, index % shape.conv.groups, phases_->y(phase),
                              phases_->x(phase));
  } else if (convolution_) {
    maps = {conv_first(convolution_->layer, convolution_->pass, index),
            conv_second(convolution_->layer, convolution_->pass, index)};
  } else if (shape.kind == LayerKind::kMatmul) {
    maps = matmul_operands(shape, pass_, index);
  } else {
    maps = linear_operands(shape, pass_);
  }
  const LoweredOperand first_operand(first(), maps.first);
  const LoweredOperand second_operand(second(), maps.second);
  return {.layer = shape.name,
          .pass = pass_,
          .index = index,
          .m = first_operand.rows(),
          .n = second_operand.rows(),
          .k = first_operand.depth(),
          .first = first_operand,
          .second = second_operand,
          .first_beta = first().beta,
          .second_beta = second().beta};
}

ResultShape LoweredPass::result_shape() const {
  if (phases_) {
    const ConvExtents e(convolution_->layer);
    return {layer_->shape.conv.groups, e.batch * e.height * e.width, e.channels};
  }
  const GemmShape& gemm = shapes_.front();
  return {gemm.count, gemm.m, gemm.n};
}

ResultRows LoweredPass::result_rows(std::int64_t gemm, std::int64_t m) const {
  if (!phases_) {
    return {gemm, m, 1, shapes_.front().m - m};
  }
  const ConvExtents e(convolution_->layer);
  const std::int64_t groups = layer_->shape.conv.groups;
  const PhaseAxis& y = phases_->y(static_cast<std::size_t>(gemm / groups));
  const PhaseAxis& x = phases_->x(static_cast<std::size_t>(gemm / groups));
  const std::int64_t column = m % x.pixels;
  const std::int64_t line = m / x.pixels % y.pixels;
  const std::int64_t image = m / x.pixels / y.pixels;
  const std::int64_t h = y.first_pixel + line * y.pixel_step;
  const std::int64_t w = x.first_pixel + column * x.pixel_step;
  return {gemm % groups, (image * e.height + h) * e.width + w, x.pixel_step, x.pixels - column};
}

}  // namespace potomac::workloads
