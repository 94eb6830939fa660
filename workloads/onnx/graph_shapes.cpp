#include "workloads/onnx/graph_shapes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <onnx/defs/schema.h>
#include <onnx/shape_inference/implementation.h>

#include <algorithm>
#include <array>
#include <exception>
#include <list>
#include <set>
#include <utility>
#include <vector>

#include "support/error.hpp"
#include "support/plain_text.hpp"
#include "workloads/onnx/inlining.hpp"
#include "workloads/onnx/model_check.hpp"
#include "workloads/onnx/model_file.hpp"
#include "workloads/onnx/operator_shapes.hpp"
#include "workloads/onnx/shape_fault.hpp"

namespace potomac::workloads {
namespace {

using Bound = GraphShapes::Bound;
using Types = std::unordered_map<std::string, onnx::TypeProto>;
using Dimension = onnx::TensorShapeProto::Dimension;

// A dimension whose name need not be the model's: the axis that they bind where it is another.
struct CommonDimension {
  std::string_view name;
  int axis;
};
constexpr std::array<CommonDimension, 2> kCommonDimensions = {{{"batch", 0}, {"length", 1}}};

// A dynamic axis of a graph's input.
struct DynamicAxis {
  Dimension* dimension;
  std::string name;
  int axis;
};

std::optional<Shape> known_shape(const onnx::TypeProto& type) {
  if (!type.has_tensor_type() || !type.tensor_type().has_shape()) {
    return std::nullopt;
  }
  Shape shape;
  for (const Dimension& dimension : type.tensor_type().shape().dim()) {
    if (!dimension.has_dim_value() || dimension.dim_value() < 0) {
      return std::nullopt;
    }
    shape.push_back(dimension.dim_value());
  }
  return shape;
}

// Some exporters write -1 or 0 for an extent that they do not know.
bool is_dynamic(const Dimension& dimension) {
  return !dimension.has_dim_value() || dimension.dim_value() < 1;
}

std::vector<DynamicAxis> dynamic_axes(onnx::GraphProto& graph) {
  std::set<std::string> initializers;
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    initializers.insert(tensor.name());
  }
  std::vector<DynamicAxis> axes;
  for (onnx::ValueInfoProto& input : *graph.mutable_input()) {
    if (initializers.contains(input.name()) || !input.type().has_tensor_type() ||
        !input.type().tensor_type().has_shape()) {
      continue;
    }
    onnx::TensorShapeProto& shape = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
    for (int axis = 0; axis < shape.dim_size(); ++axis) {
      Dimension& dimension = *shape.mutable_dim(axis);
      if (is_dynamic(dimension)) {
        axes.push_back({&dimension,
                        dimension.dim_param().empty() ? fmt::format("{}[{}]", input.name(), axis)
                                                      : dimension.dim_param(),
                        axis});
      }
    }
  }
  return axes;
}

// Binds the dynamic axes of a graph's inputs.
class Binder {
 public:
  Binder(onnx::GraphProto& graph, const std::string& file)
      : axes_(dynamic_axes(graph)), file_(file) {
    // Where the model has no axis of a common name, those in its place take it.
    for (const CommonDimension& common : kCommonDimensions) {
      if (std::ranges::find(axes_, common.name, &DynamicAxis::name) == axes_.end()) {
        for (DynamicAxis& axis : axes_) {
          if (axis.axis == common.axis) {
            renamed_[axis.name] = common.name;
          }
        }
      }
    }
  }

  Bound bind(const Bound& bound) {
    refuse_unknown(bound);
    Bound dimensions;
    for (DynamicAxis& axis : axes_) {
      const auto given = find(bound, axis.name);
      if (given == bound.end()) {
        throw InputError({file_, "",
                          fmt::format("its dimension '{}' is not known", printable(axis.name)),
                          fmt::format("bind it: {}", option_for(axis.name))});
      }
      axis.dimension->set_dim_value(given->second);
      dimensions[given->first] = given->second;
    }
    return dimensions;
  }

