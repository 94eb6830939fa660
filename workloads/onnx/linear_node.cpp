#include "workloads/onnx/linear_node.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "support/plain_text.hpp"
#include "workloads/onnx/einsum.hpp"
#include "workloads/onnx/model_file.hpp"
#include "workloads/onnx/window.hpp"

namespace potomac::workloads {
namespace {

enum class Product { kConv, kConvTranspose, kGemm, kMatMul, kEinsum, kRecurrent };
struct LinearOperator {
  std::string_view name;
  Product product;
  int second = 1;            // the second operand: of quantized operators scales stand between them
  bool contributed = false;  // of ONNX Runtime's domain
};
constexpr std::array<LinearOperator, 18> kLinearOperators = {{
    {"Conv", Product::kConv},
    {"ConvInteger", Product::kConv},
    {"QLinearConv", Product::kConv, 3},
    {"ConvTranspose", Product::kConvTranspose},
    {"Gemm", Product::kGemm},
    {"MatMul", Product::kMatMul},
    {"MatMulInteger", Product::kMatMul},
    {"QLinearMatMul", Product::kMatMul, 3},
    {"Einsum", Product::kEinsum},
    {"LSTM", Product::kRecurrent},
    {"GRU", Product::kRecurrent},
    {"RNN", Product::kRecurrent},
    {"FusedConv", Product::kConv, 1, true},
    {"FusedGemm", Product::kGemm, 1, true},
    {"FusedMatMul", Product::kMatMul, 1, true},
    {"TransposeMatMul", Product::kMatMul, 1, true},
    {"MatMulIntegerToFloat", Product::kMatMul, 1, true},
    {"DynamicQuantizeMatMul", Product::kMatMul, 1, true},
}};
// Each step is a layer of its own.
constexpr std::int64_t kMostSteps = 4096;

const LinearOperator* find_operator(const onnx::NodeProto& node) {
  const auto* const found =
      std::ranges::find(kLinearOperators, node.op_type(), &LinearOperator::name);
  if (found == kLinearOperators.end()) {
    return nullptr;
  }
  const std::string domain = canonical_domain(node.domain());
  return domain == (found->contributed ? "com.microsoft" : "") ? found : nullptr;
}

// No overflow: what is too large stays too large, and check() refuses it.
std::int64_t saturated_product(std::span<const std::int64_t> extents) {
  std::int64_t product = 1;
  for (const std::int64_t extent : extents) {
    product = extent != 0 && product > kMaxShapeElements / extent ? kMaxShapeElements + 1
                                                                  : product * extent;
  }
  return product;
}

LinearNodes refused(std::string reason) {
  return {{}, std::move(reason)};
}

LinearNodes only(LinearNode node) {
  LinearNodes nodes;
  nodes.layers.push_back(std::move(node));
  return nodes;
}

LinearNode linear_layer(std::int64_t rows, std::int64_t inputs, std::int64_t outputs) {
  LinearNode node;
  node.layer.kind = LayerKind::kLinear;
  node.layer.w = {outputs, inputs};
  node.layer.a = {rows, inputs};
  node.layer.g = {rows, outputs};
  return node;
}

LinearNode matmul_layer(std::int64_t batch, std::int64_t m, std::int64_t k, std::int64_t n) {
  LinearNode node;
  node.layer.kind = LayerKind::kMatmul;
  node.layer.w = {batch, k, n};
  node.layer.a = {batch, m, k};
  node.layer.g = {batch, m, n};
  return node;
}

// --- convolutions --------------------------------------------------------------------------------

Shape with_two_spatial_axes(Shape shape) {
  if (shape.size() == 3) {
    shape.insert(shape.begin() + 2, 1);
  }
  return shape;
}

// A number for each axis; one spatial axis is two, of height 1.
Shape of_two_axes(Shape numbers, std::int64_t height) {
  if (numbers.size() == 1) {
    numbers.insert(numbers.begin(), height);
  }
  return numbers;
}

LinearNodes convolution(const onnx::NodeProto& node, const LinearOperator& op, const Shape& image,
                        const Shape& kernel, const std::optional<Shape>& output) {
  const std::size_t rank = image.size();
  if (rank > 5) {
    return refused(fmt::format("its input has {} axes", rank));
  }
  const bool transposed = op.product == Product::kConvTranspose;
  Window window = window_of(node, rank - 2, {kernel.begin() + 2, kernel.end()});
  const Shape spatial(image.begin() + 2, image.end());
  transposed ? slide_transposed(window, spatial) : slide(window, spatial);
  GeometryLists lists{.stride = of_two_axes(window.strides, 1),
                      .padding = of_two_axes(window.before, 0),
                      .dilation = of_two_axes(window.dilations, 1)};
  const Shape behind = of_two_axes(window.behind, 0);
  lists.padding.insert(lists.padding.end(), behind.begin(), behind.end());
  LinearNode taken;
  taken.weights = op.second;
  LayerShape& layer = taken.layer;
  layer.w = with_two_spatial_axes(kernel);
  layer.a = with_two_spatial_axes(image);
  layer.g = with_two_spatial_axes(*output);
  layer.kind = transposed ? (rank == 5 ? LayerKind::kConvTranspose3d : LayerKind::kConvTranspose2d)
                          : (rank == 5 ? LayerKind::kConv3d : LayerKind::kConv2d);
  layer.conv = geometry_of(lists, integer_attribute(node, "group", 1));
  return only(std::move(taken));
}

// --- products of matrices ------------------------------------------------------------------------

LinearNodes gemm(const onnx::NodeProto& node, const NodeOperand& first, const NodeOperand& second) {
  const bool trans_a = integer_attribute(node, "transA", 0) != 0;
  const bool trans_b = integer_attribute(node, "transB", 0) != 0;
  // Of old, an input of more axes is taken as the matrix of its first axis and the rest.
  const Shape a{first.shape->front(), saturated_product(std::span(*first.shape).subspan(1))};
  const std::int64_t m = a[trans_a ? 1 : 0];
  const std::int64_t k = a[trans_a ? 0 : 1];
  const std::int64_t n = (*second.shape)[trans_b ? 0 : 1];
  if (!first.is_constant && !second.is_constant) {
    return only(matmul_layer(1, m, k, n));
  }
  LinearNode taken = second.is_constant ? linear_layer(m, k, n) : linear_layer(n, k, m);
  if (!second.is_constant) {
    std::swap(taken.activations, taken.weights);
  }
  taken.weights_transposed = second.is_constant ? !trans_b : trans_a;
  return only(std::move(taken));
}

// Leading axes as numpy broadcasts them.
std::int64_t broadcast_count(std::span<const std::int64_t> one,
                             std::span<const std::int64_t> other) {
  Shape result(std::max(one.size(), other.size()), 1);
  for (const auto& shape : {one, other}) {
    for (std::size_t i = 0; i < shape.size(); ++i) {
      std::int64_t& extent = result[result.size() - shape.size() + i];
      extent = extent == 1 ? shape[i] : extent;
    }
  }
  return saturated_product(result);
}

// The product is numpy's: vectors are a row and a column, leading axes are broadcast.
LinearNodes matmul(const onnx::NodeProto& node, int place, const NodeOperand& first,
                   const NodeOperand& second) {
  Shape left = *first.shape;
  Shape right = *second.shape;
  const bool trans_a = left.size() > 1 && integer_attribute(node, "transA", 0) != 0;
  const bool trans_b = right.size() > 1 && integer_attribute(node, "transB", 0) != 0;
  if (left.size() == 1) {
    left.insert(left.begin(), 1);
  } else if (trans_a) {
    std::swap(left[left.size() - 1], left[left.size() - 2]);
  }
  if (right.size() == 1) {
    right.push_back(1);
  } else if (trans_b) {
    std::swap(right[right.size() - 1], right[right.size() - 2]);
  }
  const auto left_batch = std::span(left).first(left.size() - 2);
  const auto right_batch = std::span(right).first(right.size() - 2);
  const std::int64_t m = left[left.size() - 2];
  const std::int64_t k = left.back();
  const std::int64_t n = right.back();
  const auto rows = [](std::int64_t count, std::int64_t extent) {
    return saturated_product(std::array{count, extent});
  };
  LinearNode taken;
  if (second.is_constant && saturated_product(right_batch) == 1) {
    taken = linear_layer(rows(saturated_product(left_batch), m), k, n);
    taken.weights_transposed = !trans_b;
    taken.weights = place;
  } else if (first.is_constant && saturated_product(left_batch) == 1) {
    taken = linear_layer(rows(saturated_product(right_batch), n), k, m);
    taken.weights_transposed = trans_a;
    taken.activations = place;
    taken.weights = 0;
  } else {
    const std::int64_t batch = broadcast_count(left_batch, right_batch);
    taken = saturated_product(right_batch) == 1 ? matmul_layer(1, rows(batch, m), k, n)
                                                : matmul_layer(batch, m, k, n);
    taken.weights = place;
    taken.weights_readable = false;
  }
  return only(std::move(taken));
}

// --- Einsum --------------------------------------------------------------------------------------

LinearNodes einsum(const onnx::NodeProto& node, const std::vector<NodeOperand>& inputs) {
  std::vector<Shape> shapes;
  std::vector<std::size_t> ranks;
  for (const NodeOperand& input : inputs) {
    shapes.push_back(*input.shape);
    ranks.push_back(input.shape->size());
  }
  const Equation equation = parse_einsum(text_attribute(node, "equation", ""), ranks);
  LinearNodes nodes;
  for (const EinsumProduct& product : einsum_products(equation, shapes)) {
    const bool projects = product.batch == 1 && inputs[product.right].is_constant;
    LinearNode taken = projects ? linear_layer(product.m, product.k, product.n)
                                : matmul_layer(product.batch, product.m, product.k, product.n);
    taken.activations = static_cast<int>(product.right) - 1;
    taken.weights = static_cast<int>(product.right);
    taken.weights_readable = projects && (product.right_is_kn || product.right_is_nk);
    taken.weights_transposed = !product.right_is_nk;
    taken.suffix = nodes.layers.empty() ? "" : fmt::format("{}", nodes.layers.size() + 1);
    nodes.layers.push_back(std::move(taken));
  }
  return nodes;
}

// --- LSTM, GRU, RNN ------------------------------------------------------------------------------

// X, W and R are inputs 0, 1 and 2; the state that a sequence begins with is input 5.
LinearNodes recurrent(const onnx::NodeProto& node, const std::vector<NodeOperand>& inputs) {
  const Shape& x = *inputs[0].shape;
  const Shape& w = *inputs[1].shape;
  const bool batch_first = integer_attribute(node, "layout", 0) != 0;
  const std::int64_t steps = x[batch_first ? 1 : 0];
  const std::int64_t batch = x[batch_first ? 0 : 1];
  const std::int64_t gates = w[1];
  const std::int64_t hidden = (*inputs[2].shape)[2];
  if (steps > kMostSteps) {
    return refused(fmt::format("it has {} steps, of which each is a layer; up to {} are taken",
                               steps, kMostSteps));
  }
  const bool two_ways = text_attribute(node, "direction", "forward") == "bidirectional";
  LinearNodes nodes;
  for (std::int64_t direction = 0; direction < (two_ways ? 2 : 1); ++direction) {
    const char* const reverse = direction == 1 ? "_reverse" : "";
    LinearNode taken = linear_layer(saturated_product(std::array{steps, batch}), x[2], gates);
    taken.suffix = fmt::format("weight_ih{}", reverse);
    taken.weights_readable = !two_ways;
    nodes.layers.push_back(taken);
    for (std::int64_t step = 0; step < steps; ++step) {
      LinearNode of_step = linear_layer(batch, hidden, gates);
      of_step.activations = 5;
      of_step.weights = 2;
      of_step.weights_readable = !two_ways;
      of_step.follows_itself = step > 0;
      of_step.suffix = fmt::format("weight_hh{}{}", reverse,
                                   step == 0 ? std::string() : fmt::format("#{}", step + 1));
      nodes.layers.push_back(std::move(of_step));
    }
  }
  return nodes;
}

}  // namespace

bool is_product(const onnx::NodeProto& node) {
  return find_operator(node) != nullptr;
}

std::vector<int> parameters_of(const onnx::NodeProto& node) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kParameters = {{
      {"BatchNormalization", "12"},
      {"EmbedLayerNormalization", "2345678"},
      {"FusedBatchNormalization", "12"},
      {"Gather", "0"},
      {"GroupNorm", "12"},
      {"GroupNormalization", "12"},
      {"InstanceNormalization", "12"},
      {"LayerNormalization", "12"},
      {"PRelu", "1"},
      {"RMSNormalization", "1"},
      {"SimplifiedLayerNormalization", "1"},
      {"SkipLayerNormalization", "234"},
      {"SkipSimplifiedLayerNormalization", "23"},
      {"Attention", "12"},
  }};
  std::vector<int> places;
  if (const LinearOperator* const op = find_operator(node)) {
    // Whichever operands are constant are learned, and biases.
    switch (op->product) {
      case Product::kConv:
      case Product::kConvTranspose:
        return {op->second, op->second == 1 ? 2 : 8};
      case Product::kRecurrent:
        return {1, 2, 3};
      case Product::kGemm:
        return {0, 1, 2};
      case Product::kMatMul:
        return {0, op->second};
      case Product::kEinsum:
        for (int i = 0; i < node.input_size(); ++i) {
          places.push_back(i);
        }
        return places;
    }
  }
  const auto* const found =
      std::ranges::find(kParameters, node.op_type(), [](const auto& entry) { return entry.first; });
  if (found != kParameters.end()) {
    for (const char digit : found->second) {
      places.push_back(digit - '0');
    }
  }
  return places;
}

