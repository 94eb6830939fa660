#include "workloads/onnx/operator_shapes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "support/plain_text.hpp"
#include "workloads/onnx/einsum.hpp"
#include "workloads/onnx/model_check.hpp"
#include "workloads/onnx/model_file.hpp"
#include "workloads/onnx/shape_fault.hpp"
#include "workloads/onnx/window.hpp"

namespace potomac::workloads {
namespace {

using OperatorInputs = std::span<const NodeInput>;
using OperatorOutputs = std::vector<std::optional<Shape>>;
// Nothing: the extents are not known.
using MaybeShape = std::optional<Shape>;

std::string extents_text(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

const Shape* shape_at(OperatorInputs inputs, std::size_t index) {
  return index < inputs.size() ? inputs[index].shape : nullptr;
}

// Leading axes as numpy broadcasts them.
Shape broadcast_extents(const Shape& one, const Shape& other) {
  Shape result(std::max(one.size(), other.size()), 1);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto extent = [&](const Shape& shape) {
      const std::size_t missing = result.size() - shape.size();
      return i < missing ? 1 : shape[i - missing];
    };
    const std::int64_t a = extent(one);
    const std::int64_t b = extent(other);
    if (a != b && a != 1 && b != 1) {
      throw ShapeFault(fmt::format("its inputs {} and {} do not fit one another", extents_text(one),
                                   extents_text(other)));
    }
    result[i] = a == 1 ? b : a;
  }
  return result;
}

// --- products ------------------------------------------------------------------------------------

// Where the image, the weights and the bias of a convolution are.
struct ConvInputs {
  std::size_t image = 0;
  std::size_t weights = 1;
  std::size_t bias = 2;
};

void check_bias(const Shape* bias, std::int64_t outputs) {
  if (bias != nullptr && *bias != Shape{outputs}) {
    throw ShapeFault(
        fmt::format("its bias is {}, and it has {} output channels", extents_text(*bias), outputs));
  }
}

MaybeShape convolution_extents(const onnx::NodeProto& node, OperatorInputs inputs,
                               ConvInputs places) {
  const Shape* const image = shape_at(inputs, places.image);
  const Shape* const weights = shape_at(inputs, places.weights);
  if (image == nullptr || weights == nullptr) {
    return std::nullopt;
  }
  const bool transposed = node.op_type() == "ConvTranspose";
  if (image->size() < 3 || weights->size() != image->size()) {
    throw ShapeFault(fmt::format("its input is {} and its weights are {}, which do not fit",
                                 extents_text(*image), extents_text(*weights)));
  }
  const std::int64_t group = integer_attribute(node, "group", 1);
  const std::int64_t channels = (*image)[1];
  const std::int64_t first = (*weights)[0];
  const std::int64_t second = (*weights)[1];
  if (group < 1 || group > first || first % group != 0 ||
      (transposed ? channels != first : channels / group != second || channels % group != 0)) {
    throw ShapeFault(fmt::format("its input has {} channels, its weights are {}, in {} groups",
                                 channels, extents_text(*weights), group));
  }
  Window window = window_of(node, image->size() - 2, {weights->begin() + 2, weights->end()});
  const Shape spatial(image->begin() + 2, image->end());
  Shape output = transposed ? slide_transposed(window, spatial) : slide(window, spatial);
  const std::int64_t outputs = transposed ? second * group : first;
  check_bias(shape_at(inputs, places.bias), outputs);
  output.insert(output.begin(), {(*image)[0], outputs});
  return output;
}

MaybeShape pooled_extents(const onnx::NodeProto& node, const Shape& image) {
  if (image.size() < 3) {
    throw ShapeFault(fmt::format("its input is {}, without spatial axes", extents_text(image)));
  }
  Window window = window_of(node, image.size() - 2, {});
  Shape output = slide(window, {image.begin() + 2, image.end()});
  output.insert(output.begin(), {image[0], image[1]});
  return output;
}

// Of old, an input of more axes is taken as the matrix of its first axis and the rest.
Shape as_matrix(const Shape& shape, bool flattens) {
  if (shape.size() <= 2 || !flattens) {
    return shape;
  }
  return {shape[0], element_count({shape.begin() + 1, shape.end()})};
}

MaybeShape gemm_extents(const onnx::NodeProto& node, int opset, OperatorInputs inputs) {
  const Shape* const first = shape_at(inputs, 0);
  const Shape* const second = shape_at(inputs, 1);
  if (first == nullptr || second == nullptr) {
    return std::nullopt;
  }
  const Shape a = as_matrix(*first, opset < 7);
  const Shape& b = *second;
  if (a.size() != 2 || b.size() != 2) {
    throw ShapeFault(fmt::format("its operands are {} and {}, and no matrices",
                                 extents_text(*first), extents_text(*second)));
  }
  const bool trans_a = integer_attribute(node, "transA", 0) != 0;
  const bool trans_b = integer_attribute(node, "transB", 0) != 0;
  const std::int64_t k = a[trans_a ? 0 : 1];
  if (k != b[trans_b ? 1 : 0]) {
    throw ShapeFault(fmt::format("its operands {}{} and {}{} have no common K", extents_text(a),
                                 trans_a ? " (transA)" : "", extents_text(b),
                                 trans_b ? " (transB)" : ""));
  }
  const Shape output{a[trans_a ? 1 : 0], b[trans_b ? 0 : 1]};
  if (const Shape* const bias = shape_at(inputs, 2)) {
    const bool fits = bias->size() <= 2 && std::equal(bias->rbegin(), bias->rend(), output.rbegin(),
                                                      [](std::int64_t from, std::int64_t to) {
                                                        return from == 1 || from == to;
                                                      });
    if (!fits) {
      throw ShapeFault(fmt::format("its C is {}, and its product is {}", extents_text(*bias),
                                   extents_text(output)));
    }
  }
  return output;
}

// The product is numpy's: vectors are a row and a column, leading axes are broadcast.
MaybeShape matmul_extents(const onnx::NodeProto& node, const Shape* first, const Shape* second) {
  if (first == nullptr || second == nullptr) {
    return std::nullopt;
  }
  Shape left = *first;
  Shape right = *second;
  if (left.empty() || right.empty()) {
    throw ShapeFault("an operand is a number");
  }
  if (left.size() == 1) {
    left.insert(left.begin(), 1);
  } else if (integer_attribute(node, "transA", 0) != 0) {
    std::swap(left[left.size() - 1], left[left.size() - 2]);
  }
  if (right.size() == 1) {
    right.push_back(1);
  } else if (integer_attribute(node, "transB", 0) != 0) {
    std::swap(right[right.size() - 1], right[right.size() - 2]);
  }
  if (left.back() != right[right.size() - 2]) {
    throw ShapeFault(fmt::format("its operands {} and {} have no common K", extents_text(*first),
                                 extents_text(*second)));
  }
  Shape output =
      broadcast_extents({left.begin(), left.end() - 2}, {right.begin(), right.end() - 2});
  if (first->size() > 1) {
    output.push_back(left[left.size() - 2]);
  }
  if (second->size() > 1) {
    output.push_back(right.back());
  }
  return output;
}

MaybeShape einsum_extents(const onnx::NodeProto& node, OperatorInputs inputs) {
  std::vector<Shape> shapes;
  std::vector<std::size_t> ranks;
  for (const NodeInput& input : inputs) {
    if (input.shape == nullptr) {
      return std::nullopt;
    }
    shapes.push_back(*input.shape);
    ranks.push_back(input.shape->size());
  }
  return einsum_shape(parse_einsum(text_attribute(node, "equation", ""), ranks), shapes);
}

// Y, Y_h and Y_c of LSTM, GRU and RNN. X is [steps, batch, inputs]; under layout 1 batch is first.
OperatorOutputs recurrent_extents(const onnx::NodeProto& node, OperatorInputs inputs) {
  OperatorOutputs outputs(static_cast<std::size_t>(node.output_size()));
  const Shape* const x = shape_at(inputs, 0);
  const Shape* const w = shape_at(inputs, 1);
  const Shape* const r = shape_at(inputs, 2);
  if (x == nullptr || w == nullptr || r == nullptr) {
    return outputs;
  }
  const std::int64_t gates = node.op_type() == "LSTM" ? 4 : node.op_type() == "GRU" ? 3 : 1;
  const std::string direction = text_attribute(node, "direction", "forward");
  const std::int64_t directions = direction == "bidirectional" ? 2 : 1;
  const bool fits = x->size() == 3 && w->size() == 3 && r->size() == 3 && (*w)[0] == directions &&
                    (*r)[0] == directions && (*w)[2] == (*x)[2] && (*w)[1] == (*r)[1] &&
                    (*r)[1] == gates * (*r)[2];
  if (!fits) {
    throw ShapeFault(fmt::format("its X, W and R are {}, {} and {}, which do not fit",
                                 extents_text(*x), extents_text(*w), extents_text(*r)));
  }
  const std::int64_t hidden = (*r)[2];
  const bool batch_first = integer_attribute(node, "layout", 0) != 0;
  const std::int64_t steps = (*x)[batch_first ? 1 : 0];
  const std::int64_t batch = (*x)[batch_first ? 0 : 1];
  const std::array<Shape, 3> shapes =
      batch_first
          ? std::array<Shape, 3>{Shape{batch, steps, directions, hidden},
                                 Shape{batch, directions, hidden}, Shape{batch, directions, hidden}}
          : std::array<Shape, 3>{Shape{steps, directions, batch, hidden},
                                 Shape{directions, batch, hidden},
                                 Shape{directions, batch, hidden}};
  for (std::size_t i = 0; i < outputs.size() && i < shapes.size(); ++i) {
    outputs[i] = shapes[i];
  }
  return outputs;
}

// --- operators of newer opsets -------------------------------------------------------------------

// Axes as an input, that were an attribute before opset 18.
MaybeShape reduced_extents(const onnx::NodeProto& node, OperatorInputs inputs) {
  const Shape& data = *inputs[0].shape;
  const auto rank = static_cast<std::int64_t>(data.size());
  std::set<std::int64_t> axes;
  if (inputs.size() > 1 && !node.input(1).empty()) {
    if (inputs[1].known == nullptr) {
      return std::nullopt;
    }
    for (const std::int64_t axis : inputs[1].known->values) {
      axes.insert(axis < 0 ? axis + rank : axis);
    }
  }
  if (axes.empty()) {
    if (integer_attribute(node, "noop_with_empty_axes", 0) != 0) {
      return data;
    }
    for (std::int64_t axis = 0; axis < rank; ++axis) {
      axes.insert(axis);
    }
  }
  if (!axes.empty() && (*axes.begin() < 0 || *axes.rbegin() >= rank)) {
    throw ShapeFault(fmt::format("its axes are out of range for an input of {} axes", rank));
  }
  Shape output;
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    if (!axes.contains(axis)) {
      output.push_back(data[static_cast<std::size_t>(axis)]);
    } else if (integer_attribute(node, "keepdims", 1) != 0) {
      output.push_back(1);
    }
  }
  return output;
}

MaybeShape padded_extents(const onnx::NodeProto& node, OperatorInputs inputs) {
  const Shape& data = *inputs[0].shape;
  if (inputs.size() < 2 || inputs[1].known == nullptr ||
      (inputs.size() > 3 && !node.input(3).empty() && inputs[3].known == nullptr)) {
    return std::nullopt;
  }
  std::vector<std::int64_t> axes;
  if (inputs.size() > 3 && inputs[3].known != nullptr) {
    axes = inputs[3].known->values;
  } else {
    for (std::size_t axis = 0; axis < data.size(); ++axis) {
      axes.push_back(static_cast<std::int64_t>(axis));
    }
  }
  const std::vector<std::int64_t>& pads = inputs[1].known->values;
  if (pads.size() != 2 * axes.size()) {
    throw ShapeFault(fmt::format("it has {} pads for {} axes", pads.size(), axes.size()));
  }
  Shape output = data;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto rank = static_cast<std::int64_t>(data.size());
    const std::int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
    std::int64_t sum = 0;
    if (axis < 0 || axis >= rank || __builtin_add_overflow(pads[i], pads[i + axes.size()], &sum) ||
        __builtin_add_overflow(sum, output[static_cast<std::size_t>(axis)], &sum) || sum < 0) {
      throw ShapeFault(fmt::format("its pads [{}] do not fit its input {}", fmt::join(pads, ", "),
                                   extents_text(data)));
    }
    output[static_cast<std::size_t>(axis)] = sum;
  }
  return output;
}

