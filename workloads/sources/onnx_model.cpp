#include "workloads/sources/onnx_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "support/error.hpp"
#include "support/plain_text.hpp"
#include "workloads/onnx/graph_shapes.hpp"
#include "workloads/onnx/model_file.hpp"
#include "workloads/quantizer/als_potq.hpp"

namespace potomac::workloads {
namespace {

using Weights = OnnxModel::Weights;

constexpr std::size_t kLongestLayerName = 200;

// What an operator is to an array, and which of its inputs are multiplied.
enum class Product { kConv, kConvTranspose, kGemm, kMatMul, kEinsum };
struct LinearOperator {
  std::string_view name;
  Product product;
  int first = 0;
  int second = 1;
};
constexpr std::array<LinearOperator, 9> kLinearOperators = {{
    {"Conv", Product::kConv},
    {"ConvInteger", Product::kConv},
    {"QLinearConv", Product::kConv, 0, 3},
    {"ConvTranspose", Product::kConvTranspose},
    {"Gemm", Product::kGemm},
    {"MatMul", Product::kMatMul},
    {"MatMulInteger", Product::kMatMul},
    {"QLinearMatMul", Product::kMatMul, 0, 3},
    {"Einsum", Product::kEinsum},
}};

// Holds matrix products that are not taken apart.
struct OpaqueOperator {
  std::string_view name;
  const char* reason;
};
constexpr const char* kRecurrent = "recurrent: its matrix products are not taken apart";
constexpr const char* kControlFlow = "control flow: its body is not looked into";
constexpr std::array<OpaqueOperator, 6> kOpaqueOperators = {{
    {"LSTM", kRecurrent},
    {"GRU", kRecurrent},
    {"RNN", kRecurrent},
    {"If", kControlFlow},
    {"Loop", kControlFlow},
    {"Scan", kControlFlow},
}};

// Copies or describes data, and computes nothing of it.
constexpr std::array<std::string_view, 28> kDataMovers = {"Cast",
                                                          "Concat",
                                                          "Constant",
                                                          "ConstantOfShape",
                                                          "DepthToSpace",
                                                          "Dropout",
                                                          "Expand",
                                                          "Flatten",
                                                          "Gather",
                                                          "GatherElements",
                                                          "GatherND",
                                                          "Identity",
                                                          "Optional",
                                                          "Pad",
                                                          "Range",
                                                          "Reshape",
                                                          "Shape",
                                                          "Size",
                                                          "Slice",
                                                          "SpaceToDepth",
                                                          "Split",
                                                          "Squeeze",
                                                          "SequenceAt",
                                                          "SequenceConstruct",
                                                          "SplitToSequence",
                                                          "Tile",
                                                          "Transpose",
                                                          "Unsqueeze"};

template <typename Table>
auto find_operator(const Table& table, const onnx::NodeProto& node) {
  const bool own = canonical_domain(node.domain()).empty();
  const auto* const found = std::ranges::find_if(
      table, [&](const auto& entry) { return own && entry.name == node.op_type(); });
  return found == table.end() ? nullptr : found;
}

// No overflow: what is too large stays too large, and check() refuses it.
std::int64_t saturated_product(std::span<const std::int64_t> extents) {
  std::int64_t product = 1;
  for (const std::int64_t extent : extents) {
    if (extent != 0 && product > kMaxShapeElements / extent) {
      product = kMaxShapeElements + 1;
    } else {
      product *= extent;
    }
  }
  return product;
}

// A sum or product of extents that lie below 2^40, or too large to be one.
std::int64_t bounded(std::int64_t extent) {
  return std::min(extent, kMaxShapeElements + 1);
}

// A matrix for each of some leading axes.
struct Matrices {
  Shape batch;
  std::int64_t rows;
  std::int64_t cols;