  // The extent of a dimension by its name in the file, if it has been bound.
  std::optional<std::int64_t> extent(const Bound& bound, const std::string& name) const {
    const auto given = find(bound, name);
    return given == bound.end() ? std::nullopt : std::optional(given->second);
  }

 private:
  // An axis is bound by its own name before a common one.
  Bound::const_iterator find(const Bound& bound, const std::string& name) const {
    const auto own = bound.find(name);
    const auto common = renamed_.find(name);
    return own != bound.end() || common == renamed_.end() ? own : bound.find(common->second);
  }

  std::string option_for(const std::string& name) const {
    const auto common = renamed_.find(name);
    const std::string& called = common == renamed_.end() ? name : common->second;
    return called == "batch" || called == "length" ? fmt::format("--{} N", called)
                                                   : fmt::format("--dim {}=N", printable(name));
  }

  void refuse_unknown(const Bound& bound) const {
    std::set<std::string> names;
    std::set<std::string> all;
    for (const DynamicAxis& axis : axes_) {
      names.insert(axis.name);
      all.insert(axis.name);
      if (const auto common = renamed_.find(axis.name); common != renamed_.end()) {
        all.insert(common->second);
      }
    }
    for (const auto& [name, extent] : bound) {
      if (!all.contains(name)) {
        throw InputError(
            {file_, "dimensions",
             fmt::format("there is no '{}' to bind to {}", printable(name), extent),
             names.empty()
                 ? std::string("its inputs' extents are fixed: export it with dynamic_axes")
                 : fmt::format("this model has {}",
                               printable(fmt::format("{}", fmt::join(names, ", ")), kWhole))});
      }
    }
  }

  std::vector<DynamicAxis> axes_;
  const std::string& file_;
  std::map<std::string, std::string> renamed_;  // the model's name -> the common one
};

// Walks the nodes in their order.
class Inference {
 public:
  Inference(onnx::ModelProto& model, const std::string& file)
      : graph_(*model.mutable_graph()),
        file_(file),
        opsets_(opsets_of(model)),
        context_(pointers_, known_to_libonnx(opsets_), nullptr, no_functions_) {
    for (const onnx::TensorProto& tensor : graph_.initializer()) {
      add_initializer(tensor);
    }
  }

  void declare(const onnx::ValueInfoProto& value) { declared_[value.name()] = &value.type(); }

  void set_type(const std::string& name, onnx::TypeProto type) {
    onnx::TypeProto& kept = types_[name];
    kept = std::move(type);
    pointers_[name] = &kept;  // of a node-based map: it stays where it is
  }

  void run() {
    for (onnx::NodeProto& node : *graph_.mutable_node()) {
      const Seen seen = seen_by(node);
      infer(node, seen);
      note_values(node, seen);
      note_loss(node);
    }
  }

  Types take_types() { return std::move(types_); }
  std::unordered_map<std::string, std::string> take_lost() { return std::move(lost_); }
  std::unordered_map<std::string, KnownValues> take_known() { return std::move(known_); }

 private:
  // What a node's inputs are known to be.
  struct Seen {
    std::vector<std::optional<Shape>> shapes;
    std::vector<NodeInput> inputs;  // of which `shape` is one of these
  };

  static std::unordered_map<std::string, int> opsets_of(const onnx::ModelProto& model) {
    std::unordered_map<std::string, int> versions;
    for (const onnx::OperatorSetIdProto& opset : model.opset_import()) {
      versions[canonical_domain(opset.domain())] = opset_version(model, opset.domain());
    }
    return versions;
  }

  static std::unordered_map<std::string, int> known_to_libonnx(
      std::unordered_map<std::string, int> versions) {
    for (auto& [domain, version] : versions) {
      version = schema_version(domain, version);
    }
    return versions;
  }

  void add_initializer(const onnx::TensorProto& tensor) {
    if (!types_.contains(tensor.name())) {
      onnx::TypeProto type;
      type.mutable_tensor_type()->set_elem_type(tensor.data_type());
      type.mutable_tensor_type()->mutable_shape();
      for (const std::int64_t extent : tensor.dims()) {
        type.mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(extent);
      }
      set_type(tensor.name(), std::move(type));
    }
    data_[tensor.name()] = &tensor;
    if (auto known = known_values_of(tensor)) {
      known_[tensor.name()] = std::move(*known);
    }
  }

