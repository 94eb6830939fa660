// Layers become GEMMs: shapes by hand, operands against the plain definition of each layer.
#include "workloads/layers/lowering.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "workloads/layers/layer_check.hpp"

namespace potomac::workloads {
namespace {

using rtl::PotCode;
using Index = std::vector<std::int64_t>;

// --- shapes, by hand -----------------------------------------------------------------------------

LayerShape linear(std::int64_t batch, std::int64_t in, std::int64_t out) {
  LayerShape layer;
  layer.name = "000-linear";
  layer.kind = LayerKind::kLinear;
  layer.w = {out, in};
  layer.a = {batch, in};
  layer.g = {batch, out};
  return layer;
}

LayerShape matmul(std::int64_t batch, std::int64_t m, std::int64_t k, std::int64_t n) {
  LayerShape layer;
  layer.name = "000-matmul";
  layer.kind = LayerKind::kMatmul;
  layer.w = {batch, k, n};
  layer.a = {batch, m, k};
  layer.g = {batch, m, n};
  return layer;
}

LayerShape conv2d(Shape a, Shape w, const ConvGeometry& geometry) {
  LayerShape layer;
  layer.name = "000-conv2d";
  layer.kind = LayerKind::kConv2d;
  layer.conv = geometry;
  layer.a = std::move(a);
  layer.w = std::move(w);
  layer.g = {layer.a[0], layer.w[0], 0, 0};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    // Steps of `stride`, as many as the kernel's reach leaves room for, counted one by one.
    const std::int64_t reach = geometry.dilation[axis] * (layer.w[2 + axis] - 1) + 1;
    std::int64_t at = -geometry.padding.before[axis];
    while (at + reach <= layer.a[2 + axis] + geometry.padding.after[axis]) {
      layer.g[2 + axis] += 1;
      at += geometry.stride[axis];
    }
  }
  return layer;
}

constexpr Lowering kPhases{StridedBackwardData::kPhases};
constexpr Lowering kZeroInsert{StridedBackwardData::kZeroInsert};

// `data` is the one without phases.
void expect_shapes(const LayerShape& layer, GemmShape forward, GemmShape data, GemmShape weight) {
  check(layer, "test");
  EXPECT_EQ(gemms_of(layer, Pass::kForward, kPhases), std::vector{forward});
  EXPECT_EQ(gemms_of(layer, Pass::kBackwardData, kZeroInsert), std::vector{data});
  EXPECT_EQ(gemms_of(layer, Pass::kBackwardWeight, kPhases), std::vector{weight});
}

TEST(GemmShape, OfALinearLayer) {
  expect_shapes(linear(2, 3, 5), {1, 2, 5, 3}, {1, 2, 3, 5}, {1, 5, 3, 2});
}

TEST(GemmShape, OfAMatmulIsPerBatch) {
  expect_shapes(matmul(7, 2, 3, 5), {7, 2, 5, 3}, {7, 2, 3, 5}, {7, 3, 5, 2});
}

TEST(GemmShape, OfAConvolution) {
  // ResNet's first: 7 x 7, stride 2, padding 3, 224 -> 112, batch 2.
  constexpr std::int64_t kBatch = 2;
  constexpr std::int64_t kOutputs = 64;
  const ConvGeometry stride2{{2, 2}, Padding::around({3, 3}), {1, 1}, 1};
  expect_shapes(conv2d({kBatch, 3, 224, 224}, {kOutputs, 3, 7, 7}, stride2),
                {1, kBatch * 112 * 112, kOutputs, 147}, {1, kBatch * 224 * 224, 3, kOutputs * 49},
                {1, kOutputs, 147, kBatch * 112 * 112});
}

TEST(GemmShape, OfAGroupedConvolutionIsPerGroup) {
  const ConvGeometry groups{{1, 2}, Padding::around({1, 0}), {1, 1}, 3};
  // A: 6 channels of 5 x 7; W: 9 outputs, kernel 3 x 2; G: 5 x 3.
  constexpr std::int64_t kBatch = 2;
  constexpr std::int64_t kInputs = 2;  // of a group
  constexpr std::int64_t kOutputs = 3;
  expect_shapes(conv2d({kBatch, 6, 5, 7}, {9, kInputs, 3, 2}, groups),
                {3, kBatch * 5 * 3, kOutputs, kInputs * 6},
                {3, kBatch * 5 * 7, kInputs, kOutputs * 6},
                {3, kOutputs, kInputs * 6, kBatch * 5 * 3});
}

TEST(GemmShape, MacsAreTheSameInForwardAndBackwardWeight) {
  const LayerShape layer =
      conv2d({2, 6, 9, 8}, {4, 3, 3, 3}, {{2, 2}, Padding::around({1, 1}), {1, 1}, 2});
  const std::int64_t forward = macs_of(gemms_of(layer, Pass::kForward, {}));
  EXPECT_EQ(macs_of(gemms_of(layer, Pass::kBackwardWeight, {})), forward);
  // Strided: backward-data has slots for the holes, so more.
  EXPECT_GT(macs_of(gemms_of(layer, Pass::kBackwardData, kZeroInsert)), forward);
}

TEST(GemmShape, PhasesOfAStridedBackwardData) {
  // ResNet's first again. (h + 3 - i) is even for the taps 1, 3, 5 of even pixels, and 0, 2, 4, 6
  // of odd ones. The two phases in the middle are equal.
  const LayerShape resnet =
      conv2d({2, 3, 224, 224}, {64, 3, 7, 7}, {{2, 2}, Padding::around({3, 3}), {1, 1}, 1});
  constexpr std::int64_t kPixels = std::int64_t{2} * 112 * 112;
  constexpr std::int64_t kOutputs = 64;
  EXPECT_EQ(gemms_of(resnet, Pass::kBackwardData, kPhases),
            (std::vector<GemmShape>{{1, kPixels, 3, kOutputs * 9},
                                    {2, kPixels, 3, kOutputs * 12},
                                    {1, kPixels, 3, kOutputs * 16}}));
  // A kernel smaller than its stride: of five columns, three meet its one tap. In groups.
  const LayerShape small =
      conv2d({1, 4, 1, 5}, {6, 2, 1, 1}, {{1, 2}, Padding::around({0, 0}), {1, 1}, 2});
  EXPECT_EQ(gemms_of(small, Pass::kBackwardData, kPhases), (std::vector<GemmShape>{{2, 3, 2, 3}}));
  // Not one pixel meets an output: they are all in the padding.
  const LayerShape none =
      conv2d({1, 1, 1, 1}, {1, 1, 1, 1}, {{2, 2}, Padding::around({1, 1}), {1, 1}, 1});
  EXPECT_TRUE(gemms_of(none, Pass::kBackwardData, kPhases).empty());
  EXPECT_EQ(structural_macs(none, Pass::kForward, kPhases), 4);
}

TEST(GemmShape, PatchesWithoutOverlapAreManyEqualPhases) {
  const LayerShape patches = conv2d({1, 3, 224, 224}, {768, 3, 16, 16}, {{16, 16}, {}, {1, 1}, 1});
  EXPECT_EQ(gemms_of(patches, Pass::kBackwardData, kPhases),
            (std::vector<GemmShape>{{256, 196, 3, 768}}));
}

TEST(GemmShape, OfATransposedConvolution) {
  // DCGAN's second, batch 2: 4 x 4, stride 2, padding 1, 8 -> 16. Forward has the phases.
  constexpr std::int64_t kInputs = 512;
  constexpr std::int64_t kOutputs = 256;
  constexpr std::int64_t kPixels = std::int64_t{2} * 8 * 8;
  LayerShape layer = conv2d({2, kOutputs, 16, 16}, {kInputs, kOutputs, 4, 4},
                            {{2, 2}, Padding::around({1, 1}), {1, 1}, 1});
  layer.kind = LayerKind::kConvTranspose2d;
  std::swap(layer.a, layer.g);
  check(layer, "test");
  EXPECT_EQ(layer.a, (Shape{2, kInputs, 8, 8}));
  EXPECT_EQ(gemms_of(layer, Pass::kForward, kPhases),
            (std::vector<GemmShape>{{4, kPixels, kOutputs, kInputs * 4}}));
  EXPECT_EQ(gemms_of(layer, Pass::kForward, kZeroInsert),
            (std::vector<GemmShape>{{1, kPixels * 4, kOutputs, kInputs * 16}}));
  EXPECT_EQ(gemms_of(layer, Pass::kBackwardData, kPhases),
            (std::vector<GemmShape>{{1, kPixels, kInputs, kOutputs * 16}}));
  EXPECT_EQ(gemms_of(layer, Pass::kBackwardWeight, kPhases),
            (std::vector<GemmShape>{{1, kInputs, kOutputs * 16, kPixels}}));
}

TEST(Passes, AFirstLayerHasNoBackwardData) {
  LayerShape layer = linear(2, 3, 5);
  EXPECT_EQ(passes_of(layer),
            (std::vector<Pass>{Pass::kForward, Pass::kBackwardData, Pass::kBackwardWeight}));
  layer.input_grad = false;
  EXPECT_EQ(passes_of(layer), (std::vector<Pass>{Pass::kForward, Pass::kBackwardWeight}));
  EXPECT_TRUE(layer.uses_gradient());
  layer.weight_grad = false;  // a teacher's
  EXPECT_EQ(passes_of(layer), std::vector<Pass>{Pass::kForward});
  EXPECT_FALSE(layer.uses_gradient());
  layer.input_grad = true;  // frozen weights in the middle
  EXPECT_EQ(passes_of(layer), (std::vector<Pass>{Pass::kForward, Pass::kBackwardData}));
}

// --- layers with values --------------------------------------------------------------------------

// A tensor of at most 5 bits: values are integers up to 2^14 in units of the smallest, and sums
// stay exact.
QuantizedTensor random_tensor(const Shape& shape, int bits, int beta, std::uint64_t seed) {
  QuantizedTensor tensor{shape, bits, beta, {}};
  std::mt19937_64 random(seed);
  while (static_cast<std::int64_t>(tensor.codes.size()) < element_count(shape)) {
    const auto code = static_cast<PotCode>(random() % static_cast<unsigned>(1 << bits));
    if (tensor.format().is_canonical(code)) {
      tensor.codes.push_back(code);
    }
  }
  return tensor;
}

Layer with_values(const LayerShape& shape, std::uint64_t seed) {
  check(shape, "test");
  return {shape, random_tensor(shape.w, 5, -3, seed), random_tensor(shape.a, 4, 2, seed + 1),
          random_tensor(shape.g, 3, 11, seed + 2)};
}

std::size_t flat(const Shape& shape, const Index& index) {
  std::int64_t at = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    EXPECT_TRUE(index[i] >= 0 && index[i] < shape[i]);
    at = at * shape[i] + index[i];
  }
  return static_cast<std::size_t>(at);
}