  std::int64_t count() const { return saturated_product(batch); }
};

Matrices matrices_of(const Shape& shape) {
  return {{shape.begin(), shape.end() - 2}, shape[shape.size() - 2], shape.back()};
}

Shape broadcast_batch(const Shape& one, const Shape& other) {
  Shape result(std::max(one.size(), other.size()), 1);
  for (const Shape* const shape : {&one, &other}) {
    for (std::size_t i = 0; i < shape->size(); ++i) {
      std::int64_t& extent = result[result.size() - shape->size() + i];
      extent = std::max(extent, (*shape)[i]);
    }
  }
  return result;
}

// What one node is taken as: a shape, or why there is none.
struct Taken {
  LayerShape shape;
  std::optional<Weights> weights = {};
  std::string activations = {};  // the tensor that backward-data is the gradient of
  std::string refusal = {};
};

Taken refused(std::string reason) {
  Taken taken;
  taken.refusal = std::move(reason);
  return taken;
}

Taken linear_layer(std::int64_t rows, std::int64_t inputs, std::int64_t outputs) {
  Taken taken;
  taken.shape.kind = LayerKind::kLinear;
  taken.shape.w = {outputs, inputs};
  taken.shape.a = {rows, inputs};
  taken.shape.g = {rows, outputs};
  return taken;
}

Taken matmul_layer(std::int64_t batch, std::int64_t m, std::int64_t k, std::int64_t n) {
  Taken taken;
  taken.shape.kind = LayerKind::kMatmul;
  taken.shape.w = {batch, k, n};
  taken.shape.a = {batch, m, k};
  taken.shape.g = {batch, m, n};
  return taken;
}

// A convolution's attributes, of its one or two spatial axes as of two.
class ConvAttributes {
 public:
  ConvAttributes(const onnx::NodeProto& node, std::size_t axes) : node_(node), axes_(axes) {}

  Pair pair(std::string_view name, std::int64_t otherwise) const {
    const std::vector<std::int64_t> values =
        integers_attribute(node_, name, std::vector<std::int64_t>(axes_, otherwise));
    return values.size() < axes_ ? Pair{otherwise, otherwise}
           : axes_ == 1          ? Pair{otherwise, values[0]}
                                 : Pair{values[0], values[1]};
  }

  Padding pads() const {
    const std::vector<std::int64_t> values =
        integers_attribute(node_, "pads", std::vector<std::int64_t>(2 * axes_, 0));
    if (values.size() < 2 * axes_) {
      return {};
    }
    return axes_ == 1 ? Padding{{0, values[0]}, {0, values[1]}}
                      : Padding{{values[0], values[1]}, {values[2], values[3]}};
  }

  std::string auto_pad() const { return text_attribute(node_, "auto_pad", "NOTSET"); }
  bool has(std::string_view name) const { return find_attribute(node_, name) != nullptr; }

 private:
  const onnx::NodeProto& node_;
  std::size_t axes_;
};

// Half of the padding on each side, the odd one behind ("upper") or before.
void split_padding(Padding& padding, std::size_t axis, std::int64_t total, bool upper) {
  const std::int64_t small = total / 2;
  padding.before[axis] = upper ? small : total - small;
  padding.after[axis] = upper ? total - small : small;
}

Shape with_two_spatial_axes(Shape shape) {
  if (shape.size() == 3) {
    shape.insert(shape.begin() + 2, 1);
  }
  return shape;
}

// Walks a graph's nodes: from each a layer, or an entry of what is not included.
class LayerReader {
 public:
  LayerReader(const onnx::GraphProto& graph, const GraphShapes& shapes)
      : graph_(graph), shapes_(shapes) {
    for (const onnx::TensorProto& tensor : graph.initializer()) {
      constants_[tensor.name()] = Weights{.initializer = tensor.name()};
      if (is_floating(tensor)) {
        learned_.insert(tensor.name());
      }
    }
  }

  void run() {
    for (const onnx::NodeProto& node : graph_.node()) {
      read(node);
      follow(node);
    }
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      layers_[i].name = numbered_name(i, layers_.size(), layers_[i].name);
    }
  }

  std::vector<LayerShape> take_layers() { return std::move(layers_); }
  std::vector<std::optional<Weights>> take_weights() { return std::move(weights_); }

  // Operators of one kind are one entry.
  std::vector<NotIncluded> not_included() const {
    std::vector<NotIncluded> list = refused_;
    for (const auto& [kind, nodes] : others_) {
      list.push_back(
          {.name = fmt::format("{} {}", nodes.count, nodes.count == 1 ? "node" : "nodes"),
           .kind = printable(kind),
           .reason = nodes.reason});
    }
    return list;
  }

 private:
  struct Nodes {
    std::int64_t count = 0;
    const char* reason = "";
  };

