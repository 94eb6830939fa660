#include "workloads/onnx/linear_node.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "support/plain_text.hpp"
#include "workloads/onnx/model_file.hpp"

namespace potomac::workloads {
namespace {

enum class Product { kConv, kConvTranspose, kGemm, kMatMul, kEinsum };
struct LinearOperator {
  std::string_view name;
  Product product;
  LinearOperands operands = {};
};
constexpr LinearOperands kBehindScales{0, 3};
constexpr std::array<LinearOperator, 9> kLinearOperators = {{
    {"Conv", Product::kConv},
    {"ConvInteger", Product::kConv},
    {"QLinearConv", Product::kConv, kBehindScales},
    {"ConvTranspose", Product::kConvTranspose},
    {"Gemm", Product::kGemm},
    {"MatMul", Product::kMatMul},
    {"MatMulInteger", Product::kMatMul},
    {"QLinearMatMul", Product::kMatMul, kBehindScales},
    {"Einsum", Product::kEinsum},
}};

const LinearOperator* find_operator(const onnx::NodeProto& node) {
  const auto* const found =
      std::ranges::find(kLinearOperators, node.op_type(), &LinearOperator::name);
  return found == kLinearOperators.end() || !canonical_domain(node.domain()).empty() ? nullptr
                                                                                     : found;
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

LinearNode refused(std::string reason) {
  LinearNode node;
  node.refusal = std::move(reason);
  return node;
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

// A convolution's attributes, a number for each axis; one spatial axis is two, of height 1.
class ConvAttributes {
 public:
  ConvAttributes(const onnx::NodeProto& node, std::size_t axes) : node_(node), axes_(axes) {}

  Shape list(std::string_view name, std::int64_t otherwise) const {
    const std::vector<std::int64_t> values = integers_attribute(node_, name, {});
    return values.size() < axes_
               ? Shape(std::max<std::size_t>(axes_, 2), otherwise)
               : widened({values.begin(), values.begin() + signed_axes()}, otherwise);
  }

  // The pads before, then those behind.
  Shape pads() const {
    const std::vector<std::int64_t> values = integers_attribute(node_, "pads", {});
    if (values.size() < 2 * axes_) {
      return Shape(2 * std::max<std::size_t>(axes_, 2), 0);
    }
    Shape pads = widened({values.begin(), values.begin() + signed_axes()}, 0);
    const Shape behind =
        widened({values.begin() + signed_axes(), values.begin() + 2 * signed_axes()}, 0);
    pads.insert(pads.end(), behind.begin(), behind.end());
    return pads;
  }

 private:
  std::ptrdiff_t signed_axes() const { return static_cast<std::ptrdiff_t>(axes_); }

  static Shape widened(Shape values, std::int64_t height) {
    if (values.size() == 1) {
      values.insert(values.begin(), height);
    }
    return values;
  }

  const onnx::NodeProto& node_;
  std::size_t axes_;
};

Shape with_two_spatial_axes(Shape shape) {
  if (shape.size() == 3) {
    shape.insert(shape.begin() + 2, 1);
  }
  return shape;
}

// The padding with which a kernel that slides over `image` has as many places as `places`
// elements, halved: the odd one behind ("upper") or before.
void pad_to_fit(GeometryLists& lists, const LayerShape& layer, const Shape& image,
                const Shape& places, const Shape& more, bool upper) {
  for (std::size_t axis = 0; axis < lists.axes(); ++axis) {
    std::int64_t span = 0;
    std::int64_t reach = 0;
    const bool overflow =
        __builtin_mul_overflow(places[2 + axis] - 1, lists.stride[axis], &span) ||
        __builtin_mul_overflow(layer.w[2 + axis] - 1, lists.dilation[axis], &reach) ||
        __builtin_add_overflow(span, reach, &span) ||
        __builtin_add_overflow(span, more[axis], &span) || __builtin_add_overflow(span, 1, &span) ||
        __builtin_sub_overflow(span, image[2 + axis], &span);
    // What overflows fails check() with this padding or another.
    const std::int64_t total = overflow ? 0 : std::max<std::int64_t>(0, span);
    lists.padding[axis] = upper ? total / 2 : total - total / 2;
    lists.padding[lists.axes() + axis] = total - lists.padding[axis];
  }
}

LinearNode convolution(const onnx::NodeProto& node, Product product, const Shape& image,
                       const Shape& kernel, const std::optional<Shape>& output) {
  const std::size_t rank = image.size();
  if (rank < 3 || rank > 5) {
    return refused(fmt::format("its input has {} axes", rank));
  }
  if (kernel.size() != rank || !output || output->size() != rank) {
    return refused("the extents of its output are not known");
  }
  const ConvAttributes attributes(node, rank - 2);
  GeometryLists lists{.stride = attributes.list("strides", 1),
                      .padding = attributes.pads(),
                      .dilation = attributes.list("dilations", 1)};
  LinearNode taken;
  LayerShape& layer = taken.layer;
  layer.w = with_two_spatial_axes(kernel);
  layer.a = with_two_spatial_axes(image);
  layer.g = with_two_spatial_axes(*output);
  const std::string auto_pad = text_attribute(node, "auto_pad", "NOTSET");
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  const bool upper = auto_pad == "SAME_UPPER";
  if (auto_pad == "VALID") {
    lists.padding.assign(lists.padding.size(), 0);
  }
  if (product == Product::kConv) {
    layer.kind = rank == 5 ? LayerKind::kConv3d : LayerKind::kConv2d;
    if (same) {
      pad_to_fit(lists, layer, layer.a, layer.g, Shape(lists.axes(), 0), upper);
    }
  } else {
    layer.kind = rank == 5 ? LayerKind::kConvTranspose3d : LayerKind::kConvTranspose2d;
    if (same || find_attribute(node, "output_shape") != nullptr) {
      pad_to_fit(lists, layer, layer.g, layer.a, attributes.list("output_padding", 0), upper);
    }
  }
  layer.conv = geometry_of(lists, integer_attribute(node, "group", 1));
  return taken;
}

// --- products of matrices ------------------------------------------------------------------------

LinearNode gemm(const onnx::NodeProto& node, const NodeOperand& first, const NodeOperand& second) {
  if (first.shape.size() != 2 || second.shape.size() != 2) {
    return refused("its operands are not matrices");
  }
  const bool trans_a = integer_attribute(node, "transA", 0) != 0;
  const bool trans_b = integer_attribute(node, "transB", 0) != 0;
  const std::int64_t m = first.shape[trans_a ? 1 : 0];
  const std::int64_t k = first.shape[trans_a ? 0 : 1];
  const std::int64_t n = second.shape[trans_b ? 0 : 1];
  if (!first.is_constant && !second.is_constant) {
    return matmul_layer(1, m, k, n);
  }
  LinearNode taken = second.is_constant ? linear_layer(m, k, n) : linear_layer(n, k, m);
  taken.exchanged = !second.is_constant;
  taken.weights_transposed = second.is_constant ? !trans_b : trans_a;
  return taken;
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
LinearNode matmul(const NodeOperand& first, const NodeOperand& second) {
  Shape left = first.shape;
  Shape right = second.shape;
  if (left.empty() || right.empty()) {
    return refused("an operand is a number");
  }
  if (left.size() == 1) {
    left.insert(left.begin(), 1);
  }
  if (right.size() == 1) {
    right.push_back(1);
  }
  const auto left_batch = std::span(left).first(left.size() - 2);
  const auto right_batch = std::span(right).first(right.size() - 2);
  const std::int64_t m = left[left.size() - 2];
  const std::int64_t k = left.back();
  const std::int64_t n = right.back();
  const auto rows = [](std::int64_t count, std::int64_t extent) {
    return saturated_product(std::array{count, extent});
  };
  if (second.is_constant && saturated_product(right_batch) == 1) {
    LinearNode taken = linear_layer(rows(saturated_product(left_batch), m), k, n);
    taken.weights_transposed = true;
    return taken;
  }
  if (first.is_constant && saturated_product(left_batch) == 1) {
    LinearNode taken = linear_layer(rows(saturated_product(right_batch), n), k, m);
    taken.exchanged = true;
    return taken;
  }
  const std::int64_t batch = broadcast_count(left_batch, right_batch);
  return saturated_product(right_batch) == 1 ? matmul_layer(1, rows(batch, m), k, n)
                                             : matmul_layer(batch, m, k, n);
}

// --- Einsum --------------------------------------------------------------------------------------

// "bhid,bhjd->bhij", without blanks.
struct Equation {
  std::string first, second, result;
};

std::optional<Equation> parse_equation(std::string text) {
  std::erase(text, ' ');
  const std::size_t comma = text.find(',');
  const std::size_t arrow = text.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || comma > arrow ||
      text.find('.') != std::string::npos || text.find(',', comma + 1) != std::string::npos) {
    return std::nullopt;
  }
  return Equation{text.substr(0, comma), text.substr(comma + 1, arrow - comma - 1),
                  text.substr(arrow + 2)};
}

bool has(const std::string& letters, char letter) {
  return letters.find(letter) != std::string::npos;
}

// Every letter once, and none that is summed over in one operand alone.
bool is_product(const std::string& letters, const std::string& other, const std::string& result) {
  return std::ranges::all_of(letters, [&](char letter) {
    return std::ranges::count(letters, letter) == 1 && (has(other, letter) || has(result, letter));
  });
}

// Letters of both operands and the result are batches, of both operands alone the reduced axis, of
// one operand and the result its rows or columns.
LinearNode einsum(const onnx::NodeProto& node, const Shape& first, const Shape& second) {
  const std::string text = text_attribute(node, "equation", "");
  const auto equation = parse_equation(text);
  if (!equation || node.input_size() != 2 || equation->first.size() != first.size() ||
      equation->second.size() != second.size() ||
      !is_product(equation->first, equation->second, equation->result) ||
      !is_product(equation->second, equation->first, equation->result)) {
    return refused(fmt::format("'{}' is not taken apart", printable(text)));
  }
  Shape batch;
  Shape m;
  Shape n;
  Shape k;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const char letter = equation->first[i];
    Shape& part = !has(equation->second, letter) ? m : has(equation->result, letter) ? batch : k;
    part.push_back(first[i]);
  }
  for (std::size_t i = 0; i < second.size(); ++i) {
    if (!has(equation->first, equation->second[i])) {
      n.push_back(second[i]);
    }
  }
  return k.empty() ? refused("not a matrix product")
                   : matmul_layer(saturated_product(batch), saturated_product(m),
                                  saturated_product(k), saturated_product(n));
}

}  // namespace

std::optional<LinearOperands> linear_operands(const onnx::NodeProto& node) {
  const LinearOperator* const found = find_operator(node);
  return found == nullptr ? std::nullopt : std::optional(found->operands);
}

LinearNode linear_node(const onnx::NodeProto& node, const NodeOperand& first,
                       const NodeOperand& second, const std::optional<Shape>& output) {
  const Product product = find_operator(node)->product;
  switch (product) {
    case Product::kConv:
    case Product::kConvTranspose:
      return convolution(node, product, first.shape, second.shape, output);
    case Product::kGemm:
      return gemm(node, first, second);
    case Product::kMatMul:
      return matmul(first, second);
    case Product::kEinsum:
      return einsum(node, first.shape, second.shape);
  }
  return {};
}

}  // namespace potomac::workloads