OperatorOutputs split_evenly(const onnx::NodeProto& node, const Shape& data) {
  const auto rank = static_cast<std::int64_t>(data.size());
  std::int64_t axis = integer_attribute(node, "axis", 0);
  axis += axis < 0 ? rank : 0;
  const std::int64_t parts =
      integer_attribute(node, "num_outputs", static_cast<std::int64_t>(node.output_size()));
  if (axis < 0 || axis >= rank || parts != node.output_size()) {
    throw ShapeFault(fmt::format("it splits axis {} of {} into {} parts, and has {} outputs",
                                 integer_attribute(node, "axis", 0), extents_text(data), parts,
                                 node.output_size()));
  }
  OperatorOutputs outputs;
  const std::int64_t extent = data[static_cast<std::size_t>(axis)];
  const std::int64_t part = (extent + parts - 1) / parts;
  for (std::int64_t i = 0; i < parts; ++i) {
    Shape shape = data;
    shape[static_cast<std::size_t>(axis)] = std::clamp<std::int64_t>(extent - i * part, 0, part);
    outputs.emplace_back(std::move(shape));
  }
  return outputs;
}

// --- operators that keep extents -----------------------------------------------------------------

// Of opsets after libonnx's last: the extents are the first input's.
constexpr std::array<std::string_view, 10> kNewElementwise = {
    "BitwiseNot", "Gelu",   "GroupNormalization", "IsInf",
    "IsNaN",      "Mish",   "RMSNormalization",   "RotaryEmbedding",
    "Swish",      "CumProd"};