  void read(const onnx::NodeProto& node) {
    if (const LinearOperator* const linear = find_operator(kLinearOperators, node)) {
      add(node, *linear);
    } else if (const OpaqueOperator* const opaque = find_operator(kOpaqueOperators, node)) {
      refuse(node, opaque->reason);
    } else if (!canonical_domain(node.domain()).empty()) {
      count(fmt::format("{}.{}", node.domain(), node.op_type()),
            "an operator or function that is not ONNX's own: not known");
    } else if (std::ranges::find(kDataMovers, node.op_type()) == kDataMovers.end() &&
               (node.output().empty() || !shapes_.is_known(node.output(0)))) {
      count(node.op_type(), "not a matrix product");
    }
  }

  void count(const std::string& kind, const char* reason) {
    Nodes& nodes = others_[kind];
    nodes.count += 1;
    nodes.reason = reason;
  }

  void refuse(const onnx::NodeProto& node, const std::string& reason) {
    refused_.push_back({.name = printable(workloads::name_of(node), kLongestLayerName),
                        .kind = node.op_type(),
                        .reason = reason});
  }

  void add(const onnx::NodeProto& node, const LinearOperator& linear) {
    if (linear.second >= node.input_size() || node.output_size() == 0) {
      return refuse(node, "it lacks inputs");
    }
    const std::string& first = node.input(linear.first);
    const std::string& second = node.input(linear.second);
    const auto first_shape = shapes_.find(first);
    const auto second_shape = shapes_.find(second);
    if (!first_shape || !second_shape) {
      return refuse(node, fmt::format("the extents of its operands are not known: {} and {}",
                                      shapes_.text_of(first), shapes_.text_of(second)));
    }
    Taken taken = take(node, linear.product, {first, *first_shape}, {second, *second_shape});
    if (!taken.refusal.empty()) {
      return refuse(node, taken.refusal);
    }
    taken.shape.name = layer_name(node, second, first);
    taken.shape.input_grad = learned_.contains(taken.activations);
    layers_.push_back(std::move(taken.shape));
    weights_.push_back(std::move(taken.weights));
  }

  struct Operand {
    const std::string& name;
    const Shape& shape;
  };

  Taken take(const onnx::NodeProto& node, Product product, const Operand& first,
             const Operand& second) const {
    switch (product) {
      case Product::kConv:
        return convolution(node, first, second);
      case Product::kConvTranspose:
        return transposed_convolution(node, first, second);
      case Product::kGemm:
        return gemm(node, first, second);
      case Product::kMatMul:
        return matmul(first, second);
      case Product::kEinsum:
        return einsum(node, first, second);
    }
    return {};
  }

  // --- convolutions ------------------------------------------------------------------------------

  // Both kinds, but for their padding.
  Taken any_convolution(const onnx::NodeProto& node, LayerKind kind, const Operand& image,
                        const Operand& kernel) const {
    const std::size_t rank = image.shape.size();
    const auto output = shapes_.find(node.output(0));
    if (rank != 3 && rank != 4) {
      return refused(rank == 5 ? std::string("of three spatial axes, which are not simulated")
                               : fmt::format("its input has {} axes", rank));
    }
    if (kernel.shape.size() != rank || !output || output->size() != rank) {
      return refused(fmt::format("the extents of its output are not known: {}",
                                 shapes_.text_of(node.output(0))));
    }
    const ConvAttributes attributes(node, rank - 2);
    Taken taken;
    taken.shape.kind = kind;
    taken.shape.conv = {.stride = attributes.pair("strides", 1),
                        .padding = attributes.pads(),
                        .dilation = attributes.pair("dilations", 1),
                        .groups = integer_attribute(node, "group", 1)};
    taken.shape.w = with_two_spatial_axes(kernel.shape);
    taken.shape.a = with_two_spatial_axes(image.shape);
    taken.shape.g = with_two_spatial_axes(*output);
    taken.activations = image.name;
    taken.weights = weights_of(kernel.name, false);
    return taken;
  }

  Taken convolution(const onnx::NodeProto& node, const Operand& image,
                    const Operand& kernel) const {
    Taken taken = any_convolution(node, LayerKind::kConv2d, image, kernel);
    const std::string auto_pad = text_attribute(node, "auto_pad", "NOTSET");
    if (auto_pad == "VALID") {
      taken.shape.conv.padding = {};
    } else if (auto_pad != "NOTSET" && taken.refusal.empty()) {
      for (std::size_t axis = 0; axis < 2; ++axis) {
        const std::int64_t total = missing(taken.shape, axis, taken.shape.a, taken.shape.g, 0);
        split_padding(taken.shape.conv.padding, axis, total, auto_pad == "SAME_UPPER");
      }
    }
    return taken;
  }