PotCode code_at(const QuantizedTensor& tensor, const Index& index) {
  return tensor.codes[flat(tensor.shape, index)];
}

// The value in units of 2^(beta - e_max).
std::int64_t integer_of(rtl::PotFormat format, PotCode code) {
  if (format.is_zero(code)) {
    return 0;
  }
  const std::int64_t magnitude = std::int64_t{1} << (format.exponent(code) + format.e_max());
  return format.is_negative(code) ? -magnitude : magnitude;
}

std::int64_t value_at(const QuantizedTensor& tensor, const Index& index) {
  return integer_of(tensor.format(), code_at(tensor, index));
}

std::int64_t output_of(const Gemm& gemm, std::int64_t m, std::int64_t n) {
  std::int64_t sum = 0;
  for (std::int64_t k = 0; k < gemm.k; ++k) {
    sum += integer_of(gemm.first.format(), gemm.first.code(m, k)) *
           integer_of(gemm.second.format(), gemm.second.code(n, k));
  }
  return sum;
}

// A coordinate tuple for each value of a flattened index, in row-major order.
std::vector<Index> tuples(const Shape& extents) {
  std::vector<Index> list;
  Index index(extents.size(), 0);
  for (std::int64_t i = 0; i < element_count(extents); ++i) {
    list.push_back(index);
    for (std::size_t axis = extents.size(); axis-- > 0;) {
      if (++index[axis] < extents[axis]) {
        break;
      }
      index[axis] = 0;
    }
  }
  return list;
}

