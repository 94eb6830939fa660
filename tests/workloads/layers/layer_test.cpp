#include "workloads/layers/layer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error.hpp"
#include "tests/workloads/sources/trace_samples.hpp"
#include "workloads/layers/layer_check.hpp"

namespace potomac::workloads {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// The line that check() refuses a layer with; "" if it passes.
std::string refusal(const LayerShape& layer) {
  try {
    check(layer, "net.h5");
    return {};
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(LayerCheck, PassesEachKind) {
  EXPECT_EQ(refusal(conv_shape()), "");
  EXPECT_EQ(refusal(linear_shape()), "");
  EXPECT_EQ(refusal(matmul_shape()), "");
}

TEST(LayerCheck, NamesFileLayerAndBothExtentsThatDisagree) {
  LayerShape layer = linear_shape();
  layer.a[1] = 11;
  EXPECT_THAT(refusal(layer), AllOf(StartsWith("net.h5: layers/001-linear: "),
                                    HasSubstr("W[1] is 12 but A[1] is 11"), HasSubstr("inputs"),
                                    HasSubstr("W[O,I] A[B,I] G[B,O]")));
}

TEST(LayerCheck, ComparesEveryPairOfLinearExtents) {
  LayerShape layer = linear_shape();
  layer.g[1] = 9;
  EXPECT_THAT(refusal(layer), HasSubstr("W[0] is 10 but G[1] is 9"));
  layer = linear_shape();
  layer.g[0] = 4;
  EXPECT_THAT(refusal(layer), HasSubstr("A[0] is 3 but G[0] is 4"));
}

TEST(LayerCheck, ComparesEveryPairOfMatmulExtents) {
  const auto changed = [](Shape LayerShape::*tensor, std::size_t axis) {
    LayerShape layer = matmul_shape();
    (layer.*tensor)[axis] += 1;
    return refusal(layer);
  };
  EXPECT_THAT(changed(&LayerShape::w, 0), HasSubstr("W[0] is 3 but A[0] is 2"));
  EXPECT_THAT(changed(&LayerShape::g, 0), HasSubstr("A[0] is 2 but G[0] is 3"));
  EXPECT_THAT(changed(&LayerShape::w, 1), HasSubstr("W[1] is 5 but A[2] is 4"));
  EXPECT_THAT(changed(&LayerShape::a, 1), HasSubstr("A[1] is 4 but G[1] is 3"));
  EXPECT_THAT(changed(&LayerShape::w, 2), HasSubstr("W[2] is 6 but G[2] is 5"));
}

TEST(LayerCheck, ComparesConvolutionsBatchAndChannels) {
  LayerShape layer = conv_shape();
  layer.g[0] = 3;
  EXPECT_THAT(refusal(layer), HasSubstr("A[0] is 2 but G[0] is 3"));
  layer = conv_shape();
  layer.g[1] = 8;
  EXPECT_THAT(refusal(layer), HasSubstr("W[0] is 6 but G[1] is 8"));
  layer = conv_shape();
  layer.w[1] = 4;
  EXPECT_THAT(refusal(layer), HasSubstr("W[1] is 4 but A[1] / groups is 4 / 2 = 2"));
}

TEST(LayerCheck, RefusesARankThatIsNotTheKinds) {
  LayerShape layer = linear_shape();
  layer.a = {3, 4, 3};
  EXPECT_THAT(refusal(layer), HasSubstr("A has 3 axes, [3, 4, 3], but a linear layer's has 2"));
  layer = conv_shape();
  layer.w = {};
  EXPECT_THAT(refusal(layer), HasSubstr("W has 0 axes, [], but a conv2d layer's has 4"));
}

TEST(LayerCheck, RefusesEmptyAndAbsurdlyLargeTensors) {
  LayerShape layer = linear_shape();
  layer.a[0] = 0;
  EXPECT_THAT(refusal(layer), HasSubstr("A has the extents [0, 12]"));
  layer = linear_shape();
  layer.w = {std::int64_t{1} << 33, std::int64_t{1} << 40};
  EXPECT_THAT(refusal(layer), HasSubstr("absurdly large"));
  layer.w = {INT64_MAX, INT64_MAX};
  EXPECT_THAT(refusal(layer), HasSubstr("absurdly large"));
}

TEST(LayerCheck, RefusesImpossibleGeometry) {
  LayerShape layer = conv_shape();
  layer.conv.stride = {0, 1};
  EXPECT_THAT(refusal(layer), HasSubstr("stride[0] is 0; it must be from 1 to"));
  layer = conv_shape();
  layer.conv.dilation = {1, -1};
  EXPECT_THAT(refusal(layer), HasSubstr("dilation[1] is -1"));
  layer = conv_shape();
  layer.conv.padding.before = {-1, 0};
  EXPECT_THAT(refusal(layer), HasSubstr("padding above is -1; it must be from 0 to"));
  layer = conv_shape();
  layer.conv.padding.after = {0, INT64_MAX};
  EXPECT_THAT(refusal(layer), HasSubstr("padding to the right is 9223372036854775807"));
  layer = conv_shape();
  layer.conv.groups = 0;
  EXPECT_THAT(refusal(layer), HasSubstr("groups is 0"));
}

TEST(LayerCheck, RefusesGroupsThatDoNotDivideBothChannels) {
  LayerShape layer = conv_shape();
  layer.conv.groups = 3;  // divides O = 6, not C = 4
  EXPECT_THAT(refusal(layer), HasSubstr("groups, 3, does not divide both A[1] = C = 4"));
  layer.conv.groups = 4;  // divides C = 4, not O = 6
  EXPECT_THAT(refusal(layer), HasSubstr("W[0] = O = 6"));
}

TEST(LayerCheck, RefusesAKernelThatDoesNotFitTheInput) {
  LayerShape layer = conv_shape();
  layer.conv.dilation = {5, 2};
  EXPECT_THAT(refusal(layer), HasSubstr("spans 11 rows (W[2] = 3, dilation 5), but the padded "
                                        "input has 9 (A[2] = 7, padding 1 + 1)"));
}

TEST(LayerCheck, WritesOutTheFormulaThatTheOutputMustFollow) {
  LayerShape layer = conv_shape();
  layer.g[2] = 5;
  EXPECT_THAT(refusal(layer),
              HasSubstr("G[2] is 5, but floor((7 + 1 + 1 - 1*(3 - 1) - 1) / 2) + 1 = 4"));
  layer = conv_shape();
  layer.g[3] = 2;
  EXPECT_THAT(refusal(layer),
              HasSubstr("G[3] is 2, but floor((5 + 0 + 0 - 2*(2 - 1) - 1) / 1) + 1 = 3"));
}

TEST(LayerCheck, ComparesATransposedConvolutionTheOtherWayRound) {
  LayerShape layer = conv_shape();
  layer.kind = LayerKind::kConvTranspose2d;
  EXPECT_THAT(refusal(layer), HasSubstr("W[0] is 6 but A[1] is 4: both are C, the input channels"));
  std::swap(layer.a, layer.g);
  EXPECT_EQ(refusal(layer), "");
  layer.g[2] = 8;  // an output padding of 1
  EXPECT_EQ(refusal(layer), "");
  layer.g[2] = 9;
  EXPECT_THAT(refusal(layer),
              HasSubstr("A[2] is 4, but floor((9 + 1 + 1 - 1*(3 - 1) - 1) / 2) + 1 = 5"));
  layer.g[2] = 7;
  layer.w[1] = 4;
  EXPECT_THAT(refusal(layer),
              HasSubstr("W[1] is 4 but G[1] / groups is 4 / 2 = 2: both are O/groups"));
}

TEST(LayerCheck, ComparesEveryAxisOfAConvolutionOfThree) {
  LayerShape layer;
  layer.name = "000-conv3d";
  layer.kind = LayerKind::kConv3d;
  layer.conv =
      geometry_of({.stride = {2, 1, 1}, .padding = {1, 0, 0, 0, 0, 0}, .dilation = {1, 1, 1}}, 1);
  layer.w = {4, 3, 3, 1, 1};
  layer.a = {2, 3, 8, 5, 5};
  layer.g = {2, 4, 4, 5, 5};
  EXPECT_EQ(refusal(layer), "");
  layer.g[2] = 5;
  EXPECT_THAT(refusal(layer),
              HasSubstr("G[2] is 5, but floor((8 + 1 + 0 - 1*(3 - 1) - 1) / 2) + 1 = 4"));
  layer.g[2] = 4;
  layer.conv.depth.dilation = 5;
  EXPECT_THAT(refusal(layer), HasSubstr("spans 11 planes (W[2] = 3, dilation 5)"));
  layer.conv.depth = {.stride = 0};
  EXPECT_THAT(refusal(layer), HasSubstr("stride[0] is 0"));
  layer.a.pop_back();
  EXPECT_THAT(refusal(layer), HasSubstr("A has 4 axes, [2, 3, 8, 5], but a conv3d layer's has 5"));
}

TEST(LayerCheck, AcceptsALastWindowThatStrideLeavesOut) {
  LayerShape layer = conv_shape();
  layer.a[2] = 8;  // (8 + 2 - 2 - 1) / 2 = 3 and a rest
  EXPECT_EQ(refusal(layer), "");
}

TEST(LayerCheck, RefusesMoreMacsThanCanBeCounted) {
  const std::int64_t side = std::int64_t{1} << 16U;
  LayerShape layer = conv_shape();
  layer.conv = {.stride = {1, 1},
                .padding = Padding::around({side - 1, side - 1}),
                .dilation = {1, 1},
                .groups = 1};
  layer.w = {1, 1, side, side};
  layer.a = {1, 1, 1, 1};
  layer.g = {1, 1, side, side};
  EXPECT_THAT(refusal(layer), HasSubstr("more than 2^62 MACs"));
}

TEST(LayerCheck, RefusesNamesThatCouldMislead) {
  for (const std::string& name :
       {std::string(), std::string("."), std::string("a/b"), std::string("a\nb"),
        std::string("a\x1B[31m"), std::string("\xFF"), std::string(256, 'x')}) {
    EXPECT_THAT(refusal(linear_shape(name)), HasSubstr("the layer's name")) << name;
  }
  EXPECT_EQ(refusal(linear_shape(std::string(255, 'x'))), "");
  EXPECT_EQ(refusal(linear_shape("000-encoder.layer[0] (q·k)")), "");
}

TEST(LayerNames, RunInTheOrderOfTheirNumbersThenOfTheirBytes) {
  const std::vector<std::string> order = {"0-a",
                                          "00-b",
                                          "1-a",
                                          "01-b",
                                          "2-a",
                                          "10-a",
                                          "998",
                                          "999-a",
                                          "1000-a",
                                          "1000-b",
                                          "99999999999999999999",
                                          "a",
                                          "b"};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = 0; j < order.size(); ++j) {
      const bool same_number = i / 2 == j / 2 && i < 4 && j < 4;
      if (!same_number) {
        EXPECT_EQ(runs_before(order[i], order[j]), i < j) << order[i] << " " << order[j];
      }
    }
  }
  // One number written in two ways: by the bytes.
  EXPECT_TRUE(runs_before("00-b", "0a"));
  EXPECT_FALSE(runs_before("0a", "00-b"));
}

TEST(LayerNames, AreThoseOfTraceAndReport) {
  EXPECT_EQ(name_of(Pass::kForward), "forward");
  EXPECT_EQ(name_of(Pass::kBackwardData), "backward-data");
  EXPECT_EQ(name_of(Pass::kBackwardWeight), "backward-weight");
  EXPECT_EQ(name_of(LayerKind::kLinear), "linear");
  EXPECT_EQ(name_of(LayerKind::kConv2d), "conv2d");
  EXPECT_EQ(name_of(LayerKind::kMatmul), "matmul");
  EXPECT_EQ(name_of(LayerKind::kConvTranspose2d), "conv_transpose2d");
  EXPECT_EQ(name_of(LayerKind::kConv3d), "conv3d");
  EXPECT_EQ(name_of(LayerKind::kConvTranspose3d), "conv_transpose3d");
}

}  // namespace
}  // namespace potomac::workloads
