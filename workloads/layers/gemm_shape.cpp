#include "workloads/layers/gemm_shape.hpp"

#include "workloads/layers/conv_extents.hpp"

namespace potomac::workloads {
namespace {

GemmShape conv_gemm(const LayerShape& layer, Pass pass) {
  const ConvExtents e(layer);
  const std::int64_t kernel = e.kernel_height * e.kernel_width;
  const std::int64_t out_positions = e.batch * e.out_height * e.out_width;
  const std::int64_t count = layer.conv.groups;
  switch (pass) {
    case Pass::kForward:
      return {count, out_positions, e.outputs, e.channels * kernel};
    case Pass::kBackwardData:
      return {count, e.batch * e.height * e.width, e.channels, e.outputs * kernel};
    case Pass::kBackwardWeight:
      break;
  }
  return {count, e.outputs, e.channels * kernel, out_positions};
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
  if (!layer.input_grad) {
    return {Pass::kForward, Pass::kBackwardWeight};
  }
  return {kPasses.begin(), kPasses.end()};
}

std::vector<GemmShape> gemms_of(const LayerShape& layer, Pass pass) {
  return {layer.kind == LayerKind::kConv2d ? conv_gemm(layer, pass) : dense_gemm(layer, pass)};
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