constexpr std::array<std::string_view, 3> kNewBinary = {"BitwiseAnd", "BitwiseOr", "BitwiseXor"};
constexpr std::array<std::string_view, 10> kReductions = {
    "ReduceL1",   "ReduceL2",  "ReduceLogSum", "ReduceLogSumExp", "ReduceMax",
    "ReduceMean", "ReduceMin", "ReduceProd",   "ReduceSumSquare", "ReduceSum"};

// Of any domain, ONNX Runtime's (com.microsoft), Brevitas' and QONNX' among them, and of ONNX' own
// below the opset that has them. All of their outputs' extents that are told are the first input's.
constexpr std::array<std::string_view, 30> kElementwise = {"BiasDropout",
                                                           "BiasGelu",
                                                           "BiasSoftmax",
                                                           "BipolarQuant",
                                                           "BitLinearDequant",
                                                           "DequantizeLinear",
                                                           "DropoutGrad",
                                                           "FakeQuantize",
                                                           "FastGelu",
                                                           "FusedBatchNormalization",
                                                           "Gelu",
                                                           "GroupNorm",
                                                           "Inverse",
                                                           "IntQuant",
                                                           "LayerNormalization",
                                                           "QLinearLeakyRelu",
                                                           "QLinearSigmoid",
                                                           "QLinearSoftmax",
                                                           "Quant",
                                                           "QuantizeLinear",
                                                           "QuickGelu",
                                                           "RotaryEmbedding",
                                                           "SimplifiedLayerNormalization",
                                                           "SkipLayerNormalization",
                                                           "SkipSimplifiedLayerNormalization",
                                                           "Trunc",
                                                           "FloatQuant",
                                                           "FixedPoint",
                                                           "MinMaxQuant",
                                                           "LearnedQuant"};