LinearNodes linear_nodes(const onnx::NodeProto& node, const std::vector<NodeOperand>& inputs,
                         const std::optional<Shape>& output) {
  const LinearOperator& op = *find_operator(node);
  const std::size_t wanted = op.product == Product::kEinsum ? inputs.size()
                             : op.product == Product::kRecurrent
                                 ? 3
                                 : static_cast<std::size_t>(op.second) + 1;
  const auto is_needed = [&](std::size_t i) {
    return op.product == Product::kEinsum || i == 0 || i == static_cast<std::size_t>(op.second) ||
           (op.product == Product::kRecurrent && i == 2);
  };
  for (std::size_t i = 0; i < wanted; ++i) {
    if (is_needed(i) && (i >= inputs.size() || !inputs[i].shape)) {
      return refused("the extents of its operands are not known");
    }
  }
  switch (op.product) {
    case Product::kConv:
    case Product::kConvTranspose:
      return output ? convolution(node, op, *inputs[0].shape,
                                  *inputs[static_cast<std::size_t>(op.second)].shape, output)
                    : refused("the extents of its output are not known");
    case Product::kGemm:
      return gemm(node, inputs[0], inputs[1]);
    case Product::kMatMul:
      return matmul(node, op.second, inputs[0], inputs[static_cast<std::size_t>(op.second)]);
    case Product::kEinsum:
      return einsum(node, inputs);
    case Product::kRecurrent:
      return recurrent(node, inputs);
  }
  return {};
}

}  // namespace potomac::workloads