  Taken transposed_convolution(const onnx::NodeProto& node, const Operand& image,
                               const Operand& kernel) const {
    Taken taken = any_convolution(node, LayerKind::kConvTranspose2d, image, kernel);
    const ConvAttributes attributes(node, image.shape.size() - 2);
    const std::string auto_pad = attributes.auto_pad();
    if (auto_pad == "VALID") {
      taken.shape.conv.padding = {};
    } else if ((auto_pad != "NOTSET" || attributes.has("output_shape")) && taken.refusal.empty()) {
      // The output's extents are given, and the padding follows.
      const Pair more = attributes.pair("output_padding", 0);
      for (std::size_t axis = 0; axis < 2; ++axis) {
        const std::int64_t total =
            missing(taken.shape, axis, taken.shape.g, taken.shape.a, more[axis]);
        split_padding(taken.shape.conv.padding, axis, total, auto_pad == "SAME_UPPER");
      }
    }
    return taken;
  }

  // The padding with which the kernel has as many places on `image` as `places` has elements.
  static std::int64_t missing(const LayerShape& layer, std::size_t axis, const Shape& image,
                              const Shape& places, std::int64_t more) {
    const std::int64_t reach = bounded(layer.conv.dilation[axis] * (layer.w[2 + axis] - 1) + 1);
    return std::max<std::int64_t>(
        0, (places[2 + axis] - 1) * layer.conv.stride[axis] + reach + more - image[2 + axis]);
  }

  // --- products of matrices ----------------------------------------------------------------------

  Taken gemm(const onnx::NodeProto& node, const Operand& first, const Operand& second) const {
    if (first.shape.size() != 2 || second.shape.size() != 2) {
      return refused("its operands are not matrices");
    }
    const bool trans_a = integer_attribute(node, "transA", 0) != 0;
    const bool trans_b = integer_attribute(node, "transB", 0) != 0;
    const std::int64_t m = first.shape[trans_a ? 1 : 0];
    const std::int64_t k = first.shape[trans_a ? 0 : 1];
    const std::int64_t n = second.shape[trans_b ? 0 : 1];
    if (constants_.contains(second.name)) {
      return with_operands(linear_layer(m, k, n), first.name, weights_of(second.name, !trans_b));
    }
    if (constants_.contains(first.name)) {
      return with_operands(linear_layer(n, k, m), second.name, weights_of(first.name, trans_a));
    }
    return with_operands(matmul_layer(1, m, k, n), first.name, std::nullopt);
  }

  // As numpy's: vectors are a row and a column, leading axes are broadcast.
  Taken matmul(const Operand& first, const Operand& second) const {
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
    const Matrices a = matrices_of(left);
    const Matrices b = matrices_of(right);
    const auto rows = [](std::int64_t count, std::int64_t extent) {
      return saturated_product(std::array{count, extent});
    };
    if (constants_.contains(second.name) && b.count() == 1) {
      return with_operands(linear_layer(rows(a.count(), a.rows), a.cols, b.cols), first.name,
                           weights_of(second.name, true));
    }
    if (constants_.contains(first.name) && a.count() == 1) {
      return with_operands(linear_layer(rows(b.count(), b.cols), a.cols, a.rows), second.name,
                           weights_of(first.name, false));
    }
    const std::int64_t batch = saturated_product(broadcast_batch(a.batch, b.batch));
    return with_operands(b.count() == 1 ? matmul_layer(1, rows(batch, a.rows), a.cols, b.cols)
                                        : matmul_layer(batch, a.rows, a.cols, b.cols),
                         first.name, std::nullopt);
  }