  void infer(onnx::NodeProto& node, const Seen& seen) {
    std::vector<onnx::TypeProto> inferred(static_cast<std::size_t>(node.output_size()));
    if (const auto own = own_shapes(node, seen)) {
      for (std::size_t i = 0; i < inferred.size() && i < own->size(); ++i) {
        if ((*own)[i]) {
          inferred[i] = typed(node, *(*own)[i]);
        }
      }
    } else {
      ask_libonnx(node, inferred);
    }
    for (int i = 0; i < node.output_size(); ++i) {
      if (!node.output(i).empty()) {
        set_type(node.output(i), with_declared(std::move(inferred[static_cast<std::size_t>(i)]),
                                               node, node.output(i)));
      }
    }
    check_count(node, seen);
  }

  int version_of(const onnx::NodeProto& node) const {
    const auto version = opsets_.find(canonical_domain(node.domain()));
    return version == opsets_.end() ? 0 : version->second;
  }

  std::optional<std::vector<std::optional<Shape>>> own_shapes(const onnx::NodeProto& node,
                                                              const Seen& seen) const {
    try {
      return operator_shapes(node, version_of(node), seen.inputs);
    } catch (const ShapeFault& fault) {
      refuse(node, fault.what());
    }
  }

  // The type of a tensor of these extents; its elements are taken to be the first input's.
  onnx::TypeProto typed(const onnx::NodeProto& node, const Shape& shape) const {
    onnx::TypeProto type;
    const auto first = node.input().empty() ? types_.end() : types_.find(node.input(0));
    type.mutable_tensor_type()->set_elem_type(first != types_.end() &&
                                                      first->second.has_tensor_type()
                                                  ? first->second.tensor_type().elem_type()
                                                  : onnx::TensorProto::FLOAT);
    type.mutable_tensor_type()->mutable_shape();
    for (const std::int64_t extent : shape) {
      type.mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(extent);
    }
    return type;
  }

  void ask_libonnx(onnx::NodeProto& node, std::vector<onnx::TypeProto>& inferred) {
    const std::string domain = canonical_domain(node.domain());
    const onnx::OpSchema* const schema =
        opsets_.contains(domain)
            ? onnx::OpSchemaRegistry::Schema(node.op_type(),
                                             schema_version(domain, version_of(node)), domain)
            : nullptr;
    if (schema == nullptr) {
      return;
    }
    onnx::shape_inference::InferenceContextImpl context(node, pointers_, data_, {}, nullptr,
                                                        &context_);
    try {
      if (schema->has_type_and_shape_inference_function()) {
        schema->GetTypeAndShapeInferenceFunction()(context);
      } else if (schema->HasFunction()) {
        onnx::shape_inference::InferShapeForFunctionNode(
            *schema->GetFunction(), onnx::OpSchemaRegistry::Instance(), context);
      }
      inferred.swap(context.allOutputTypes_);
    } catch (const std::exception& error) {
      refuse_if_inputs_are_known(node, error.what());
    }
  }

  [[noreturn]] void refuse(const onnx::NodeProto& node, std::string_view problem) const {
    throw InputError(
        {file_, fmt::format("node '{}' ({})", printable(name_of(node)), printable(node.op_type())),
         printable(problem, 300), "bind other extents, or correct the model"});
  }

  // What only gives elements other extents has as many as its input.
  void check_count(const onnx::NodeProto& node, const Seen& seen) {
    if (node.op_type() != "Reshape" || node.output().empty() || seen.inputs.empty() ||
        seen.inputs[0].shape == nullptr) {
      return;
    }
    const std::optional<Shape> output = known_shape(types_[node.output(0)]);
    if (output && count_of(*output) != count_of(*seen.inputs[0].shape)) {
      refuse(node,
             fmt::format("its input [{}] has {} elements, and its shape [{}] has {}",
                         fmt::join(*seen.inputs[0].shape, ", "), count_of(*seen.inputs[0].shape),
                         fmt::join(*output, ", "), count_of(*output)));
    }
  }