// Empty, or how `operand` differs from `expected(row, depth)` given in coordinates.
std::string compare_operand(const LoweredOperand& operand, const Shape& rows, const Shape& depths,
                            const std::function<PotCode(const Index&, const Index&)>& expected) {
  const std::vector<Index> row_tuples = tuples(rows);
  const std::vector<Index> depth_tuples = tuples(depths);
  if (operand.rows() != static_cast<std::int64_t>(row_tuples.size()) ||
      operand.depth() != static_cast<std::int64_t>(depth_tuples.size())) {
    return fmt::format("is {} x {}", operand.rows(), operand.depth());
  }
  for (std::size_t r = 0; r < row_tuples.size(); ++r) {
    for (std::size_t k = 0; k < depth_tuples.size(); ++k) {
      const PotCode got = operand.code(static_cast<std::int64_t>(r), static_cast<std::int64_t>(k));
      const PotCode want = expected(row_tuples[r], depth_tuples[k]);
      if (got != want) {
        return fmt::format("code {:#x} at ({}, {}), expected {:#x}", got, r, k, want);
      }
    }
  }
  return "";
}

TEST(LowerLinear, OperandsAreTheProductsOfTheTable) {
  const std::int64_t batch = 3;
  const std::int64_t in = 4;
  const std::int64_t out = 5;
  const Layer layer = with_values(linear(batch, in, out), 1);
  const auto w = [&](const Index& o, const Index& i) { return code_at(layer.w, {o[0], i[0]}); };
  const auto a = [&](const Index& b, const Index& i) { return code_at(layer.a, {b[0], i[0]}); };
  const auto g = [&](const Index& b, const Index& o) { return code_at(layer.g, {b[0], o[0]}); };
  const auto transposed = [](auto of) {
    return [of](const Index& row, const Index& k) { return of(k, row); };
  };
  const Gemm forward = LoweredPass(layer, Pass::kForward, {}).gemm(0);
  EXPECT_EQ(compare_operand(forward.first, {batch}, {in}, a), "");
  EXPECT_EQ(compare_operand(forward.second, {out}, {in}, w), "");
  const Gemm data = LoweredPass(layer, Pass::kBackwardData, {}).gemm(0);
  EXPECT_EQ(compare_operand(data.first, {batch}, {out}, g), "");
  EXPECT_EQ(compare_operand(data.second, {in}, {out}, transposed(w)), "");
  const Gemm weight = LoweredPass(layer, Pass::kBackwardWeight, {}).gemm(0);
  EXPECT_EQ(compare_operand(weight.first, {out}, {batch}, transposed(g)), "");
  EXPECT_EQ(compare_operand(weight.second, {in}, {batch}, transposed(a)), "");
}

TEST(LowerMatmul, OperandsAreTheProductsOfTheTableInEachBatch) {
  const std::int64_t batch = 3;
  const std::int64_t m = 4;
  const std::int64_t k = 2;
  const std::int64_t n = 5;
  const Layer layer = with_values(matmul(batch, m, k, n), 2);
  for (std::int64_t b = 0; b < batch; ++b) {
    const auto w = [&](const Index& i, const Index& j) {
      return code_at(layer.w, {b, i[0], j[0]});
    };
    const auto a = [&](const Index& i, const Index& j) {
      return code_at(layer.a, {b, i[0], j[0]});
    };
    const auto g = [&](const Index& i, const Index& j) {
      return code_at(layer.g, {b, i[0], j[0]});
    };
    const auto transposed = [](auto of) {
      return [of](const Index& row, const Index& depth) { return of(depth, row); };
    };
    const Gemm forward = LoweredPass(layer, Pass::kForward, {}).gemm(b);  // A W
    EXPECT_EQ(compare_operand(forward.first, {m}, {k}, a), "");
    EXPECT_EQ(compare_operand(forward.second, {n}, {k}, transposed(w)), "");
    const Gemm data = LoweredPass(layer, Pass::kBackwardData, {}).gemm(b);  // G W^T
    EXPECT_EQ(compare_operand(data.first, {m}, {n}, g), "");
    EXPECT_EQ(compare_operand(data.second, {k}, {n}, w), "");
    const Gemm weight = LoweredPass(layer, Pass::kBackwardWeight, {}).gemm(b);  // A^T G
    EXPECT_EQ(compare_operand(weight.first, {k}, {m}, transposed(a)), "");
    EXPECT_EQ(compare_operand(weight.second, {n}, {m}, transposed(g)), "");
    EXPECT_EQ(forward.index, b);
  }
}