  // "bhid,bhjd->bhij": letters of both operands and the result are batches, of both operands alone
  // the reduced axis, of one and the result its rows or columns.
  Taken einsum(const onnx::NodeProto& node, const Operand& first, const Operand& second) const {
    const std::string equation = text_attribute(node, "equation", "");
    std::string letters;
    std::ranges::copy_if(equation, std::back_inserter(letters), [](char c) { return c != ' '; });
    const std::size_t comma = letters.find(',');
    const std::size_t arrow = letters.find("->");
    if (node.input_size() != 2 || comma == std::string::npos || arrow == std::string::npos ||
        letters.find('.') != std::string::npos) {
      return refused(fmt::format("'{}' is not taken apart", printable(equation)));
    }
    const std::string left = letters.substr(0, comma);
    const std::string right = letters.substr(comma + 1, arrow - comma - 1);
    const std::string result = letters.substr(arrow + 2);
    if (left.size() != first.shape.size() || right.size() != second.shape.size()) {
      return refused(fmt::format("'{}' does not fit its operands", printable(equation)));
    }
    std::array<std::vector<std::int64_t>, 4> extents;  // batch, m, n, k
    for (std::size_t i = 0; i < left.size(); ++i) {
      const bool in_right = right.find(left[i]) != std::string::npos;
      const bool in_result = result.find(left[i]) != std::string::npos;
      if (left.find(left[i]) != i || (!in_right && !in_result)) {
        return refused(fmt::format("'{}' is not taken apart", printable(equation)));
      }
      extents[in_right ? (in_result ? 0 : 3) : 1].push_back(first.shape[i]);
    }
    for (std::size_t i = 0; i < right.size(); ++i) {
      const bool in_left = left.find(right[i]) != std::string::npos;
      if (right.find(right[i]) != i || (!in_left && result.find(right[i]) == std::string::npos)) {
        return refused(fmt::format("'{}' is not taken apart", printable(equation)));
      }
      if (!in_left) {
        extents[2].push_back(second.shape[i]);
      }
    }
    if (extents[3].empty()) {
      return refused("not a matrix product");
    }
    return with_operands(matmul_layer(saturated_product(extents[0]), saturated_product(extents[1]),
                                      saturated_product(extents[3]), saturated_product(extents[2])),
                         first.name, std::nullopt);
  }

  static Taken with_operands(Taken taken, const std::string& activations,
                             std::optional<Weights> weights) {
    taken.activations = activations;
    taken.weights = std::move(weights);
    return taken;
  }

  // --- names and flow ----------------------------------------------------------------------------

  std::optional<Weights> weights_of(const std::string& constant, bool transposed) const {
    const auto found = constants_.find(constant);
    if (found == constants_.end() || !found->second) {
      return std::nullopt;
    }
    Weights weights = *found->second;
    weights.transposed = weights.transposed != transposed;
    return weights;
  }

  // "layer1.0.conv1" of the weights "layer1.0.conv1.weight"; else the node's own name.
  std::string layer_name(const onnx::NodeProto& node, const std::string& second,
                         const std::string& first) const {
    constexpr std::string_view kEnd = ".weight";
    for (const std::string* const operand : {&second, &first}) {
      const auto weights = weights_of(*operand, false);
      if (weights && weights->initializer.size() > kEnd.size() &&
          weights->initializer.ends_with(kEnd)) {
        return plain_name(
            weights->initializer.substr(0, weights->initializer.size() - kEnd.size()));
      }
    }
    return plain_name(workloads::name_of(node));
  }

  static std::string plain_name(std::string name) {
    name.erase(0, name.find_first_not_of('/'));
    std::ranges::replace(name, '/', '.');
    return name.empty() ? std::string("layer") : printable(name, kLongestLayerName);
  }

  // What a node hands on: that it is constant, that it depends on something learned.
  void follow(const onnx::NodeProto& node) {
    const auto any_learned = [&] {
      return std::ranges::any_of(node.input(),
                                 [&](const std::string& name) { return learned_.contains(name); });
    };
    const bool describes = node.op_type() == "Shape" || node.op_type() == "Size";
    if (!describes && any_learned()) {
      learned_.insert(node.output().begin(), node.output().end());
    }
    const bool constant =
        node.op_type() == "Constant" ||
        (!node.input().empty() && std::ranges::all_of(node.input(), [&](const std::string& name) {
          return name.empty() || constants_.contains(name);
        }));
    if (!constant) {
      return;
    }
    for (const std::string& output : node.output()) {
      constants_[output] = std::nullopt;
    }
    if (node.op_type() == "Identity") {
      constants_[node.output(0)] = constants_[node.input(0)];
    } else if (node.op_type() == "Transpose") {
      const auto shape = shapes_.find(node.input(0));
      if (shape && shape->size() == 2 &&
          integers_attribute(node, "perm", {1, 0}) == std::vector<std::int64_t>{1, 0}) {
        constants_[node.output(0)] = weights_of(node.input(0), true);
      }
    }
  }

