#include "workloads/layers/gemm_shape.hpp"

#include <algorithm>

#include "workloads/layers/conv_extents.hpp"
#include "workloads/layers/conv_phases.hpp"

namespace potomac::workloads {
namespace {

std::vector<GemmShape> backward_data_gemms(const LayerShape& layer, const Lowering& lowering) {
  const ConvExtents e(layer);
  const ConvPhases phases(layer, lowering.strided_backward_data);
  std::vector<GemmShape> gemms;
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const PhaseAxis& z = phases.z(i);
    const PhaseAxis& y = phases.y(i);
    const PhaseAxis& x = phases.x(i);
    const GemmShape gemm{layer.conv.groups, e.batch * z.pixels * y.pixels * x.pixels, e.channels,
                         e.outputs * z.taps * y.taps * x.taps};
    if (!gemms.empty() && gemms.back().m == gemm.m && gemms.back().k == gemm.k) {
      gemms.back().count += gemm.count;
    } else {
      gemms.push_back(gemm);
    }
  }
  return gemms;
}

std::vector<GemmShape> conv_gemms(const LayerShape& layer, Pass pass, const Lowering& lowering) {
  const ConvExtents e(layer);
  const std::int64_t patch = e.channels * e.taps();
  const std::int64_t out_positions = e.batch * e.places();
  const std::int64_t count = layer.conv.groups;
  switch (pass) {
    case Pass::kForward:
      return {{count, out_positions, e.outputs, patch}};
    case Pass::kBackwardData:
      return backward_data_gemms(layer, lowering);
    case Pass::kBackwardWeight:
      break;
  }
  return {{count, e.outputs, patch, out_positions}};
}

// How many numbers j from 0 to count - 1 have 0 <= origin + j * step < end.
std::int64_t inside(std::int64_t origin, std::int64_t step, std::int64_t end, std::int64_t count) {
  const std::int64_t first = origin >= 0 ? 0 : (-origin + step - 1) / step;
  const std::int64_t last = origin >= end ? 0 : (end - origin + step - 1) / step;
  return std::max<std::int64_t>(std::min(last, count) - first, 0);
}

// Pairs of an output's position and a tap that meet a pixel of the input, on one axis.
std::int64_t meetings(const ConvAxis& axis) {
  // Both counts are fair; the loop is over the smaller.
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < std::min(axis.taps, axis.places); ++i) {
    sum += axis.taps <= axis.places
               ? inside(i * axis.dilation - axis.before, axis.stride, axis.pixels, axis.places)
               : inside(i * axis.stride - axis.before, axis.dilation, axis.pixels, axis.taps);
  }
  return sum;
}

// linear is a matmul of one batch, but for the order of backward-weight's operands.
GemmShape dense_gemm(const LayerShape& layer, Pass pass) {
  const bool matmul = layer.kind == LayerKind::kMatmul;
  const std::int64_t count = matmul ? layer.a[0] : 1;
  const std::int64_t m = matmul ? layer.a[1] : layer.a[0];
  const std::int64_t k = matmul ? layer.a[2] : layer.a[1];
  const std::int64_t n = matmul ? layer.w[2] : layer.w[0];
  switch (pass) {
    case Pass::kForward:
      return {count, m, n, k};
    case Pass::kBackwardData:
      return {count, m, k, n};
    case Pass::kBackwardWeight:
      break;
  }
  return matmul ? GemmShape{count, k, n, m} : GemmShape{count, n, k, m};
}

}  // namespace

std::vector<Pass> passes_of(const LayerShape& layer) {
  std::vector<Pass> passes = {Pass::kForward};
  if (layer.input_grad) {
    passes.push_back(Pass::kBackwardData);
  }
  if (layer.weight_grad) {
    passes.push_back(Pass::kBackwardWeight);
  }
  return passes;
}

std::vector<GemmShape> gemms_of(const LayerShape& layer, Pass pass, const Lowering& lowering) {
  if (is_convolution(layer.kind)) {
    const AsConvolution convolution = as_convolution(layer, pass);
    return conv_gemms(convolution.layer, convolution.pass, lowering);
  }
  return {dense_gemm(layer, pass)};
}

std::int64_t structural_macs(const LayerShape& layer, Pass pass, const Lowering& lowering) {
  if (!is_convolution(layer.kind)) {
    return 0;
  }
  const ConvExtents e(as_convolution(layer, pass).layer);
  const std::int64_t useful = layer.conv.groups * e.batch * e.outputs * e.channels * meetings(e.z) *
                              meetings(e.y) * meetings(e.x);
  return macs_of(gemms_of(layer, pass, lowering)) - useful;
}

std::int64_t macs_of(std::span<const GemmShape> gemms) {
  std::int64_t macs = 0;
  for (const GemmShape& gemm : gemms) {
    macs += gemm.macs();
  }
  return macs;
}

std::int64_t count_of(std::span<const GemmShape> gemms) {
  std::int64_t count = 0;
  for (const GemmShape& gemm : gemms) {
    count += gemm.count;
  }
  return count;
}

}  // namespace potomac::workloads