TEST(Lower, CarriesNamesFormatsAndScalesOfItsOperands) {
  const Layer layer = with_values(linear(2, 3, 4), 3);
  const Gemm forward = LoweredPass(layer, Pass::kForward, {}).gemm(0);
  EXPECT_EQ(forward.layer, "000-linear");
  EXPECT_EQ(forward.first.format(), rtl::PotFormat(4));
  EXPECT_EQ(forward.second.format(), rtl::PotFormat(5));
  EXPECT_EQ(LoweredPass(layer, Pass::kForward, {}).scale_exponent(), 2 - 3);
  EXPECT_EQ(LoweredPass(layer, Pass::kBackwardData, {}).scale_exponent(), 11 - 3);
  EXPECT_EQ(LoweredPass(layer, Pass::kBackwardWeight, {}).scale_exponent(), 11 + 2);
  const Gemm weight = LoweredPass(layer, Pass::kBackwardWeight, {}).gemm(0);
  EXPECT_EQ(weight.first.format(), rtl::PotFormat(3));
  EXPECT_EQ(weight.pass, Pass::kBackwardWeight);
}

// --- convolutions --------------------------------------------------------------------------------

LayerShape random_conv() {
  const auto draw = [](std::int64_t low, std::int64_t high) {
    return *rc::gen::inRange<std::int64_t>(low, high + 1);
  };
  ConvGeometry conv;
  conv.groups = draw(1, 3);
  const std::int64_t batch = draw(1, 2);
  const std::int64_t in = conv.groups * draw(1, 2);
  const std::int64_t out = conv.groups * draw(1, 2);
  Pair kernel{};
  Pair input{};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    kernel[axis] = draw(1, 4);
    conv.stride[axis] = draw(1, 4);
    conv.dilation[axis] = draw(1, 3);
    conv.padding.before[axis] = draw(0, 4);
    conv.padding.after[axis] = draw(0, 4);
    const std::int64_t reach = conv.dilation[axis] * (kernel[axis] - 1) + 1;
    input[axis] = std::max<std::int64_t>(
        draw(1, 7), reach - conv.padding.before[axis] - conv.padding.after[axis]);
  }
  return conv2d({batch, in, input[0], input[1]}, {out, in / conv.groups, kernel[0], kernel[1]},
                conv);
}

// Every (A element, W element, G element) that meets in the forward convolution, channels counted
// within the group: the definition, from which all three passes follow.
struct Contribution {
  std::int64_t b, c, h, w;  // of A
  std::int64_t o, p, q;     // of G
  std::int64_t y, x;        // of the kernel
};

template <typename Body>
void for_each_contribution(const LayerShape& layer, Body body) {
  const ConvGeometry& conv = layer.conv;
  for (const Index& g : tuples({layer.g[0], layer.w[0] / conv.groups, layer.g[2], layer.g[3]})) {
    for (const Index& k : tuples({layer.w[1], layer.w[2], layer.w[3]})) {
      const std::int64_t h =
          g[2] * conv.stride[0] - conv.padding.before[0] + k[1] * conv.dilation[0];
      const std::int64_t w =
          g[3] * conv.stride[1] - conv.padding.before[1] + k[2] * conv.dilation[1];
      if (h >= 0 && h < layer.a[2] && w >= 0 && w < layer.a[3]) {
        body(Contribution{g[0], k[0], h, w, g[1], g[2], g[3], k[1], k[2]});
      }
    }
  }
}

// One matrix of a pass's result, put together from its GEMMs. Each row is made at most once.
std::vector<std::int64_t> result_of(const Layer& layer, Pass pass, const Lowering& lowering,
                                    std::int64_t matrix) {
  const LoweredPass lowered(layer, pass, lowering);
  const ResultShape shape = lowered.result_shape();
  std::vector<std::int64_t> result(static_cast<std::size_t>(shape.rows * shape.cols));
  std::vector<bool> made(static_cast<std::size_t>(shape.rows));
  for (std::int64_t index = 0; index < lowered.count(); ++index) {
    const Gemm gemm = lowered.gemm(index);
    for (std::int64_t m = 0; m < gemm.m;) {
      const ResultRows rows = lowered.result_rows(index, m);
      for (std::int64_t i = 0; i < rows.count; ++i, ++m) {
        const auto row = static_cast<std::size_t>(rows.row + i * rows.step);
        if (rows.matrix != matrix) {
          continue;
        }
        RC_ASSERT(!made.at(row));
        made[row] = true;
        for (std::int64_t n = 0; n < gemm.n; ++n) {
          result.at(row * static_cast<std::size_t>(shape.cols) + static_cast<std::size_t>(n)) =
              output_of(gemm, m, n);
        }
      }
      RC_ASSERT(m <= gemm.m);
    }
  }
  return result;
}

// The outputs of all three passes by accumulating each contribution where it belongs.
RC_GTEST_PROP(LowerConv2d, EveryPassComputesTheSumOfTheForwardsContributions, ()) {
  const Layer layer = with_values(random_conv(), *rc::gen::arbitrary<std::uint64_t>());
  const LayerShape& s = layer.shape;
  const std::int64_t channels = s.w[1];
  const std::int64_t outputs = s.w[0] / s.conv.groups;
  for (std::int64_t group = 0; group < s.conv.groups; ++group) {
    const Shape y_shape = {s.g[0], s.g[2], s.g[3], outputs};
    const Shape da_shape = {s.a[0], s.a[2], s.a[3], channels};
    const Shape dw_shape = {outputs, channels, s.w[2], s.w[3]};
    std::vector<std::int64_t> y(static_cast<std::size_t>(element_count(y_shape)));
    std::vector<std::int64_t> da(static_cast<std::size_t>(element_count(da_shape)));
    std::vector<std::int64_t> dw(static_cast<std::size_t>(element_count(dw_shape)));
    for_each_contribution(s, [&](const Contribution& at) {
      const auto a = value_at(layer.a, {at.b, group * channels + at.c, at.h, at.w});
      const auto w = value_at(layer.w, {group * outputs + at.o, at.c, at.y, at.x});
      const auto g = value_at(layer.g, {at.b, group * outputs + at.o, at.p, at.q});
      y[flat(y_shape, {at.b, at.p, at.q, at.o})] += a * w;
      da[flat(da_shape, {at.b, at.h, at.w, at.c})] += g * w;
      dw[flat(dw_shape, {at.o, at.c, at.y, at.x})] += g * a;
    });
    for (const auto& [pass, expected] : {std::pair{Pass::kForward, &y},
                                         {Pass::kBackwardData, &da},
                                         {Pass::kBackwardWeight, &dw}}) {
      RC_ASSERT(result_of(layer, pass, kPhases, group) == *expected);
      RC_ASSERT(result_of(layer, pass, kZeroInsert, group) == *expected);
    }
  }
}

