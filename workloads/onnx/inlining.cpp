#include "workloads/onnx/inlining.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "support/error.hpp"
#include "support/plain_text.hpp"
#include "workloads/onnx/model_file.hpp"

namespace potomac::workloads {
namespace {

using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;
using Names = std::unordered_map<std::string, std::string>;
using Functions = std::map<std::pair<std::string, std::string>, const onnx::FunctionProto*>;

// More than any network has: functions that call functions double with every level.
constexpr int kMostNodes = 1 << 20;
constexpr int kDeepestCall = 32;

std::string place_of_node(const onnx::NodeProto& node) {
  return fmt::format("node '{}' ({})", printable(name_of(node)), printable(node.op_type()));
}

[[noreturn]] void fail_node(const std::string& file, const onnx::NodeProto& node,
                            const std::string& problem) {
  throw InputError({file, place_of_node(node), problem, "export the model again"});
}

// Gives every name that a body makes one of its own. Names that it does not make are those outside
// of it.
void rename(onnx::GraphProto& graph, const Names& names);

void rename(onnx::NodeProto& node, const Names& names) {
  for (auto* const list : {node.mutable_input(), node.mutable_output()}) {
    for (std::string& name : *list) {
      if (const auto found = names.find(name); found != names.end()) {
        name = found->second;
      }
    }
  }
  for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
    if (attribute.has_g()) {
      rename(*attribute.mutable_g(), names);
    }
  }
}

void rename(onnx::GraphProto& graph, const Names& names) {
  for (onnx::NodeProto& node : *graph.mutable_node()) {
    rename(node, names);
  }
  for (onnx::ValueInfoProto& output : *graph.mutable_output()) {
    if (const auto found = names.find(output.name()); found != names.end()) {
      output.set_name(found->second);
    }
  }
}

// What the body's nodes make, as it is called outside: "caller/name".
void add_made_names(const Nodes& nodes, const std::string& caller, Names& names) {
  for (const onnx::NodeProto& node : nodes) {
    for (const std::string& output : node.output()) {
      if (!output.empty()) {
        names.emplace(output, fmt::format("{}/{}", caller, output));
      }
    }
  }
}

void set_name(onnx::NodeProto& node, const std::string& caller) {
  node.set_name(fmt::format("{}/{}", caller, name_of(node)));
}

// Attributes of the body that are said to be those of the call.
void bind_attributes(onnx::NodeProto& node, const onnx::NodeProto& call) {
  auto& attributes = *node.mutable_attribute();
  for (int i = attributes.size(); i-- > 0;) {
    onnx::AttributeProto& attribute = *attributes.Mutable(i);
    if (attribute.has_g()) {
      for (onnx::NodeProto& inner : *attribute.mutable_g()->mutable_node()) {
        bind_attributes(inner, call);
      }
    }
    if (attribute.ref_attr_name().empty()) {
      continue;
    }
    if (const onnx::AttributeProto* const given = find_attribute(call, attribute.ref_attr_name())) {
      const std::string name = attribute.name();
      attribute = *given;
      attribute.set_name(name);
    } else {
      attributes.DeleteSubrange(i, 1);
    }
  }
}

class FunctionInliner {
 public:
  FunctionInliner(const onnx::ModelProto& model, const std::string& file) : file_(file) {
    for (const onnx::FunctionProto& function : model.functions()) {
      functions_[{canonical_domain(function.domain()), function.name()}] = &function;
    }
  }

  void run(const Nodes& nodes, Nodes& result, int depth) {
    for (const onnx::NodeProto& node : nodes) {
      const auto found = functions_.find({canonical_domain(node.domain()), node.op_type()});
      if (found != functions_.end()) {
        expand(node, *found->second, result, depth);
        continue;
      }
      if (result.size() >= kMostNodes) {
        fail_node(file_, node,
                  fmt::format("functions make more than {} nodes of the graph", kMostNodes));
      }
      *result.Add() = node;
    }
  }