constexpr std::array<std::string_view, 2> kBroadcasting = {"QLinearAdd", "QLinearMul"};

template <typename Names>
bool is_one_of(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

OperatorOutputs only_output(MaybeShape extents, const onnx::NodeProto& node) {
  OperatorOutputs outputs(static_cast<std::size_t>(node.output_size()));
  if (!outputs.empty()) {
    outputs[0] = std::move(extents);
  }
  return outputs;
}

MaybeShape of_first(OperatorInputs inputs) {
  const Shape* const first = shape_at(inputs, 0);
  return first == nullptr ? std::nullopt : MaybeShape(*first);
}

MaybeShape of_both(OperatorInputs inputs, std::size_t second) {
  const Shape* const a = shape_at(inputs, 0);
  const Shape* const b = shape_at(inputs, second);
  return a == nullptr || b == nullptr ? std::nullopt : MaybeShape(broadcast_extents(*a, *b));
}

// The products, of every opset.
std::optional<OperatorOutputs> of_products(const onnx::NodeProto& node, int opset,
                                           OperatorInputs inputs) {
  const std::string_view name = node.op_type();
  if (name == "Conv" || name == "ConvTranspose" || name == "FusedConv") {
    return only_output(convolution_extents(node, inputs, {}), node);
  }
  if (name == "ConvInteger") {
    return only_output(convolution_extents(node, inputs, {.bias = 9}), node);
  }
  if (name == "QLinearConv") {
    return only_output(convolution_extents(node, inputs, {.weights = 3, .bias = 8}), node);
  }
  if (name == "Gemm" || name == "FusedGemm") {
    return only_output(gemm_extents(node, opset, inputs), node);
  }
  if (name == "MatMul" || name == "MatMulInteger" || name == "FusedMatMul" ||
      name == "TransposeMatMul" || name == "MatMulIntegerToFloat" ||
      name == "DynamicQuantizeMatMul") {
    return only_output(matmul_extents(node, shape_at(inputs, 0), shape_at(inputs, 1)), node);
  }
  if (name == "QLinearMatMul") {
    return only_output(matmul_extents(node, shape_at(inputs, 0), shape_at(inputs, 3)), node);
  }
  if (name == "Einsum") {
    return only_output(einsum_extents(node, inputs), node);
  }
  if (name == "LSTM" || name == "GRU" || name == "RNN") {
    return recurrent_extents(node, inputs);
  }
  return std::nullopt;
}

std::optional<OperatorOutputs> of_newer(const onnx::NodeProto& node, OperatorInputs inputs) {
  const std::string_view name = node.op_type();
  if (is_one_of(kNewElementwise, name)) {
    return only_output(of_first(inputs), node);
  }
  if (is_one_of(kNewBinary, name)) {
    return only_output(of_both(inputs, 1), node);
  }
  if (shape_at(inputs, 0) == nullptr) {
    return std::nullopt;
  }
  if (is_one_of(kReductions, name)) {
    return only_output(reduced_extents(node, inputs), node);
  }
  if (name == "Pad") {
    return only_output(padded_extents(node, inputs), node);
  }
  if (name == "Split" && (inputs.size() < 2 || node.input(1).empty())) {
    return split_evenly(node, *inputs[0].shape);
  }
  if (name == "Attention" && shape_at(inputs, 2) != nullptr && inputs[0].shape->size() == 4) {
    Shape output = *inputs[0].shape;
    output.back() = inputs[2].shape->empty() ? output.back() : inputs[2].shape->back();
    return only_output(output, node);
  }
  return std::nullopt;
}

}  // namespace