// The same for a transposed convolution, by its own definition: every element of the input, times
// the kernel, is added to the output from (h, w) * stride - padding on.
RC_GTEST_PROP(LowerConvTranspose2d, EveryPassComputesTheSumOfTheForwardsContributions, ()) {
  LayerShape s = random_conv();
  s.kind = LayerKind::kConvTranspose2d;
  std::swap(s.a, s.g);
  const Layer layer = with_values(s, *rc::gen::arbitrary<std::uint64_t>());
  const std::int64_t channels = s.a[1] / s.conv.groups;
  const std::int64_t outputs = s.w[1];
  std::int64_t contributions = 0;
  for (std::int64_t group = 0; group < s.conv.groups; ++group) {
    const Shape y_shape = {s.g[0], s.g[2], s.g[3], outputs};
    const Shape da_shape = {s.a[0], s.a[2], s.a[3], channels};
    const Shape dw_shape = {channels, outputs, s.w[2], s.w[3]};
    std::vector<std::int64_t> y(static_cast<std::size_t>(element_count(y_shape)));
    std::vector<std::int64_t> da(static_cast<std::size_t>(element_count(da_shape)));
    std::vector<std::int64_t> dw(static_cast<std::size_t>(element_count(dw_shape)));
    for (const Index& in : tuples({s.a[0], channels, s.a[2], s.a[3]})) {
      for (const Index& tap : tuples({outputs, s.w[2], s.w[3]})) {
        const std::int64_t p =
            in[2] * s.conv.stride[0] + tap[1] * s.conv.dilation[0] - s.conv.padding.before[0];
        const std::int64_t q =
            in[3] * s.conv.stride[1] + tap[2] * s.conv.dilation[1] - s.conv.padding.before[1];
        if (p < 0 || p >= s.g[2] || q < 0 || q >= s.g[3]) {
          continue;
        }
        contributions += 1;
        const std::int64_t channel = group * channels + in[1];
        const auto a = value_at(layer.a, {in[0], channel, in[2], in[3]});
        const auto w = value_at(layer.w, {channel, tap[0], tap[1], tap[2]});
        const auto g = value_at(layer.g, {in[0], group * outputs + tap[0], p, q});
        y[flat(y_shape, {in[0], p, q, tap[0]})] += a * w;
        da[flat(da_shape, {in[0], in[2], in[3], in[1]})] += g * w;
        dw[flat(dw_shape, {in[1], tap[0], tap[1], tap[2]})] += g * a;
      }
    }
    for (const auto& [pass, expected] : {std::pair{Pass::kForward, &y},
                                         {Pass::kBackwardData, &da},
                                         {Pass::kBackwardWeight, &dw}}) {
      RC_ASSERT(result_of(layer, pass, kPhases, group) == *expected);
      RC_ASSERT(result_of(layer, pass, kZeroInsert, group) == *expected);
    }
  }
  for (const Pass pass : kPasses) {
    for (const Lowering& lowering : {kPhases, kZeroInsert}) {
      RC_ASSERT(macs_of(gemms_of(s, pass, lowering)) - structural_macs(s, pass, lowering) ==
                contributions);
    }
  }
}