 private:
  void expand(const onnx::NodeProto& call, const onnx::FunctionProto& function, Nodes& result,
              int depth) {
    if (depth > kDeepestCall) {
      fail_node(file_, call, fmt::format("functions call one another, {} deep", depth));
    }
    if (call.input_size() > function.input_size() || call.output_size() > function.output_size()) {
      fail_node(file_, call, "has more inputs or outputs than the function that it calls");
    }
    const std::string caller = fmt::format("{}", name_of(call));
    Names names;
    for (int i = 0; i < function.input_size(); ++i) {
      names[function.input(i)] = i < call.input_size() ? call.input(i) : std::string();
    }
    for (int i = 0; i < call.output_size(); ++i) {
      if (!call.output(i).empty() && !names.contains(function.output(i))) {
        names[function.output(i)] = call.output(i);
      }
    }
    add_made_names(function.node(), caller, names);
    Nodes body;
    for (const onnx::NodeProto& node : function.node()) {
      onnx::NodeProto& copy = *body.Add();
      copy = node;
      set_name(copy, caller);
      bind_attributes(copy, call);
      rename(copy, names);
    }
    run(body, result, depth + 1);
    // An output that is an input of the function.
    for (int i = 0; i < call.output_size(); ++i) {
      for (int j = 0; j < call.input_size(); ++j) {
        if (!call.output(i).empty() && function.output(i) == function.input(j)) {
          onnx::NodeProto& identity = *result.Add();
          identity.set_op_type("Identity");
          identity.add_input(call.input(j));
          identity.add_output(call.output(i));
        }
      }
    }
  }

  const std::string& file_;
  Functions functions_;
};

// The branch's nodes, and its initializers as the graph's.
void take_branch(const onnx::NodeProto& node, onnx::GraphProto branch, onnx::GraphProto& graph,
                 Nodes& result) {
  const std::string caller = fmt::format("{}", name_of(node));
  Names names;
  for (const onnx::TensorProto& tensor : branch.initializer()) {
    names.emplace(tensor.name(), fmt::format("{}/{}", caller, tensor.name()));
  }
  add_made_names(branch.node(), caller, names);
  rename(branch, names);
  for (onnx::TensorProto& tensor : *branch.mutable_initializer()) {
    onnx::TensorProto& copy = *graph.add_initializer();
    copy = std::move(tensor);
    copy.set_name(names.at(copy.name()));
  }
  for (onnx::NodeProto& inner : *branch.mutable_node()) {
    onnx::NodeProto& copy = *result.Add();
    copy = std::move(inner);
    set_name(copy, caller);
  }
  for (int i = 0; i < node.output_size() && i < branch.output_size(); ++i) {
    onnx::NodeProto& identity = *result.Add();
    identity.set_op_type("Identity");
    identity.add_input(branch.output(i).name());
    identity.add_output(node.output(i));
  }
}

}  // namespace

void inline_functions(onnx::ModelProto& model, const std::string& file) {
  if (model.functions().empty()) {
    return;
  }
  Nodes result;
  FunctionInliner(model, file).run(model.graph().node(), result, 0);
  *model.mutable_graph()->mutable_node() = std::move(result);
  // Their operators may be of domains that the model itself does not import.
  for (const onnx::FunctionProto& function : model.functions()) {
    for (const onnx::OperatorSetIdProto& opset : function.opset_import()) {
      if (opset_version(model, opset.domain()) == 0) {
        *model.add_opset_import() = opset;
      }
    }
  }
}

bool inline_branches(onnx::GraphProto& graph, const Condition& condition, const std::string& file) {
  Nodes result;
  bool any = false;
  Nodes nodes = std::move(*graph.mutable_node());
  for (onnx::NodeProto& node : nodes) {
    const bool is_if =
        node.op_type() == "If" && canonical_domain(node.domain()).empty() && node.input_size() == 1;
    const std::optional<bool> taken = is_if ? condition(node.input(0)) : std::nullopt;
    const onnx::AttributeProto* const branch =
        taken ? find_attribute(node, *taken ? "then_branch" : "else_branch") : nullptr;
    if (branch == nullptr) {
      *result.Add() = std::move(node);
      continue;
    }
    any = true;
    take_branch(node, branch->g(), graph, result);
    if (result.size() >= kMostNodes) {
      fail_node(file, node,
                fmt::format("branches make more than {} nodes of the graph", kMostNodes));
    }
  }
  *graph.mutable_node() = std::move(result);
  return any;
}

}  // namespace potomac::workloads