bool is_known_elsewhere(const onnx::NodeProto& node) {
  return is_one_of(kElementwise, node.op_type()) || is_one_of(kBroadcasting, node.op_type());
}

std::optional<OperatorOutputs> operator_shapes(const onnx::NodeProto& node, int opset,
                                               OperatorInputs inputs) {
  if (std::optional<OperatorOutputs> outputs = of_products(node, opset, inputs)) {
    return outputs;
  }
  const std::string_view name = node.op_type();
  if (name == "MaxPool" || name == "AveragePool" || name == "LpPool") {
    const Shape* const image = shape_at(inputs, 0);
    const MaybeShape extents = image == nullptr ? std::nullopt : pooled_extents(node, *image);
    return OperatorOutputs(static_cast<std::size_t>(node.output_size()), extents);
  }
  const std::string domain = canonical_domain(node.domain());
  if (domain.empty() && opset > schema_version(domain, opset)) {
    if (std::optional<OperatorOutputs> outputs = of_newer(node, inputs)) {
      return outputs;
    }
  }
  const bool known_to_libonnx =
      domain.empty() && (name == "QuantizeLinear" || name == "DequantizeLinear");
  if (is_one_of(kElementwise, name) && !known_to_libonnx &&
      !(domain.empty() && name == "LayerNormalization" && opset >= 17)) {
    return only_output(of_first(inputs), node);
  }
  if (is_one_of(kBroadcasting, name)) {
    return only_output(of_both(inputs, 3), node);
  }
  return std::nullopt;
}

}  // namespace potomac::workloads