// Three axes, by the same definition: an image's element (b, c, z, y, x) meets a result's (b, o,
// p...) through a tap where it lies at p * stride + tap * dilation - padding on every axis.
// Forward, or transposed, where what is the image and what the result have changed places.
RC_GTEST_PROP(LowerConv3d, EveryPassComputesTheSumOfItsContributions, ()) {
  const auto draw = [](std::int64_t low, std::int64_t high) {
    return *rc::gen::inRange<std::int64_t>(low, high + 1);
  };
  const bool transposed = *rc::gen::arbitrary<bool>();
  const std::int64_t groups = draw(1, 2);
  const std::int64_t batch = draw(1, 2);
  const std::int64_t in = draw(1, 2);  // of the image, in a group
  const std::int64_t out = draw(1, 2);
  LayerShape s;
  s.name = "000-conv3d";
  s.kind = LayerKind::kConv3d;
  s.w = {groups * out, in};
  s.a = {batch, groups * in};
  s.g = {batch, groups * out};
  GeometryLists lists;
  Shape behind;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    lists.stride.push_back(draw(1, 3));
    lists.dilation.push_back(draw(1, 2));
    lists.padding.push_back(draw(0, 2));
    behind.push_back(draw(0, 2));
    const std::int64_t kernel = draw(1, 3);
    const std::int64_t reach = lists.dilation.back() * (kernel - 1) + 1;
    const std::int64_t around = lists.padding.back() + behind.back();
    s.w.push_back(kernel);
    s.a.push_back(std::max<std::int64_t>(draw(1, 4), reach - around));
    std::int64_t places = 0;  // counted one by one
    while (places * lists.stride.back() + reach <= s.a.back() + around) {
      places += 1;
    }
    s.g.push_back(places);
  }
  lists.padding.insert(lists.padding.end(), behind.begin(), behind.end());
  s.conv = geometry_of(lists, groups);
  if (transposed) {
    s.kind = LayerKind::kConvTranspose3d;
    std::swap(s.a, s.g);
  }
  const Layer layer = with_values(s, *rc::gen::arbitrary<std::uint64_t>());
  const QuantizedTensor& image = transposed ? layer.g : layer.a;
  const QuantizedTensor& result = transposed ? layer.a : layer.g;
  for (std::int64_t group = 0; group < groups; ++group) {
    // Channels last, as a pass's rows and columns are.
    const Shape of_image = {batch, image.shape[2], image.shape[3], image.shape[4], in};
    const Shape of_result = {batch, result.shape[2], result.shape[3], result.shape[4], out};
    const Shape of_kernel = {out, in, s.w[2], s.w[3], s.w[4]};
    std::vector<std::int64_t> to_result(static_cast<std::size_t>(element_count(of_result)));
    std::vector<std::int64_t> to_image(static_cast<std::size_t>(element_count(of_image)));
    std::vector<std::int64_t> to_kernel(static_cast<std::size_t>(element_count(of_kernel)));
    for (const Index& r : tuples(of_result)) {
      for (const Index& k : tuples({in, s.w[2], s.w[3], s.w[4]})) {
        Index at = {r[0], 0, 0, 0, k[0]};
        bool inside = true;
        for (std::size_t axis = 0; axis < 3; ++axis) {
          at[1 + axis] = r[1 + axis] * lists.stride[axis] + k[1 + axis] * lists.dilation[axis] -
                         lists.padding[axis];
          inside = inside && at[1 + axis] >= 0 && at[1 + axis] < of_image[1 + axis];
        }
        if (!inside) {
          continue;
        }
        const auto i = value_at(image, {at[0], group * in + k[0], at[1], at[2], at[3]});
        const auto w = value_at(layer.w, {group * out + r[4], k[0], k[1], k[2], k[3]});
        const auto o = value_at(result, {r[0], group * out + r[4], r[1], r[2], r[3]});
        to_result[flat(of_result, r)] += i * w;
        to_image[flat(of_image, at)] += o * w;
        to_kernel[flat(of_kernel, {r[4], k[0], k[1], k[2], k[3]})] += o * i;
      }
    }
    for (const Lowering& lowering : {kPhases, kZeroInsert}) {
      const Pass forward = transposed ? Pass::kBackwardData : Pass::kForward;
      const Pass backward = transposed ? Pass::kForward : Pass::kBackwardData;
      RC_ASSERT(result_of(layer, forward, lowering, group) == to_result);
      RC_ASSERT(result_of(layer, backward, lowering, group) == to_image);
      RC_ASSERT(result_of(layer, Pass::kBackwardWeight, lowering, group) == to_kernel);
    }
  }
}

TEST(GemmShape, OfAConvolutionOfThreeAxes) {
  // The first of C3D: 3 x 3 x 3 on 16 frames of 112 x 112, padding 1, batch 2.
  LayerShape layer;
  layer.name = "000-conv1";
  layer.kind = LayerKind::kConv3d;
  layer.conv = geometry_of({.stride = {1, 1, 1}, .padding = {1, 1, 1}, .dilation = {1, 1, 1}}, 1);
  layer.w = {64, 3, 3, 3, 3};
  layer.a = {2, 3, 16, 112, 112};
  layer.g = {2, 64, 16, 112, 112};
  check(layer, "test");
  constexpr std::int64_t kPlaces = std::int64_t{2} * 16 * 112 * 112;
  EXPECT_EQ(gemms_of(layer, Pass::kForward, kPhases),
            (std::vector<GemmShape>{{1, kPlaces, 64, 81}}));
  EXPECT_EQ(gemms_of(layer, Pass::kBackwardWeight, kPhases),
            (std::vector<GemmShape>{{1, 64, 81, kPlaces}}));
}

RC_GTEST_PROP(LowerConv2d, MacsWithoutAStructuralZeroAreAsManyInEveryPass, ()) {
  const LayerShape layer = random_conv();
  std::int64_t contributions = 0;
  for_each_contribution(layer, [&](const Contribution& /*at*/) { contributions += 1; });
  contributions *= layer.conv.groups;
  for (const Pass pass : kPasses) {
    for (const Lowering& lowering : {kPhases, kZeroInsert}) {
      RC_ASSERT(macs_of(gemms_of(layer, pass, lowering)) - structural_macs(layer, pass, lowering) ==
                contributions);
    }
  }
  RC_ASSERT(structural_macs(layer, Pass::kBackwardData, kPhases) <=
            structural_macs(layer, Pass::kBackwardData, kZeroInsert));
}

