#include "workloads/layers/lowering.hpp"

#include <cassert>
#include <type_traits>
#include <utility>

#include "workloads/layers/conv_extents.hpp"

namespace potomac::workloads {
namespace {

using Mapping = OperandMapping;

// A dense matrix: element (row, k) at base + row * row_stride + k * depth_stride.
Mapping dense(std::int64_t rows, std::int64_t row_stride, std::int64_t depth,
              std::int64_t depth_stride, std::int64_t base) {
  return {.row_extents = {rows, 1, 1, 1},
          .depth_extents = {depth, 1, 1, 1},
          .base = base,
          .row_stride = row_stride,
          .depth_stride = depth_stride,
          .z = {},
          .y = {},
          .x = {}};
}

// The spatial axes of a tensor: extents, and from them the strides.
struct Spatial {
  std::int64_t depth, height, width;

  std::int64_t volume() const { return depth * height * width; }
  PatchAxis z(PatchAxis axis) const { return with(axis, depth, height * width); }
  PatchAxis y(PatchAxis axis) const { return with(axis, height, width); }
  PatchAxis x(PatchAxis axis) const { return with(axis, width, 1); }

 private:
  static PatchAxis with(PatchAxis axis, std::int64_t extent, std::int64_t stride) {
    axis.extent = extent;
    axis.stride = stride;
    return axis;
  }
};

Spatial image_of(const ConvExtents& e) {
  return {e.z.pixels, e.y.pixels, e.x.pixels};
}
Spatial result_of(const ConvExtents& e) {
  return {e.z.places, e.y.places, e.x.places};
}
Spatial kernel_of(const ConvExtents& e) {
  return {e.z.taps, e.y.taps, e.x.taps};
}

// Rows are places and depth is taps, or the other way round.
PatchAxis places_by_taps(const ConvAxis& axis) {
  PatchAxis patch;
  patch.row_step = axis.stride;
  patch.depth_step = axis.dilation;
  patch.origin = -axis.before;
  return patch;
}
PatchAxis taps_by_places(const ConvAxis& axis) {
  PatchAxis patch = places_by_taps(axis);
  std::swap(patch.row_step, patch.depth_step);
  return patch;
}
// Depth is the axis itself.
PatchAxis along_depth() {
  PatchAxis patch;
  patch.depth_step = 1;
  return patch;
}

// Rows are every `step`-th element of the axis.
PatchAxis along_rows(std::int64_t first, std::int64_t step) {
  PatchAxis patch;
  patch.row_step = step;
  patch.origin = first;
  return patch;
}

Mapping conv_first(const LayerShape& layer, Pass pass, std::int64_t group) {
  const ConvExtents e(layer);
  const Spatial a = image_of(e);
  const Spatial g = result_of(e);
  const std::int64_t groups = layer.conv.groups;
  switch (pass) {
    case Pass::kForward:  // A: row (b, z, p, q), depth (c, kz, kh, kw)
      return {.row_extents = {e.batch, e.z.places, e.y.places, e.x.places},
              .depth_extents = {e.channels, e.z.taps, e.y.taps, e.x.taps},
              .base = group * e.channels * a.volume(),
              .row_stride = e.channels * groups * a.volume(),
              .depth_stride = a.volume(),
              .z = a.z(places_by_taps(e.z)),
              .y = a.y(places_by_taps(e.y)),
              .x = a.x(places_by_taps(e.x))};
    case Pass::kBackwardData:
      break;                     // conv_backward_data
    case Pass::kBackwardWeight:  // G: row o, depth (b, z, p, q)
      return {.row_extents = {e.outputs, 1, 1, 1},
              .depth_extents = {e.batch, e.z.places, e.y.places, e.x.places},
              .base = group * e.outputs * g.volume(),
              .row_stride = g.volume(),
              .depth_stride = e.outputs * groups * g.volume(),
              .z = g.z(along_depth()),
              .y = g.y(along_depth()),
              .x = g.x(along_depth())};
  }
  return {};
}

Mapping conv_second(const LayerShape& layer, Pass pass, std::int64_t group) {
  const ConvExtents e(layer);
  const Spatial a = image_of(e);
  const std::int64_t patch = e.channels * e.taps();
  switch (pass) {
    case Pass::kForward:  // W: row o, depth (c, kz, kh, kw), which lie next to each other
      return dense(e.outputs, patch, patch, 1, group * e.outputs * patch);
    case Pass::kBackwardData:
      break;                     // conv_backward_data
    case Pass::kBackwardWeight:  // A: row (c, kz, kh, kw), depth (b, z, p, q)
      return {.row_extents = {e.channels, e.z.taps, e.y.taps, e.x.taps},
              .depth_extents = {e.batch, e.z.places, e.y.places, e.x.places},
              .base = group * e.channels * a.volume(),
              .row_stride = a.volume(),
              .depth_stride = e.channels * layer.conv.groups * a.volume(),
              .z = a.z(taps_by_places(e.z)),
              .y = a.y(taps_by_places(e.y)),
              .x = a.x(taps_by_places(e.x))};
  }
  return {};
}

// Row o of a result lies in a channel's image each, which has the spatial axes of `image`.
Mapping of_images(std::int64_t batch, const Spatial& image, std::int64_t channels,
                  std::int64_t groups, std::int64_t group) {
  return {.row_extents = {batch, image.depth, image.height, image.width},
          .depth_extents = {channels, 1, 1, 1},
          .base = group * channels * image.volume(),
          .row_stride = channels * groups * image.volume(),
          .depth_stride = image.volume(),
          .z = image.z(along_rows(0, 1)),
          .y = image.y(along_rows(0, 1)),
          .x = image.x(along_rows(0, 1))};
}

Mapping conv_result(const LayerShape& layer, Pass pass, std::int64_t group) {
  const ConvExtents e(layer);
  if (pass == Pass::kForward) {
    return of_images(e.batch, result_of(e), e.outputs, layer.conv.groups, group);
  }
  const std::int64_t patch = e.channels * e.taps();
  return dense(e.outputs, patch, patch, 1, group * e.outputs * patch);
}

// What a phase takes of G, and of W.
PatchAxis of_gradient(const PhaseAxis& phase) {
  PatchAxis patch;
  patch.row_step = 1;
  patch.depth_step = phase.depth_step;
  patch.origin = phase.origin;
  patch.divisor = phase.divisor;
  return patch;
}
PatchAxis of_kernel(const PhaseAxis& phase) {
  PatchAxis patch;
  patch.depth_step = phase.tap_step;
  patch.origin = phase.first_tap;
  return patch;
}

// G W of one phase: rows are the phase's pixels (b, z, h, w) and the channels, depth is (o, kz, kh,
// kw) of the phase's taps.
OperandMappings conv_backward_data(const LayerShape& layer, std::int64_t group,
                                   const ConvPhases& phases, std::size_t phase) {
  const ConvExtents e(layer);
  const Spatial g = result_of(e);
  const Spatial w = kernel_of(e);
  const PhaseAxis& z = phases.z(phase);
  const PhaseAxis& y = phases.y(phase);
  const PhaseAxis& x = phases.x(phase);
  const Spatial a = image_of(e);
  Mapping result = of_images(e.batch, a, e.channels, layer.conv.groups, group);
  result.row_extents = {e.batch, z.pixels, y.pixels, x.pixels};
  result.z = a.z(along_rows(z.first_pixel, z.pixel_step));
  result.y = a.y(along_rows(y.first_pixel, y.pixel_step));
  result.x = a.x(along_rows(x.first_pixel, x.pixel_step));
  return {.first = {.row_extents = {e.batch, z.pixels, y.pixels, x.pixels},
                    .depth_extents = {e.outputs, z.taps, y.taps, x.taps},
                    .base = group * e.outputs * g.volume(),
                    .row_stride = e.outputs * layer.conv.groups * g.volume(),
                    .depth_stride = g.volume(),
                    .z = g.z(of_gradient(z)),
                    .y = g.y(of_gradient(y)),
                    .x = g.x(of_gradient(x))},
          .second = {.row_extents = {e.channels, 1, 1, 1},
                     .depth_extents = {e.outputs, z.taps, y.taps, x.taps},
                     .base = group * e.outputs * e.channels * w.volume(),
                     .row_stride = w.volume(),
                     .depth_stride = e.channels * w.volume(),
                     .z = w.z(of_kernel(z)),
                     .y = w.y(of_kernel(y)),
                     .x = w.x(of_kernel(x))},
          .result = result};
}

// The matrices of a linear layer, or of one batch of a matmul.
OperandMappings linear_mappings(const LayerShape& layer, Pass pass) {
  const std::int64_t batch = layer.a[0];
  const std::int64_t inputs = layer.a[1];
  const std::int64_t outputs = layer.w[0];
  switch (pass) {
    case Pass::kForward:
      return {dense(batch, inputs, inputs, 1, 0), dense(outputs, inputs, inputs, 1, 0),
              dense(batch, outputs, outputs, 1, 0)};
    case Pass::kBackwardData:
      return {dense(batch, outputs, outputs, 1, 0), dense(inputs, 1, outputs, inputs, 0),
              dense(batch, inputs, inputs, 1, 0)};
    case Pass::kBackwardWeight:
      return {dense(outputs, 1, batch, outputs, 0), dense(inputs, 1, batch, inputs, 0),
              dense(outputs, inputs, inputs, 1, 0)};
  }
  return {};
}

OperandMappings matmul_mappings(const LayerShape& layer, Pass pass, std::int64_t index) {
  const std::int64_t m = layer.a[1];
  const std::int64_t k = layer.a[2];
  const std::int64_t n = layer.w[2];
  const std::int64_t a = index * m * k;
  const std::int64_t w = index * k * n;
  const std::int64_t g = index * m * n;
  switch (pass) {
    case Pass::kForward:
      return {dense(m, k, k, 1, a), dense(n, 1, k, n, w), dense(m, n, n, 1, g)};
    case Pass::kBackwardData:
      return {dense(m, n, n, 1, g), dense(k, n, n, 1, w), dense(m, k, k, 1, a)};
    case Pass::kBackwardWeight:
      return {dense(k, 1, m, k, a), dense(n, 1, m, n, g), dense(k, n, n, 1, w)};
  }
  return {};
}

// The mappings of GEMM number `index`. A convolution has `convolution`, and one that runs backward
// `phases`.
OperandMappings mappings_of(const LayerShape& shape, Pass pass,
                            const std::optional<AsConvolution>& convolution,
                            const std::optional<ConvPhases>& phases, std::int64_t index) {
  if (phases) {
    const auto phase = static_cast<std::size_t>(index / shape.conv.groups);
    return conv_backward_data(convolution->layer, index % shape.conv.groups, *phases, phase);
  }
  if (convolution) {
    return {conv_first(convolution->layer, convolution->pass, index),
            conv_second(convolution->layer, convolution->pass, index),
            conv_result(convolution->layer, convolution->pass, index)};
  }
  return shape.kind == LayerKind::kMatmul ? matmul_mappings(shape, pass, index)
                                          : linear_mappings(shape, pass);
}

std::optional<AsConvolution> convolution_of(const LayerShape& layer, Pass pass) {
  return is_convolution(layer.kind) ? std::optional(as_convolution(layer, pass)) : std::nullopt;
}

std::optional<ConvPhases> phases_of(const std::optional<AsConvolution>& convolution,
                                    const Lowering& lowering) {
  if (!convolution || convolution->pass != Pass::kBackwardData) {
    return std::nullopt;
  }
  return ConvPhases(convolution->layer, lowering.strided_backward_data);
}

// The tensor that is an operand, by the table in the header.
bool weight_gradient_is_g_by_a(LayerKind kind) {
  return kind == LayerKind::kLinear || (is_convolution(kind) && !is_transposed(kind));
}

// `Tensors` has one member for each tensor of a layer.
template <typename Tensors>
const auto& member_of(Tensor tensor, const Tensors& tensors) {
  return tensor == Tensor::kW ? tensors.w : tensor == Tensor::kA ? tensors.a : tensors.g;
}

}  // namespace

PassTensors tensors_of(LayerKind kind, Pass pass) {
  switch (pass) {
    case Pass::kForward:
      return {Tensor::kA, Tensor::kW, Tensor::kG};
    case Pass::kBackwardData:
      return {Tensor::kG, Tensor::kW, Tensor::kA};
    case Pass::kBackwardWeight:
      break;
  }
  return weight_gradient_is_g_by_a(kind) ? PassTensors{Tensor::kG, Tensor::kA, Tensor::kW}
                                         : PassTensors{Tensor::kA, Tensor::kG, Tensor::kW};
}

OperandFormats operand_formats(LayerKind kind, Pass pass, const LayerFormats& formats) {
  const PassTensors tensors = tensors_of(kind, pass);
  return {member_of(tensors.first, formats), member_of(tensors.second, formats)};
}

std::vector<MappingRun> mapping_runs(const LayerShape& layer, Pass pass, const Lowering& lowering) {
  const std::optional<AsConvolution> convolution = convolution_of(layer, pass);
  const std::optional<ConvPhases> phases = phases_of(convolution, lowering);
  const auto run = [&](std::int64_t first, std::int64_t count) {
    MappingRun made{.count = count,
                    .mappings = mappings_of(layer, pass, convolution, phases, first)};
    if (count > 1) {
      const OperandMappings next = mappings_of(layer, pass, convolution, phases, first + 1);
      made.first_step = next.first.base - made.mappings.first.base;
      made.second_step = next.second.base - made.mappings.second.base;
      made.result_step = next.result.base - made.mappings.result.base;
    }
    return made;
  };
  std::vector<MappingRun> runs;
  if (phases) {
    for (std::size_t phase = 0; phase < phases->size(); ++phase) {
      runs.push_back(run(static_cast<std::int64_t>(phase) * layer.conv.groups, layer.conv.groups));
    }
  } else {
    runs.push_back(run(0, count_of(gemms_of(layer, pass, lowering))));
  }
  return runs;
}

LoweredPass::LoweredPass(const Layer& layer, Pass pass, const Lowering& lowering,
                         const Fp32Tensors* values)
    : layer_(&layer),
      values_(values),
      pass_(pass),
      shapes_(gemms_of(layer.shape, pass, lowering)),
      convolution_(convolution_of(layer.shape, pass)),
      phases_(phases_of(convolution_, lowering)) {}

const QuantizedTensor& LoweredPass::first() const {
  return member_of(tensors_of(kind(), pass_).first, *layer_);
}

const QuantizedTensor& LoweredPass::second() const {
  return member_of(tensors_of(kind(), pass_).second, *layer_);
}

const std::vector<float>& LoweredPass::first_values() const {
  return values_->of(tensors_of(kind(), pass_).first);
}

const std::vector<float>& LoweredPass::second_values() const {
  return values_->of(tensors_of(kind(), pass_).second);
}

template <typename Operand>
GemmOf<Operand> LoweredPass::gemm_of(std::int64_t index) const {
  assert(index >= 0 && index < count());
  const OperandMappings maps = mappings_of(layer_->shape, pass_, convolution_, phases_, index);
  const PassTensors tensors = tensors_of(kind(), pass_);
  const auto view = [this](Tensor tensor, const Mapping& mapping) -> Operand {
    if constexpr (std::is_same_v<Operand, LoweredOperand>) {
      return {member_of(tensor, *layer_), mapping};
    } else {
      return {values_->of(tensor).data(), 0.0F, mapping};
    }
  };
  const Operand first_operand = view(tensors.first, maps.first);
  const Operand second_operand = view(tensors.second, maps.second);
  return {.layer = layer_->shape.name,
          .pass = pass_,
          .index = index,
          .m = first_operand.rows(),
          .n = second_operand.rows(),
          .k = first_operand.depth(),
          .first = first_operand,
          .second = second_operand};
}

template GemmOf<LoweredOperand> LoweredPass::gemm_of(std::int64_t index) const;
template GemmOf<Fp32Operand> LoweredPass::gemm_of(std::int64_t index) const;

Mapping LoweredPass::result_mapping(std::int64_t gemm) const {
  assert(gemm >= 0 && gemm < count());
  return mappings_of(layer_->shape, pass_, convolution_, phases_, gemm).result;
}

ResultShape LoweredPass::result_shape() const {
  if (phases_) {
    const ConvExtents e(convolution_->layer);
    return {layer_->shape.conv.groups, e.batch * e.pixels(), e.channels};
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
  const auto phase = static_cast<std::size_t>(gemm / groups);
  const PhaseAxis& z = phases_->z(phase);
  const PhaseAxis& y = phases_->y(phase);
  const PhaseAxis& x = phases_->x(phase);
  const std::int64_t column = m % x.pixels;
  const std::int64_t line = m / x.pixels % y.pixels;
  const std::int64_t plane = m / x.pixels / y.pixels % z.pixels;
  const std::int64_t image = m / x.pixels / y.pixels / z.pixels;
  const std::int64_t d = z.first_pixel + plane * z.pixel_step;
  const std::int64_t h = y.first_pixel + line * y.pixel_step;
  const std::int64_t w = x.first_pixel + column * x.pixel_step;
  return {gemm % groups, ((image * e.z.pixels + d) * e.y.pixels + h) * e.x.pixels + w, x.pixel_step,
          x.pixels - column};
}

}  // namespace potomac::workloads
