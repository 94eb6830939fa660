// What a graph computes of its shapes, against the results that ONNX's own operator tests expect.
#include "workloads/onnx/known_values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "workloads/onnx/model_file.hpp"

namespace potomac::workloads {
namespace {

using testing::IsSupersetOf;
using testing::SizeIs;

const std::filesystem::path kOperatorTests = "/usr/share/libonnx-testdata/data/node";

template <typename Message>
bool parse(Message& message, const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return stream && message.ParseFromIstream(&stream);
}

// Numbers that an operator only moves may be any: each float is known by the place where it was
// first seen.
class FloatsByPlace {
 public:
  KnownValues operator()(const onnx::TensorProto& tensor) {
    KnownValues known{shape_of(tensor), {}};
    for (const float value : float_values(tensor, "test")) {
      known.values.push_back(
          places_.emplace(value, static_cast<std::int64_t>(places_.size())).first->second);
    }
    return known;
  }

 private:
  std::map<float, std::int64_t> places_;
};

bool only_moves(const std::string& name) {
  constexpr std::array<std::string_view, 11> kNames = {
      "Concat",  "Expand", "Flatten",   "Gather",    "Identity", "Reshape",
      "Squeeze", "Slice",  "Transpose", "Unsqueeze", "Where"};
  return std::ranges::find(kNames, name) != kNames.end();
}

struct OperatorTest {
  onnx::NodeProto node;
  std::map<std::string, KnownValues> inputs;
  std::map<std::string, Shape> shapes;
  std::optional<KnownValues> expected;
};

// The test of one operator in a folder, or nothing if it is of other numbers.
std::optional<OperatorTest> operator_test(const std::filesystem::path& folder) {
  onnx::ModelProto model;
  if (!parse(model, folder / "model.onnx") || model.graph().node_size() != 1) {
    return std::nullopt;
  }
  OperatorTest test{.node = model.graph().node(0), .inputs = {}, .shapes = {}, .expected = {}};
  FloatsByPlace by_place;
  // Sequences and optional values parse as tensors without values.
  const auto read = [&](const onnx::TensorProto& tensor) -> std::optional<KnownValues> {
    if (!tensor.has_raw_data()) {
      return std::nullopt;
    }
    if (tensor.data_type() == onnx::TensorProto::FLOAT && only_moves(test.node.op_type())) {
      return by_place(tensor);
    }
    return known_values_of(tensor);
  };
  for (int i = 0; i < model.graph().input_size(); ++i) {
    onnx::TensorProto tensor;
    if (!parse(tensor, folder / "test_data_set_0" / ("input_" + std::to_string(i) + ".pb"))) {
      return std::nullopt;
    }
    const std::string& name = model.graph().input(i).name();
    test.shapes[name] = shape_of(tensor);
    if (auto known = read(tensor)) {
      test.inputs[name] = std::move(*known);
    }
  }
  onnx::TensorProto output;
  if (!parse(output, folder / "test_data_set_0" / "output_0.pb")) {
    return std::nullopt;
  }
  test.expected = read(output);
  return test.expected ? std::optional(test) : std::nullopt;
}

TEST(KnownValues, AreWhatOnnxsOperatorTestsExpect) {
  std::multiset<std::string> compared;
  for (const auto& entry : std::filesystem::directory_iterator(kOperatorTests)) {
    const auto test = operator_test(entry.path());
    if (!test) {
      continue;
    }
    std::vector<NodeInput> inputs;
    for (const std::string& name : test->node.input()) {
      const auto known = test->inputs.find(name);
      const auto shape = test->shapes.find(name);
      inputs.push_back({known == test->inputs.end() ? nullptr : &known->second,
                        shape == test->shapes.end() ? nullptr : &shape->second});
    }
    const auto result = evaluate(test->node, inputs, test->expected->shape);
    if (result) {
      EXPECT_EQ(result->shape, test->expected->shape) << entry.path();
      EXPECT_EQ(result->values, test->expected->values) << entry.path();
      compared.insert(test->node.op_type());
    }
  }
  EXPECT_THAT(compared,
              IsSupersetOf({"And", "Concat", "ConstantOfShape", "Equal", "Expand", "Flatten",
                            "Gather", "Identity", "Mod", "Or", "Range", "Reshape", "Shape", "Size",
                            "Slice", "Squeeze", "Transpose", "Unsqueeze", "Where"}));
  EXPECT_GT(compared.size(), 100U);
}

// --- numbers, by hand
// ------------------------------------------------------------------------------

onnx::NodeProto node_of(const std::string& name) {
  onnx::NodeProto node;
  node.set_op_type(name);
  node.add_output("out");
  return node;
}

std::optional<std::int64_t> number(const std::string& name, std::int64_t a, std::int64_t b) {
  onnx::NodeProto node = node_of(name);
  node.add_input("a");
  node.add_input("b");
  const KnownValues first{{1}, {a}};
  const KnownValues second{{}, {b}};
  const auto result =
      evaluate(node, std::array<NodeInput, 2>{{{&first, nullptr}, {&second, nullptr}}}, {1});
  return result ? std::optional(result->values.at(0)) : std::nullopt;
}

TEST(KnownValues, NumbersThatDoNotFitAreNotKnown) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(number("Add", kMost, 1), std::nullopt);
  EXPECT_EQ(number("Sub", kLeast, 1), std::nullopt);
  EXPECT_EQ(number("Mul", kMost, 2), std::nullopt);
  EXPECT_EQ(number("Div", 1, 0), std::nullopt);
  EXPECT_EQ(number("Div", kLeast, -1), std::nullopt);
  EXPECT_EQ(number("Mod", 1, 0), std::nullopt);
  EXPECT_EQ(number("Mod", kLeast, -1), 0);
  EXPECT_EQ(number("Div", -7, 2), -3);
  EXPECT_EQ(number("Div", -7, -1), 7);
  EXPECT_EQ(number("Mod", -7, 2), 1);
  EXPECT_EQ(number("Mod", 7, -2), -1);
  EXPECT_EQ(number("Min", 3, -4), -4);
  EXPECT_EQ(number("Max", 3, -4), 3);
  EXPECT_EQ(number("LessOrEqual", 3, 3), 1);
  EXPECT_EQ(number("GreaterOrEqual", 2, 3), 0);
  EXPECT_EQ(number("Greater", 4, 3), 1);
  EXPECT_EQ(number("Less", 4, 3), 0);
  EXPECT_EQ(number("Pow", 4, 3), std::nullopt);  // none that shapes are computed with
}

TEST(KnownValues, ALargeTensorIsData) {
  onnx::TensorProto tensor;
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_dims(5000);
  tensor.mutable_int64_data()->Resize(5000, 1);
  EXPECT_FALSE(known_values_of(tensor));
  tensor.set_dims(0, 4000);
  EXPECT_FALSE(known_values_of(tensor));  // of which it holds more
  tensor.mutable_int64_data()->Truncate(4000);
  ASSERT_TRUE(known_values_of(tensor));
  EXPECT_THAT(known_values_of(tensor)->values, SizeIs(4000));
}

TEST(KnownValues, WhatIsNotKnownOfASliceMakesItUnknown) {
  onnx::NodeProto node = node_of("Slice");
  for (const char* name : {"data", "starts", "ends"}) {
    node.add_input(name);
  }
  const KnownValues data{{4}, {1, 2, 3, 4}};
  const KnownValues one{{1}, {1}};
  std::array<NodeInput, 3> inputs{{{&data, nullptr}, {&one, nullptr}, {&one, nullptr}}};
  ASSERT_TRUE(evaluate(node, inputs, {2}));
  EXPECT_EQ(evaluate(node, inputs, {2})->values, (std::vector<std::int64_t>{2, 3}));
  EXPECT_FALSE(evaluate(node, inputs, {4}));  // leads out of the data
  inputs[1].known = nullptr;
  EXPECT_FALSE(evaluate(node, inputs, {2}));
}

}  // namespace
}  // namespace potomac::workloads
