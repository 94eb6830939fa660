// Model descriptions: what flows from layer to layer, expressions, and every mistake by its place.
#include "workloads/sources/model_description.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/input_error.hpp"
#include "workloads/sources/description_writer.hpp"

namespace potomac::workloads {
namespace {

using test::input_error_of;
using testing::HasSubstr;

ModelDescription model_of(const std::string& text, const Dimensions& bound = {}) {
  return parse_model(read_yaml_text(text, "net.yaml"), bound);
}

const std::string kHead = "format: potomac-model\nversion: 1\nmodel: net\n";

// A description of the layers, with a batch of 2 and images of 3 x 8 x 9.
std::string net(const std::string& layers) {
  return kHead + "dimensions: {batch: 2, double: 2 * batch}\ninput: [batch, 3, 8, 9]\nlayers:\n" +
         layers;
}

std::int64_t value_of(const std::string& expression, const Dimensions& dimensions = {}) {
  return evaluate(YamlValue::of_text(expression, "net.yaml", "x"), dimensions);
}

TEST(Extents, AreExpressions) {
  EXPECT_EQ(value_of("7"), 7);
  EXPECT_EQ(value_of(" 2 + 3 * 4 - 1 "), 13);
  EXPECT_EQ(value_of("(2 + 3) * 4"), 20);
  EXPECT_EQ(value_of("24 / 2 / 3"), 4);
  EXPECT_EQ(value_of("7 - 2 - 1"), 4);
  EXPECT_EQ(value_of("-3 + 5"), 2);
  EXPECT_EQ(value_of("--4"), 4);
  EXPECT_EQ(value_of("heads*batch", {{"batch", 3}, {"heads", 12}}), 36);
  EXPECT_EQ(value_of("9223372036854775807"), INT64_MAX);
}

TEST(Extents, RefuseWhatIsNone) {
  for (const char* text : {"", "+", "2 +", "(2", "2)", "2 3", "a b", "1.5", "$", "2 ** 3"}) {
    EXPECT_THAT(input_error_of([&] {
                  value_of(text, {{"a", 1}, {"b", 1}});
                }),
                HasSubstr("is not an extent"))
        << text;
  }
  EXPECT_THAT(input_error_of([] { value_of("9223372036854775808"); }), HasSubstr("64 bits"));
  EXPECT_THAT(input_error_of([] { value_of("9223372036854775807 + 1"); }), HasSubstr("64 bits"));
  EXPECT_THAT(input_error_of([] { value_of("4294967296 * 4294967296"); }), HasSubstr("64 bits"));
  EXPECT_THAT(input_error_of([] { value_of("7 / 2"); }), HasSubstr("leaves a rest"));
  EXPECT_THAT(input_error_of([] { value_of("7 / 0"); }), HasSubstr("leaves a rest"));
  EXPECT_THAT(input_error_of([] {
                value_of("lenght", {{"batch", 1}, {"length", 2}});
              }),
              HasSubstr("the dimension 'lenght' is not known; known here: batch, length"));
  EXPECT_THAT(input_error_of([] { value_of(std::string(100000, '(')); }),
              HasSubstr("is not an extent"));
}

TEST(Model, ShapesFlow) {
  const ModelDescription model = model_of(net(R"(
  - {conv2d: one, outputs: 4, kernel: [3, 2], stride: [2, 1], padding: [1, 0, 2, 1], bias: true, input_grad: false}
  - {pool: p, kernel: 2, stride: 1}
  - {conv2d: two, outputs: 6, kernel: 1, dilation: 3, groups: 2}
  - {matmul: scores, batch: double, m: 5, n: 6, k: 7}
  - {linear: rows, input: [batch, 5, 10], outputs: 3, bias: true}
  - {linear: more, outputs: 2}
)"));
  const std::vector<LayerShape>& layers = model.workload.layers();
  ASSERT_EQ(layers.size(), 5U);
  EXPECT_EQ(layers[0].name, "000-one");
  EXPECT_EQ(layers[0].g, (Shape{2, 4, 5, 9}));  // (8 + 3 - 3) / 2 + 1, (9 + 1 - 2) / 1 + 1
  EXPECT_EQ(layers[0].conv.padding, (Padding{{1, 0}, {2, 1}}));
  EXPECT_FALSE(layers[0].input_grad);
  EXPECT_TRUE(layers[0].weight_grad);
  EXPECT_EQ(layers[1].a, (Shape{2, 4, 4, 8}));
  EXPECT_EQ(layers[1].w, (Shape{6, 2, 1, 1}));
  EXPECT_EQ(layers[2].a, (Shape{4, 5, 7}));
  EXPECT_EQ(layers[2].w, (Shape{4, 7, 6}));
  EXPECT_EQ(layers[3].a, (Shape{10, 10}));
  EXPECT_EQ(layers[4].a, (Shape{10, 3}));
  EXPECT_EQ(model.parameters, 4 * 3 * 6 + 4 + 6 * 2 + 3 * 10 + 3 + 2 * 3);
  EXPECT_EQ(model.workload.info().values, ValueSource::kNone);
  EXPECT_FALSE(model.workload.read(0));
}

TEST(Model, BlocksRepeatNestAndTakeNames) {
  const ModelDescription model = model_of(kHead + R"(
dimensions: {batch: 2}
blocks:
  pair:
    - {linear: a, outputs: width}
    - {linear: b, input: block, outputs: 2 * width}
  outer:
    - {block: in, of: pair, with: {width: size}, repeat: 2, first: 5}
input: [batch, 3]
layers:
  - {block: net, of: outer, with: {size: 4}}
)",
                                          {{"batch", 7}});
  std::vector<std::pair<std::string, Shape>> seen;
  for (const LayerShape& layer : model.workload.layers()) {
    seen.emplace_back(layer.name, layer.w);
    EXPECT_EQ(layer.a[0], 7);
  }
  EXPECT_EQ(seen, (std::vector<std::pair<std::string, Shape>>{{"000-net.in.5.a", {4, 3}},
                                                              {"001-net.in.5.b", {8, 3}},
                                                              {"002-net.in.6.a", {4, 8}},
                                                              {"003-net.in.6.b", {8, 8}}}));
}

TEST(Model, ATransposedConvolutionGrowsWhatFlows) {
  // torch.nn.ConvTranspose2d(8, 6, (4, 3), 2, (1, 0), (1, 0), groups=2, dilation=(1, 2)) on 5 x 7.
  const ModelDescription model = model_of(kHead + R"(
input: [2, 8, 5, 7]
layers:
  - {conv_transpose2d: up, outputs: 6, kernel: [4, 3], stride: 2, padding: [1, 0], output_padding: [1, 0], groups: 2, dilation: [1, 2], bias: true}
  - {conv2d: same, outputs: 3, kernel: 1}
)");
  const LayerShape& up = model.workload.layers()[0];
  EXPECT_EQ(up.w, (Shape{8, 3, 4, 3}));
  EXPECT_EQ(up.g, (Shape{2, 6, 11, 17}));
  EXPECT_EQ(model.workload.layers()[1].a, up.g);
  EXPECT_EQ(model.parameters, 8 * 3 * 4 * 3 + 6 + 3 * 6);
}

TEST(Model, WrittenAndReadAgainItIsTheSame) {
  const ModelDescription model = model_of(net(R"(
  - {conv2d: "odd: [name]", outputs: 4, kernel: 3, stride: 2, padding: [0, 0, 1, 1], input_grad: false}
  - {conv3d: deep, input: [2, 4, 5, 6, 7], outputs: 4, kernel: [1, 2, 3], stride: [2, 1, 1], padding: [0, 1, 2, 1, 0, 2], groups: 2}
  - {conv_transpose3d: wide, outputs: 3, kernel: 2, stride: [2, 3, 1], output_padding: [1, 2, 0], input_grad: false}
  - {matmul: "7-up", m: 5, n: 6, k: 7}
  - {conv_transpose2d: up, input: [batch, 4, 5, 5], outputs: 6, kernel: [4, 3], stride: 2, padding: [0, 1, 2, 0], output_padding: [0, 1], groups: 2, dilation: [1, 2]}
  - {linear: fc, input: [batch, 10], outputs: 3, weight_grad: false}
not_included: [{name: n, kind: "k #", reason: "because: \"it\" is"}]
bits: {W: 4, G: 6}
)"));
  const ModelDescription again = model_of(model_description_text(model.workload));
  ASSERT_EQ(again.workload.layers().size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) {
    const LayerShape& one = model.workload.layers()[i];
    const LayerShape& other = again.workload.layers()[i];
    EXPECT_EQ(one.name, other.name);
    EXPECT_EQ(one.kind, other.kind);
    EXPECT_EQ(one.conv, other.conv);
    EXPECT_EQ(one.input_grad, other.input_grad);
    EXPECT_EQ(one.weight_grad, other.weight_grad);
    EXPECT_EQ(one.w, other.w);
    EXPECT_EQ(one.a, other.a);
    EXPECT_EQ(one.g, other.g);
    EXPECT_EQ(model.workload.formats()[i], again.workload.formats()[i]);
  }
  EXPECT_EQ(model.workload.not_included(), again.workload.not_included());
}

TEST(Model, EveryMistakeIsNamedWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> mistakes = {
      {"  - {conv2d: c, kernel: 1}", "key 'layers[0].outputs' is missing"},
      {"  - {conv2d: c, outputs: 1}", "key 'layers[0].kernel' is missing"},
      {"  - {conv2d: c, outputs: 1, kernel: 1, strid: 1}", "strid"},
      {"  - {conv2d: c, outputs: 1, kernel: [1, 2, 3]}", "has 3 values"},
      {"  - {conv2d: c, outputs: 1, kernel: 10}",
       "its kernel spans 10, but its padded input has 8"},
      {"  - {conv2d: c, outputs: 4, kernel: 1, groups: 2}", "2 groups do not divide 3 channels"},
      {"  - {conv2d: c, outputs: 0, kernel: 1}", "'0' is 0; it must be from 1"},
      {"  - {conv2d: c, outputs: 1, kernel: 1, stride: 0}", "must be from 1"},
      {"  - {conv2d: c, outputs: 1, kernel: 1, input: [1, 2]}", "fewer than 4 axes"},
      {"  - {conv2d: c, outputs: width, kernel: 1}", "the dimension 'width' is not known"},
      {"  - {linear: l, input: other, outputs: 1}", "'other' is not known"},
      {"  - {conv2d: c, linear: l, outputs: 1}", "is both conv2d and linear"},
      {"  - {conv_transpose2d: c, outputs: 1, kernel: 3, stride: 2, output_padding: 2}",
       "an output padding of 2 and a stride of 2; pad less"},
      {"  - {conv_transpose2d: c, outputs: 1, kernel: 3, padding: 5}", "has an extent of 0"},
      {"  - {convolution: c}", "does not say what it is"},
      {"  - {block: b, of: nothing}", "there is no block 'nothing'"},
      {"  - {conv2d: a/b, outputs: 1, kernel: 1}", "name is empty, too long, or holds a slash"},
      {"  - {linear: l, input: [1000000, 1000000, 1000000, 1000000, 1], outputs: 1}", "64 bits"},
      {"  - {linear: l, input: [1000000000, 1000000000], outputs: 1}", "absurdly large"},
      {"  - {linear: l, outputs: 1, input_grad: maybe}", "must be true or false"},
      {"  []", "has no layer"},
  };
  for (const auto& mistake : mistakes) {
    const std::string& layer = mistake.first;
    const std::string error = input_error_of([&] { model_of(net(layer + "\n")); });
    EXPECT_THAT(error, HasSubstr(mistake.second)) << layer;
    EXPECT_THAT(error, HasSubstr("net.yaml")) << layer;
  }
  EXPECT_THAT(input_error_of([] { model_of("array: {rows: 4}\n"); }),
              HasSubstr("is not a model description"));
  EXPECT_THAT(input_error_of([] { model_of(kHead + "layers: [{linear: l, outputs: 1}]\n"); }),
              HasSubstr("has no input"));
  EXPECT_THAT(input_error_of([] {
                model_of(kHead +
                         "input: [1, 1]\nblocks: {b: [{block: b, of: b}]}\nlayers: [{block: "
                         "b, of: b}]\n");
              }),
              HasSubstr("does a block contain itself?"));
  EXPECT_THAT(
      input_error_of([] {
        model_of(kHead +
                 "input: [1, 1]\nblocks: {b: [{linear: l, outputs: 1}, {linear: m, outputs: "
                 "1}]}\nlayers: [{block: b, of: b, repeat: 100000}]\n");
      }),
      HasSubstr("more than 100000 layers"));
  EXPECT_THAT(input_error_of([] {
                model_of(net("  - {linear: l, outputs: 1}\n"), {{"size", 3}});
              }),
              HasSubstr("there is no 'size' to bind to 3; this model has batch, double"));
}

}  // namespace
}  // namespace potomac::workloads