  static double count_of(const Shape& shape) {
    double count = 1;
    for (const std::int64_t extent : shape) {
      count *= static_cast<double>(extent);
    }
    return count;
  }

  // Where an input's shape is not known, libonnx may complain of that: it is no fault of the model.
  void refuse_if_inputs_are_known(const onnx::NodeProto& node, std::string_view problem) const {
    const bool all = std::ranges::all_of(node.input(), [&](const std::string& input) {
      const auto type = types_.find(input);
      return input.empty() || (type != types_.end() && known_shape(type->second).has_value());
    });
    if (all) {
      refuse(node, fmt::format("its shapes do not fit: {}", printable(problem, 200)));
    }
  }

  // What is not inferred, of operators that are not known, may stand in the file; what is inferred
  // is not contradicted there.
  onnx::TypeProto with_declared(onnx::TypeProto type, const onnx::NodeProto& node,
                                const std::string& name) const {
    const auto found = declared_.find(name);
    if (found == declared_.end()) {
      return type;
    }
    const onnx::TypeProto& declared = *found->second;
    if (const std::optional<Shape> shape = known_shape(type)) {
      check_declared(node, name, *shape, declared);
      return type;
    }
    if (type.value_case() == onnx::TypeProto::VALUE_NOT_SET ||
        (type.has_tensor_type() && !type.tensor_type().has_shape())) {
      return declared;
    }
    if (type.has_tensor_type() && declared.has_tensor_type()) {
      onnx::TensorShapeProto& shape = *type.mutable_tensor_type()->mutable_shape();
      const onnx::TensorShapeProto& said = declared.tensor_type().shape();
      for (int axis = 0; axis < shape.dim_size() && shape.dim_size() == said.dim_size(); ++axis) {
        if (!shape.dim(axis).has_dim_value() && said.dim(axis).has_dim_value()) {
          *shape.mutable_dim(axis) = said.dim(axis);
        }
      }
    }
    return type;
  }

  void check_declared(const onnx::NodeProto& node, const std::string& name, const Shape& shape,
                      const onnx::TypeProto& declared) const {
    // Some exporters write no axes for axes that they do not know.
    const onnx::TensorShapeProto& said = declared.tensor_type().shape();
    if (!declared.has_tensor_type() || said.dim_size() == 0) {
      return;
    }
    bool fits = static_cast<std::size_t>(said.dim_size()) == shape.size();
    std::vector<std::string> extents;
    for (int axis = 0; axis < said.dim_size(); ++axis) {
      const Dimension& dimension = said.dim(axis);
      extents.push_back(is_dynamic(dimension) ? std::string("?")
                                              : fmt::format("{}", dimension.dim_value()));
      fits = fits && (is_dynamic(dimension) ||
                      dimension.dim_value() == shape[static_cast<std::size_t>(axis)]);
    }
    if (!fits) {
      refuse(node, fmt::format("its output '{}' is [{}], and the file declares [{}]",
                               printable(name), fmt::join(shape, ", "), fmt::join(extents, ", ")));
    }
  }

  // Notes, of outputs without extents, where those were lost.
  void note_loss(const onnx::NodeProto& node) {
    std::string where =
        fmt::format("'{}' ({})", printable(name_of(node)), printable(node.op_type()));
    for (const std::string& input : node.input()) {
      if (const auto before = lost_.find(input); before != lost_.end()) {
        where = before->second;
        break;
      }
    }
    for (const std::string& output : node.output()) {
      const auto type = types_.find(output);
      if (type != types_.end() && !known_shape(type->second)) {
        lost_[output] = where;
      }
    }
  }

  Seen seen_by(const onnx::NodeProto& node) const {
    Seen seen;
    for (const std::string& name : node.input()) {
      const auto type = types_.find(name);
      seen.shapes.push_back(type == types_.end() ? std::nullopt : known_shape(type->second));
    }
    for (int i = 0; i < node.input_size(); ++i) {
      const auto known = known_.find(node.input(i));
      const std::optional<Shape>& shape = seen.shapes[static_cast<std::size_t>(i)];
      seen.inputs.push_back(
          {known == known_.end() ? nullptr : &known->second, shape ? &*shape : nullptr});
    }
    return seen;
  }

