#include "workloads/sources/onnx_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "support/error.hpp"
#include "support/plain_text.hpp"
#include "workloads/onnx/graph_shapes.hpp"
#include "workloads/onnx/linear_node.hpp"
#include "workloads/onnx/model_file.hpp"
#include "workloads/onnx/operator_shapes.hpp"
#include "workloads/onnx/shape_fault.hpp"
#include "workloads/quantizer/als_potq.hpp"

namespace potomac::workloads {
namespace {

using Weights = OnnxModel::Weights;

constexpr std::size_t kLongestLayerName = 200;
constexpr const char* kNotAProduct = "not a matrix product";

// Holds matrix products that are not taken apart.
struct OpaqueOperator {
  std::string_view name;
  const char* reason;
};
constexpr const char* kControlFlow = "control flow: its body is not looked into";
constexpr const char* kAttention = "attention: its matrix products are not taken apart";
constexpr std::array<OpaqueOperator, 10> kOpaqueOperators = {{
    {"Attention", kAttention},
    {"DecoderMaskedMultiHeadAttention", kAttention},
    {"DeformConv", "its matrix products are not taken apart"},
    {"GroupQueryAttention", kAttention},
    {"If", kControlFlow},
    {"Loop", kControlFlow},
    {"MultiHeadAttention", kAttention},
    {"PackedAttention", kAttention},
    {"QAttention", kAttention},
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

// Walks a graph's nodes: from each a layer, or an entry of what is not included.
class LayerReader {
 public:
  LayerReader(const onnx::GraphProto& graph, const GraphShapes& shapes)
      : graph_(graph), shapes_(shapes) {
    for (const onnx::TensorProto& tensor : graph.initializer()) {
      constants_[tensor.name()] = Weights{.initializer = tensor.name()};
      if (is_floating(tensor)) {
        floating_.insert(tensor.name());
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
    const auto* const opaque =
        std::ranges::find(kOpaqueOperators, node.op_type(), &OpaqueOperator::name);
    const std::string domain = canonical_domain(node.domain());
    if (is_product(node)) {
      add(node);
    } else if (opaque != kOpaqueOperators.end()) {
      refuse(node, opaque->reason);
    } else if (!domain.empty()) {
      count(fmt::format("{}.{}", domain, node.op_type()),
            is_known_elsewhere(node) ? kNotAProduct
                                     : "an operator or function that is not ONNX's own: not known");
    } else if (std::ranges::find(kDataMovers, node.op_type()) == kDataMovers.end() &&
               (node.output().empty() || !shapes_.is_known(node.output(0)))) {
      count(node.op_type(), kNotAProduct);
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

  void add(const onnx::NodeProto& node) {
    std::vector<NodeOperand> operands;
    for (const std::string& input : node.input()) {
      operands.push_back({shapes_.find(input), constants_.contains(input)});
    }
    LinearNodes taken;
    try {
      taken = linear_nodes(node, operands,
                           node.output().empty() ? std::nullopt : shapes_.find(node.output(0)));
    } catch (const ShapeFault& fault) {
      return refuse(node, fault.what());
    }
    if (!taken.refusal.empty()) {
      const auto lost = std::ranges::find_if(
          node.input(), [&](const std::string& input) { return !shapes_.lost_at(input).empty(); });
      return refuse(
          node, lost == node.input().end()
                    ? taken.refusal
                    : fmt::format("extents are not known from node {} on", shapes_.lost_at(*lost)));
    }
    if (taken.layers.empty()) {
      count(node.op_type(), kNotAProduct);
    }
    for (LinearNode& part : taken.layers) {
      const std::string& weights = node.input(part.weights);
      part.layer.name = layer_name(node, weights);
      if (!part.suffix.empty()) {
        part.layer.name += fmt::format(".{}", part.suffix);
      }
      part.layer.input_grad =
          part.follows_itself ||
          (part.activations < node.input_size() && learned_.contains(node.input(part.activations)));
      layers_.push_back(std::move(part.layer));
      weights_.push_back(part.weights_readable ? weights_of(weights, part.weights_transposed)
                                               : std::nullopt);
    }
  }

  std::optional<Weights> weights_of(const std::string& constant, bool transposed) const {
    const auto found = constants_.find(constant);
    if (found == constants_.end() || !found->second) {
      return std::nullopt;
    }
    Weights weights = *found->second;
    weights.transposed = weights.transposed != transposed;
    return weights;
  }

  // "layer1.0.conv1" of the weights "layer1.0.conv1.weight", "attn.in_proj" of
  // "attn.in_proj_weight"; else the node's own name.
  std::string layer_name(const onnx::NodeProto& node, const std::string& weights) const {
    constexpr std::string_view kEnd = "weight";
    const auto origin = weights_of(weights, false);
    if (origin && origin->initializer.size() > kEnd.size() + 1 &&
        origin->initializer.ends_with(kEnd)) {
      return plain_name(
          origin->initializer.substr(0, origin->initializer.size() - kEnd.size() - 1));
    }
    return plain_name(workloads::name_of(node));
  }

  static std::string plain_name(std::string name) {
    name.erase(0, name.find_first_not_of('/'));
    std::ranges::replace(name, '/', '.');
    return name.empty() ? std::string("layer") : printable(name, kLongestLayerName);
  }

  // A parameter of the node that the network learns: that of a product, a normalization, a table.
  // Constants of other operators are preprocessing, bounds and scales.
  bool has_parameters(const onnx::NodeProto& node) const {
    const bool unknown =
        !canonical_domain(node.domain()).empty() && !is_product(node) && !is_known_elsewhere(node);
    if (unknown) {
      return std::ranges::any_of(node.input(),
                                 [&](const std::string& name) { return floating_.contains(name); });
    }
    return std::ranges::any_of(parameters_of(node), [&](int place) {
      return place < node.input_size() && floating_.contains(node.input(place));
    });
  }

  // What a node hands on: that it is constant, that it depends on something learned.
  void follow(const onnx::NodeProto& node) {
    const bool describes = node.op_type() == "Shape" || node.op_type() == "Size";
    const bool depends = std::ranges::any_of(
        node.input(), [&](const std::string& name) { return learned_.contains(name); });
    if (!describes && (depends || has_parameters(node))) {
      learned_.insert(node.output().begin(), node.output().end());
    }
    const bool constant =
        node.op_type() == "Constant" ||
        (!node.input().empty() && std::ranges::all_of(node.input(), [&](const std::string& name) {
          return name.empty() || constants_.contains(name);
        }));
    if (!constant || node.output().empty()) {
      return;
    }
    const onnx::AttributeProto* const value = find_attribute(node, "value");
    const bool is_floating_constant =
        (value != nullptr && node.op_type() == "Constant" && is_floating(value->t())) ||
        std::ranges::any_of(node.input(),
                            [&](const std::string& name) { return floating_.contains(name); });
    for (const std::string& output : node.output()) {
      constants_[output] = std::nullopt;
      if (is_floating_constant) {
        floating_.insert(output);
      }
    }
    if (node.op_type() == "Constant" && value != nullptr) {
      constants_[node.output(0)] = Weights{.initializer = node.output(0)};
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
  std::unordered_set<std::string> floating_;  // those of floating-point numbers
  std::unordered_set<std::string> learned_;   // what depends on a parameter
  std::vector<LayerShape> layers_;
  std::vector<std::optional<Weights>> weights_;
  std::vector<NotIncluded> refused_;
  std::map<std::string, Nodes> others_;
};

// Reads the graph again, and weights from its file as they are asked for.
class OnnxWeights : public WeightSource {
 public:
  OnnxWeights(const OnnxModel& model, std::vector<std::optional<Weights>> weights)
      : workload_(model), weights_(std::move(weights)), file_(load_onnx(model.path())) {
    for (const onnx::TensorProto& tensor : file_.graph().initializer()) {
      initializers_[tensor.name()] = &tensor;
    }
    for (const onnx::NodeProto& node : file_.graph().node()) {
      const onnx::AttributeProto* const value =
          node.op_type() == "Constant" ? find_attribute(node, "value") : nullptr;
      if (value != nullptr && !node.output().empty()) {
        initializers_[node.output(0)] = &value->t();
      }
    }
  }

  bool has(std::size_t index) const override { return find(index) != nullptr; }

  std::optional<QuantizedTensor> read(std::size_t index) const override {
    const onnx::TensorProto* const tensor = find(index);
    if (tensor == nullptr) {
      return std::nullopt;
    }
    const std::optional<Weights>& weights = weights_[index];
    std::vector<float> values = float_values(*tensor, workload_.path());
    const Shape& shape = workload_.layers()[index].w;
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
  // The tensor that the layer's weights are, if its values can be read as these.
  const onnx::TensorProto* find(std::size_t index) const {
    const std::optional<Weights>& weights = weights_[index];
    const auto found = weights ? initializers_.find(weights->initializer) : initializers_.end();
    return found != initializers_.end() && is_floating(*found->second) &&
                   element_count(shape_of(*found->second)) ==
                       element_count(workload_.layers()[index].w)
               ? found->second
               : nullptr;
  }

  // The values of a matrix of `rows` rows, column by column.
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
    kinds.reserve(not_included.size());
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
  return std::make_unique<OnnxWeights>(*this, weights_);
}

}  // namespace potomac::workloads