// In a phase every pixel meets the same taps: those, and no others, that the stride does not leave
// a rest for, in the order of the kernel.
RC_GTEST_PROP(LowerConv2d, APhaseHoldsItsPixelsTapsInTheOrderOfTheKernel, ()) {
  const Layer layer = with_values(random_conv(), *rc::gen::arbitrary<std::uint64_t>());
  const LayerShape& s = layer.shape;
  const std::int64_t outputs = s.w[0] / s.conv.groups;
  const LoweredPass lowered(layer, Pass::kBackwardData, kPhases);
  const auto rest = [&](std::size_t axis, std::int64_t pixel, std::int64_t tap) {
    return (pixel + s.conv.padding.before[axis] - tap * s.conv.dilation[axis]) %
           s.conv.stride[axis];
  };
  const auto at = [&](std::size_t axis, std::int64_t pixel, std::int64_t tap) {
    return (pixel + s.conv.padding.before[axis] - tap * s.conv.dilation[axis]) /
           s.conv.stride[axis];
  };
  std::int64_t last_residues = -1;
  for (std::int64_t index = 0; index < lowered.count(); ++index) {
    const Gemm gemm = lowered.gemm(index);
    const std::int64_t group = index % s.conv.groups;
    for (std::int64_t m = 0; m < gemm.m; ++m) {
      const ResultRows place = lowered.result_rows(index, m);
      RC_ASSERT(place.matrix == group);
      const std::int64_t w = place.row % s.a[3];
      const std::int64_t h = place.row / s.a[3] % s.a[2];
      const std::int64_t b = place.row / s.a[3] / s.a[2];
      std::int64_t k = 0;
      for (const Index& tap : tuples({outputs, s.w[2], s.w[3]})) {
        if (rest(0, h, tap[1]) == 0 && rest(1, w, tap[2]) == 0) {
          const std::int64_t p = at(0, h, tap[1]);
          const std::int64_t q = at(1, w, tap[2]);
          const bool inside = p >= 0 && p < s.g[2] && q >= 0 && q < s.g[3];
          RC_ASSERT(k < gemm.k);
          RC_ASSERT(gemm.first.code(m, k) ==
                    (inside ? code_at(layer.g, {b, group * outputs + tap[0], p, q})
                            : layer.g.format().zero()));
          for (std::int64_t c = 0; c < gemm.n; ++c) {
            RC_ASSERT(gemm.second.code(c, k) ==
                      code_at(layer.w, {group * outputs + tap[0], c, tap[1], tap[2]}));
          }
          k += 1;
        }
      }
      RC_ASSERT(k == gemm.k);
      // Phases follow one another by residue.
      const std::int64_t residues =
          (h % s.conv.stride[0]) * s.conv.stride[1] + w % s.conv.stride[1];
      RC_ASSERT(residues >= last_residues);
      last_residues = residues;
    }
  }
}

// Sums do not show the order of the reduction; the cycle in which an operand enters does.
RC_GTEST_PROP(LowerConv2d, ReductionRunsInTheOrderOfTheTable, ()) {
  const Layer layer = with_values(random_conv(), *rc::gen::arbitrary<std::uint64_t>());
  const LayerShape& s = layer.shape;
  const std::int64_t group = *rc::gen::inRange<std::int64_t>(0, s.conv.groups);
  const std::int64_t channels = s.w[1];
  const std::int64_t outputs = s.w[0] / s.conv.groups;
  // A[b, c] at the place where output (p, q) and kernel (y, x) meet.
  const auto a_at = [&](std::int64_t b, std::int64_t c, std::int64_t p, std::int64_t q,
                        std::int64_t y, std::int64_t x) {
    const std::int64_t h = p * s.conv.stride[0] - s.conv.padding.before[0] + y * s.conv.dilation[0];
    const std::int64_t w = q * s.conv.stride[1] - s.conv.padding.before[1] + x * s.conv.dilation[1];
    const bool inside = h >= 0 && h < s.a[2] && w >= 0 && w < s.a[3];
    return inside ? code_at(layer.a, {b, group * channels + c, h, w}) : layer.a.format().zero();
  };
  // G[b, o] at the output (p, q) that meets input (h, w) under kernel (y, x), found by search.
  const auto g_at = [&](std::int64_t b, std::int64_t o, std::int64_t h, std::int64_t w,
                        std::int64_t y, std::int64_t x) {
    for (std::int64_t p = 0; p < s.g[2]; ++p) {
      for (std::int64_t q = 0; q < s.g[3]; ++q) {
        if (p * s.conv.stride[0] - s.conv.padding.before[0] + y * s.conv.dilation[0] == h &&
            q * s.conv.stride[1] - s.conv.padding.before[1] + x * s.conv.dilation[1] == w) {
          return code_at(layer.g, {b, group * outputs + o, p, q});
        }
      }
    }
    return layer.g.format().zero();
  };
  const Shape kernel = {s.w[2], s.w[3]};
  const Shape out_positions = {s.g[0], s.g[2], s.g[3]};

  const Gemm forward = LoweredPass(layer, Pass::kForward, {}).gemm(group);
  RC_ASSERT(compare_operand(forward.first, out_positions, {channels, kernel[0], kernel[1]},
                            [&](const Index& r, const Index& k) {
                              return a_at(r[0], k[0], r[1], r[2], k[1], k[2]);
                            }) == "");
  RC_ASSERT(compare_operand(forward.second, {outputs}, {channels, kernel[0], kernel[1]},
                            [&](const Index& r, const Index& k) {
                              return code_at(layer.w, {group * outputs + r[0], k[0], k[1], k[2]});
                            }) == "");
  const Gemm data = LoweredPass(layer, Pass::kBackwardData, kZeroInsert).gemm(group);
  RC_ASSERT(compare_operand(data.first, {s.a[0], s.a[2], s.a[3]}, {outputs, kernel[0], kernel[1]},
                            [&](const Index& r, const Index& k) {
                              return g_at(r[0], k[0], r[1], r[2], k[1], k[2]);
                            }) == "");
  RC_ASSERT(compare_operand(data.second, {channels}, {outputs, kernel[0], kernel[1]},
                            [&](const Index& r, const Index& k) {
                              return code_at(layer.w, {group * outputs + k[0], r[0], k[1], k[2]});
                            }) == "");
  const Gemm weight = LoweredPass(layer, Pass::kBackwardWeight, {}).gemm(group);
  RC_ASSERT(
      compare_operand(weight.first, {outputs}, out_positions, [&](const Index& r, const Index& k) {
        return code_at(layer.g, {k[0], group * outputs + r[0], k[1], k[2]});
      }) == "");
  RC_ASSERT(compare_operand(weight.second, {channels, kernel[0], kernel[1]}, out_positions,
                            [&](const Index& r, const Index& k) {
                              return a_at(k[0], r[0], k[1], k[2], r[1], r[2]);
                            }) == "");
}