  void note_values(const onnx::NodeProto& node, const Seen& seen) {
    if (node.output_size() != 1) {
      return;
    }
    const std::string& output = node.output(0);
    const std::vector<NodeInput>& inputs = seen.inputs;
    const std::optional<Shape> extents = known_shape(types_[output]);
    std::optional<KnownValues> known = extents ? evaluate(node, inputs, *extents) : std::nullopt;
    if (!known) {
      // A constant of numbers that are no shapes (scales of a resize) may still be asked for.
      const onnx::AttributeProto* const value =
          node.op_type() == "Constant" ? find_attribute(node, "value") : nullptr;
      if (value != nullptr) {
        data_[output] = &value->t();
      }
      return;
    }
    computed_.push_back(tensor_of(*known));
    computed_.back().set_name(output);
    data_[output] = &computed_.back();
    known_[output] = std::move(*known);
  }

  onnx::GraphProto& graph_;
  const std::string& file_;
  std::unordered_map<std::string, int> opsets_;
  // They are inlined. The context keeps a reference, and its default would be one to nothing.
  onnx::shape_inference::ModelLocalFunctionsMap no_functions_;
  Types types_;
  std::unordered_map<std::string, onnx::TypeProto*> pointers_;
  std::unordered_map<std::string, const onnx::TypeProto*> declared_;
  std::unordered_map<std::string, const onnx::TensorProto*> data_;
  std::unordered_map<std::string, KnownValues> known_;
  std::unordered_map<std::string, std::string> lost_;
  std::list<onnx::TensorProto> computed_;
  onnx::shape_inference::GraphInferenceContext context_;
};

// Other tensors of which the file says something by the same names.
void bind_declared(onnx::GraphProto& graph, const Binder& binder, const Bound& bound) {
  for (auto* const values : {graph.mutable_value_info(), graph.mutable_output()}) {
    for (onnx::ValueInfoProto& value : *values) {
      if (!value.type().has_tensor_type() || !value.type().tensor_type().has_shape()) {
        continue;
      }
      for (Dimension& dimension :
           *value.mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim()) {
        if (dimension.has_dim_param()) {
          if (const auto extent = binder.extent(bound, dimension.dim_param())) {
            dimension.set_dim_value(*extent);
          }
        }
      }
    }
  }
}

}  // namespace

GraphShapes::GraphShapes(onnx::ModelProto& model, const std::string& file, const Bound& bound) {
  onnx::GraphProto& graph = *model.mutable_graph();
  Binder binder(graph, file);
  dimensions_ = binder.bind(bound);
  bind_declared(graph, binder, bound);
  // A branch's condition may be known only once shapes are, and what lies behind it only then.
  for (bool again = true; again;) {
    Inference inference(model, file);
    for (const onnx::ValueInfoProto& input : graph.input()) {
      inference.set_type(input.name(), input.type());
    }
    for (const auto* const values : {&graph.value_info(), &graph.output()}) {
      for (const onnx::ValueInfoProto& value : *values) {
        inference.declare(value);
      }
    }
    inference.run();
    types_ = inference.take_types();
    lost_ = inference.take_lost();
    known_ = inference.take_known();
    again = inline_branches(
        graph,
        [this](const std::string& tensor) {
          const auto known = known_.find(tensor);
          return known == known_.end() || known->second.values.size() != 1
                     ? std::nullopt
                     : std::optional(known->second.values[0] != 0);
        },
        file);
  }
}

std::optional<Shape> GraphShapes::find(const std::string& tensor) const {
  const auto type = types_.find(tensor);
  return type == types_.end() ? std::nullopt : known_shape(type->second);
}

std::string GraphShapes::lost_at(const std::string& tensor) const {
  const auto found = lost_.find(tensor);
  return found == lost_.end() ? std::string() : found->second;
}

}  // namespace potomac::workloads