  const onnx::GraphProto& graph_;
  const GraphShapes& shapes_;
  // Constant tensors, and the initializers that they are, if they are one.
  std::unordered_map<std::string, std::optional<Weights>> constants_;
  std::unordered_set<std::string> learned_;
  std::vector<LayerShape> layers_;
  std::vector<std::optional<Weights>> weights_;
  std::vector<NotIncluded> refused_;
  std::map<std::string, Nodes> others_;
};

// Reads the file again and keeps it: its weights, without the rest of a run.
class OnnxWeights : public WeightSource {
 public:
  OnnxWeights(const OnnxModel& model, std::vector<std::optional<Weights>> weights)
      : workload_(model), weights_(std::move(weights)), file_(load_onnx(model.path())) {
    for (const onnx::TensorProto& tensor : file_.graph().initializer()) {
      initializers_[tensor.name()] = &tensor;
    }
  }

  std::optional<QuantizedTensor> read(std::size_t index) const override {
    const std::optional<Weights>& weights = weights_[index];
    const auto found = weights ? initializers_.find(weights->initializer) : initializers_.end();
    if (found == initializers_.end() || !is_floating(*found->second)) {
      return std::nullopt;
    }
    std::vector<float> values = float_values(*found->second, workload_.path());
    const Shape& shape = workload_.layers()[index].w;
    if (static_cast<std::int64_t>(values.size()) != element_count(shape)) {
      return std::nullopt;
    }
    if (weights->transposed) {
      values = transposed(values, static_cast<std::size_t>(shape[0]));
    }
    const std::string name =
        fmt::format("{}: initializer '{}'", printable(workload_.path().string(), kWhole),
                    printable(weights->initializer));
    return als_potq(weight_bias_corrected(values, name), shape, workload_.formats()[index].w.bits,
                    Rounding::kLog2, name);
  }

 private:
  // Of `rows` columns; the result has as many rows.
  static std::vector<float> transposed(const std::vector<float>& values, std::size_t rows) {
    const std::size_t cols = values.size() / rows;
    std::vector<float> result(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      result[(i % rows) * cols + i / rows] = values[i];
    }
    return result;
  }

  const OnnxModel& workload_;
  std::vector<std::optional<Weights>> weights_;
  onnx::ModelProto file_;
  std::unordered_map<std::string, const onnx::TensorProto*> initializers_;
};

std::string framework_of(const onnx::ModelProto& model) {
  if (model.producer_name().empty()) {
    return "ONNX";
  }
  return printable(
      model.producer_version().empty()
          ? fmt::format("{}, ONNX", model.producer_name())
          : fmt::format("{} {}, ONNX", model.producer_name(), model.producer_version()));
}

}  // namespace

OnnxModel OnnxModel::load(const std::filesystem::path& path, const Dimensions& bound) {
  onnx::ModelProto model = load_onnx(path);
  const GraphShapes shapes(model, path.string(), bound);
  LayerReader reader(model.graph(), shapes);
  reader.run();
  std::vector<LayerShape> layers = reader.take_layers();
  std::vector<NotIncluded> not_included = reader.not_included();
  if (layers.empty()) {
    std::vector<std::string> kinds;
    for (const NotIncluded& part : not_included) {
      kinds.push_back(fmt::format("{} ({})", part.kind, part.reason));
    }
    throw InputError({path.string(), "",
                      kinds.empty()
                          ? std::string("has no linear layer")
                          : fmt::format("has no linear layer that can be simulated; it has {}",
                                        printable(fmt::format("{}", fmt::join(kinds, ", ")), 300)),
                      "export a model with Conv, ConvTranspose, Gemm or MatMul nodes"});
  }
  WorkloadInfo info;
  info.model = printable(path.stem().string());
  info.framework = framework_of(model);
  info.dimensions = shapes.dimensions();
  return {ShapeWorkload(path, std::move(info), std::move(layers), {}, std::move(not_included)),
          reader.take_weights()};
}

std::unique_ptr<WeightSource> OnnxModel::weights() const {
  const bool any =
      std::ranges::any_of(weights_, [](const auto& weights) { return weights.has_value(); });
  return any ? std::make_unique<OnnxWeights>(*this, weights_) : nullptr;
}

}  // namespace potomac::workloads