// --- fetch ---------------------------------------------------------------------------------------

template <typename Operand>
std::string compare_fetch(const Operand& operand) {
  using Element = typename Operand::Element;
  constexpr Element kUntouched{0xEE};
  const auto depth = static_cast<std::size_t>(operand.depth());
  for (std::int64_t row = 0; row < operand.rows(); ++row) {
    std::vector<Element> expected;
    for (std::int64_t k = 0; k < operand.depth(); ++k) {
      expected.push_back(operand.at(row, k));
    }
    for (std::size_t begin = 0; begin <= depth; ++begin) {
      for (std::size_t length = 0; begin + length <= depth; ++length) {
        // One element more on either side, to see that nothing else is written.
        std::vector<Element> got(length + 2, kUntouched);
        operand.fetch(row, static_cast<std::int64_t>(begin), {got.data() + 1, length});
        if (got.front() != kUntouched || got.back() != kUntouched ||
            !std::equal(got.begin() + 1, got.end() - 1,
                        expected.begin() + static_cast<std::ptrdiff_t>(begin))) {
          return fmt::format("row {}, {} elements from {} on", row, length, begin);
        }
      }
    }
  }
  return "";
}

RC_GTEST_PROP(Fetch, AnyStretchOfAnyRowIsItsCodes, ()) {
  const auto small = [] { return *rc::gen::inRange<std::int64_t>(1, 6); };
  const auto kind = *rc::gen::element(0, 1, 2, 2);
  const LayerShape shape = kind == 0   ? linear(small(), small(), small())
                           : kind == 1 ? matmul(small(), small(), small(), small())
                                       : random_conv();
  const Layer layer = with_values(shape, *rc::gen::arbitrary<std::uint64_t>());
  const Pass pass = *rc::gen::elementOf(passes_of(shape));
  const LoweredPass lowered(layer, pass, *rc::gen::element(kPhases, kZeroInsert));
  RC_PRE(lowered.count() > 0);
  const Gemm gemm = lowered.gemm(*rc::gen::inRange<std::int64_t>(0, lowered.count()));
  // All stretches of a long row are many: rows of up to 40 codes.
  RC_PRE(gemm.k <= 40);
  RC_ASSERT(compare_fetch(gemm.first) == "");
  RC_ASSERT(compare_fetch(gemm.second) == "");
}

// Values lie where codes do.
std::string compare_values(const LoweredOperand& codes, const Fp32Operand& values) {
  for (std::int64_t row = 0; row < codes.rows(); ++row) {
    for (std::int64_t k = 0; k < codes.depth(); ++k) {
      const PotCode code = codes.code(row, k);
      const float value = values.at(row, k);
      const bool structural = code == codes.zero() && value == 0.0F;
      if (!structural && value != 1.0F + static_cast<float>(code)) {
        return fmt::format("row {}, depth {}: code {}, value {}", row, k, code, value);
      }
    }
  }
  return compare_fetch(values);
}

RC_GTEST_PROP(Fetch, ValuesLieWhereCodesDo, ()) {
  const auto small = [] { return *rc::gen::inRange<std::int64_t>(1, 6); };
  const LayerShape shape =
      *rc::gen::arbitrary<bool>() ? matmul(small(), small(), small(), small()) : random_conv();
  const Layer layer = with_values(shape, *rc::gen::arbitrary<std::uint64_t>());
  const auto values_of = [](const QuantizedTensor& tensor) {
    std::vector<float> values;
    std::ranges::transform(tensor.codes, std::back_inserter(values),
                           [](PotCode code) { return 1.0F + static_cast<float>(code); });
    return values;
  };
  const Fp32Tensors values{values_of(layer.w), values_of(layer.a), values_of(layer.g)};
  const Pass pass = *rc::gen::elementOf(passes_of(shape));
  const LoweredPass lowered(layer, pass, *rc::gen::element(kPhases, kZeroInsert), &values);
  RC_PRE(lowered.count() > 0);
  const std::int64_t index = *rc::gen::inRange<std::int64_t>(0, lowered.count());
  const Gemm gemm = lowered.gemm(index);
  RC_PRE(gemm.k <= 40);
  const auto of_values = lowered.gemm_of<Fp32Operand>(index);
  RC_ASSERT(compare_values(gemm.first, of_values.first) == "");
  RC_ASSERT(compare_values(gemm.second, of_values.second) == "");
}

TEST(Fetch, PaddingAndTheHolesOfAStrideAreZeroCodes) {
  // 1 x 1 kernel, stride 2, padding 1 on a 3 x 3 input: outputs sit at the input's (-1, 1, 3).
  const Layer layer = with_values(
      conv2d({1, 1, 3, 3}, {1, 1, 1, 1}, {{2, 2}, Padding::around({1, 1}), {1, 1}, 1}), 9);
  ASSERT_EQ(layer.shape.g, (Shape{1, 1, 3, 3}));
  const Gemm forward = LoweredPass(layer, Pass::kForward, {}).gemm(0);
  const Gemm data = LoweredPass(layer, Pass::kBackwardData, kZeroInsert).gemm(0);
  for (std::int64_t at = 0; at < 9; ++at) {
    const PotCode middle_a = code_at(layer.a, {0, 0, 1, 1});
    const PotCode middle_g = code_at(layer.g, {0, 0, 1, 1});
    EXPECT_EQ(forward.first.code(at, 0), at == 4 ? middle_a : layer.a.format().zero());
    EXPECT_EQ(data.first.code(at, 0), at == 4 ? middle_g : layer.g.format().zero());
  }
}

}  // namespace
}  // namespace potomac::workloads
