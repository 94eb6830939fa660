#include "workloads/onnx/model_check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <onnx/defs/schema.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "support/error.hpp"
#include "support/plain_text.hpp"
#include "workloads/layers/layer.hpp"
#include "workloads/onnx/model_file.hpp"

namespace potomac::workloads {
namespace {

using OnnxAttribute = onnx::AttributeProto;
using OnnxTensor = onnx::TensorProto;

constexpr const char* kExportModelAgain = "export the model again";
// Bodies of control flow lie in one another; protocol buffers end at about this depth themselves.
constexpr int kDeepestBody = 32;

// Of a type of elements: its name, its bits in raw_data, and how many of the numbers in the field
// of its type an element takes.
struct ElementType {
  int type;
  std::string_view name;
  int bits;
  int numbers_per_element = 1;
};
constexpr int kFloat8 = 17;
constexpr int kUint4 = 21;
constexpr std::array<ElementType, 25> kElementTypes = {{
    {OnnxTensor::FLOAT, "FLOAT", 32},
    {OnnxTensor::UINT8, "UINT8", 8},
    {OnnxTensor::INT8, "INT8", 8},
    {OnnxTensor::UINT16, "UINT16", 16},
    {OnnxTensor::INT16, "INT16", 16},
    {OnnxTensor::INT32, "INT32", 32},
    {OnnxTensor::INT64, "INT64", 64},
    {OnnxTensor::STRING, "STRING", 0},
    {OnnxTensor::BOOL, "BOOL", 8},
    {OnnxTensor::FLOAT16, "FLOAT16", 16},
    {OnnxTensor::DOUBLE, "DOUBLE", 64},
    {OnnxTensor::UINT32, "UINT32", 32},
    {OnnxTensor::UINT64, "UINT64", 64},
    {OnnxTensor::COMPLEX64, "COMPLEX64", 64, 2},
    {OnnxTensor::COMPLEX128, "COMPLEX128", 128, 2},
    {OnnxTensor::BFLOAT16, "BFLOAT16", 16},
    // Newer than libonnx 1.12.
    {kFloat8, "FLOAT8E4M3FN", 8},
    {kFloat8 + 1, "FLOAT8E4M3FNUZ", 8},
    {kFloat8 + 2, "FLOAT8E5M2", 8},
    {kFloat8 + 3, "FLOAT8E5M2FNUZ", 8},
    {kUint4, "UINT4", 4},
    {kUint4 + 1, "INT4", 4},
    {kUint4 + 2, "FLOAT4E2M1", 4},
    {kUint4 + 3, "FLOAT8E8M0", 8},
    {kUint4 + 4, "UINT2", 2},
}};

// Attributes by which extents are divided, whatever the operator.
constexpr std::array<std::string_view, 5> kPositive = {"strides", "dilations", "kernel_shape",
                                                       "group", "blocksize"};

std::size_t numbers_in(const OnnxTensor& tensor) {
  switch (tensor.data_type()) {
    case OnnxTensor::FLOAT:
    case OnnxTensor::COMPLEX64:
      return static_cast<std::size_t>(tensor.float_data_size());
    case OnnxTensor::DOUBLE:
    case OnnxTensor::COMPLEX128:
      return static_cast<std::size_t>(tensor.double_data_size());
    case OnnxTensor::INT64:
      return static_cast<std::size_t>(tensor.int64_data_size());
    case OnnxTensor::UINT32:
    case OnnxTensor::UINT64:
      return static_cast<std::size_t>(tensor.uint64_data_size());
    case OnnxTensor::STRING:
      return static_cast<std::size_t>(tensor.string_data_size());
    default:
      return static_cast<std::size_t>(tensor.int32_data_size());
  }
}

const char* kind_of(OnnxAttribute::AttributeType type) {
  switch (type) {
    case OnnxAttribute::FLOAT:
      return "a number";
    case OnnxAttribute::INT:
      return "an integer";
    case OnnxAttribute::STRING:
      return "a text";
    case OnnxAttribute::TENSOR:
      return "a tensor";
    case OnnxAttribute::GRAPH:
      return "a graph";
    case OnnxAttribute::FLOATS:
      return "numbers";
    case OnnxAttribute::INTS:
      return "integers";
    case OnnxAttribute::STRINGS:
      return "texts";
    default:
      return "of another type";
  }
}

// Of files from before attributes had a type.
OnnxAttribute::AttributeType type_of(const OnnxAttribute& attribute,
                                     OnnxAttribute::AttributeType expected) {
  return attribute.type() == OnnxAttribute::UNDEFINED ? expected : attribute.type();
}

class ModelCheck {
 public:
  ModelCheck(const onnx::ModelProto& model, std::string file) : file_(std::move(file)) {
    set_versions(model.opset_import());
  }

  void check_graph(const onnx::GraphProto& graph, int depth) {
    if (depth > kDeepestBody) {
      fail("", fmt::format("bodies of control flow lie in one another, {} deep", depth),
           kExportModelAgain);
    }
    for (const OnnxTensor& tensor : graph.initializer()) {
      check_tensor(tensor, fmt::format("initializer '{}'", printable(tensor.name())));
    }
    for (const onnx::SparseTensorProto& sparse : graph.sparse_initializer()) {
      check_sparse(sparse,
                   fmt::format("sparse initializer '{}'", printable(sparse.values().name())));
    }
    for (const auto& values : {graph.input(), graph.output(), graph.value_info()}) {
      for (const onnx::ValueInfoProto& value : values) {
        check_type(value);
      }
    }
    std::set<std::string_view> made;
    for (const OnnxTensor& tensor : graph.initializer()) {
      made.insert(tensor.name());
    }
    for (const onnx::NodeProto& node : graph.node()) {
      check_node(node, depth);
      for (const std::string& output : node.output()) {
        if (!output.empty() && !made.insert(output).second) {
          fail(place_of(node), fmt::format("makes '{}', which is made already", printable(output)),
               kExportModelAgain);
        }
      }
    }
  }

  void check_function(const onnx::FunctionProto& function) {
    const auto outer = versions_;
    set_versions(function.opset_import());
    for (const onnx::NodeProto& node : function.node()) {
      check_node(node, 0);
    }
    versions_ = outer;
  }

 private:
  [[noreturn]] void fail(const std::string& place, const std::string& problem,
                         const std::string& remedy) const {
    throw InputError({file_, place, problem, remedy});
  }

  void set_versions(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports) {
    for (const onnx::OperatorSetIdProto& opset : imports) {
      versions_[canonical_domain(opset.domain())] =
          static_cast<int>(std::clamp<std::int64_t>(opset.version(), 0, INT32_MAX));
    }
  }

  static std::string place_of(const onnx::NodeProto& node) {
    return fmt::format("node '{}' ({})", printable(name_of(node)), printable(node.op_type()));
  }

  void check_type(const onnx::ValueInfoProto& value) const {
    if (!value.type().has_tensor_type() || !value.type().tensor_type().has_shape()) {
      return;
    }
    const std::string place = fmt::format("tensor '{}'", printable(value.name()));
    const auto& axes = value.type().tensor_type().shape().dim();
    if (axes.size() > kMaxAxes) {
      fail(place, fmt::format("has {} axes", axes.size()), kExportModelAgain);
    }
    for (const auto& axis : axes) {
      if (axis.has_dim_value() && axis.dim_value() > kMaxShapeElements) {
        fail(place, fmt::format("has an axis of {}", axis.dim_value()), kExportModelAgain);
      }
    }
  }

  // The number of elements of a shape.
  std::uint64_t elements_of(const google::protobuf::RepeatedField<std::int64_t>& extents,
                            const std::string& place) const {
    if (extents.size() > kMaxAxes) {
      fail(place, fmt::format("has {} axes", extents.size()), kExportModelAgain);
    }
    std::uint64_t elements = 1;
    for (const std::int64_t extent : extents) {
      if (extent < 0 || (extent > 0 && elements > static_cast<std::uint64_t>(kMaxShapeElements) /
                                                      static_cast<std::uint64_t>(extent))) {
        fail(place, fmt::format("has the impossible shape [{}]", fmt::join(extents, ", ")),
             kExportModelAgain);
      }
      elements *= static_cast<std::uint64_t>(extent);
    }
    return elements;
  }

  void check_tensor(const OnnxTensor& tensor, const std::string& place) const {
    const std::uint64_t elements = elements_of(tensor.dims(), place);
    const auto* const type =
        std::ranges::find(kElementTypes, tensor.data_type(), &ElementType::type);
    if (type == kElementTypes.end()) {
      fail(place, fmt::format("has elements of the unknown type {}", tensor.data_type()),
           kExportModelAgain);
    }
    if (tensor.data_location() == OnnxTensor::EXTERNAL) {
      return;  // where it lies is checked as it is read
    }
    const std::string shape =
        fmt::format("its shape [{}] of {}", fmt::join(tensor.dims(), ", "), type->name);
    if (tensor.has_raw_data()) {
      const auto bits = static_cast<std::uint64_t>(type->bits);
      const std::uint64_t bytes = (elements * bits + 7) / 8;
      if (bits == 0 || bytes != tensor.raw_data().size()) {
        fail(place,
             bits == 0 ? fmt::format("{} has raw_data, which is for numbers", shape)
                       : fmt::format("{} needs {} bytes; its raw_data has {}", shape, bytes,
                                     tensor.raw_data().size()),
             kExportModelAgain);
      }
      return;
    }
    const std::size_t found = numbers_in(tensor);
    const auto per_element = static_cast<std::uint64_t>(type->numbers_per_element);
    // Two elements of four bits, or four of two, share a number.
    const std::uint64_t wanted = type->bits > 0 && type->bits < 8
                                     ? (elements * static_cast<std::uint64_t>(type->bits) + 7) / 8
                                     : elements * per_element;
    const bool left_out = found == 0 && is_floating(tensor);  // weights that were stripped
    if (found != wanted && !left_out) {
      fail(place, fmt::format("{} needs {} numbers; it has {}", shape, wanted, found),
           kExportModelAgain);
    }
  }

  void check_sparse(const onnx::SparseTensorProto& sparse, const std::string& place) const {
    check_tensor(sparse.values(), place);
    check_tensor(sparse.indices(), place);
    elements_of(sparse.dims(), place);
  }

  void check_node(const onnx::NodeProto& node, int depth) {
    const std::string place = place_of(node);
    std::set<std::string> seen;
    for (const OnnxAttribute& attribute : node.attribute()) {
      if (!seen.insert(attribute.name()).second) {
        fail(place, fmt::format("has the attribute '{}' twice", printable(attribute.name())),
             kExportModelAgain);
      }
      check_attribute(attribute, place, depth);
    }
    const std::string domain = canonical_domain(node.domain());
    const auto version = versions_.find(domain);
    if (version == versions_.end()) {
      return;
    }
    const onnx::OpSchema* const schema = onnx::OpSchemaRegistry::Schema(
        node.op_type(), schema_version(domain, version->second), domain);
    if (schema != nullptr) {
      // What changed between libonnx's last operators and these are inputs that were attributes.
      const bool newer = schema_version(domain, version->second) != version->second;
      check_against(node, *schema, place, newer);
    }
  }

  void check_against(const onnx::NodeProto& node, const onnx::OpSchema& schema,
                     const std::string& place, bool newer) const {
    const bool more_inputs = node.input_size() > schema.max_input() && !newer;
    if (node.input_size() < schema.min_input() || more_inputs) {
      fail(place,
           fmt::format("has {} inputs; the operator takes {}", node.input_size(),
                       range_of(schema.min_input(), schema.max_input())),
           kExportModelAgain);
    }
    if (node.output_size() < schema.min_output() || node.output_size() > schema.max_output()) {
      fail(place,
           fmt::format("has {} outputs; the operator has {}", node.output_size(),
                       range_of(schema.min_output(), schema.max_output())),
           kExportModelAgain);
    }
    for (int i = 0; i < schema.min_input(); ++i) {
      const auto& formal = schema.inputs()[std::min<std::size_t>(static_cast<std::size_t>(i),
                                                                 schema.inputs().size() - 1)];
      if (node.input(i).empty() && formal.GetOption() == onnx::OpSchema::Single) {
        fail(place, fmt::format("lacks its input '{}'", formal.GetName()), kExportModelAgain);
      }
    }
    for (const auto& [name, expected] : schema.attributes()) {
      const OnnxAttribute* const found = find_attribute(node, name);
      if (found == nullptr) {
        if (expected.required) {
          fail(place, fmt::format("lacks the attribute '{}', which the operator must have", name),
               kExportModelAgain);
        }
      } else if (found->ref_attr_name().empty() &&
                 type_of(*found, expected.type) != expected.type) {
        fail(place,
             fmt::format("its attribute '{}' is {}; the operator's is {}", name,
                         kind_of(found->type()), kind_of(expected.type)),
             kExportModelAgain);
      }
    }
  }

  static std::string range_of(int least, int most) {
    if (most >= INT32_MAX) {
      return fmt::format("{} or more", least);
    }
    return least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most);
  }

  void check_attribute(const OnnxAttribute& attribute, const std::string& node, int depth) {
    const std::string place = fmt::format("{}, attribute '{}'", node, printable(attribute.name()));
    if (attribute.has_t() || attribute.type() == OnnxAttribute::TENSOR) {
      check_tensor(attribute.t(), place);
    }
    for (const OnnxTensor& tensor : attribute.tensors()) {
      check_tensor(tensor, place);
    }
    if (attribute.has_sparse_tensor()) {
      check_sparse(attribute.sparse_tensor(), place);
    }
    if (attribute.has_g()) {
      check_graph(attribute.g(), depth + 1);
    }
    for (const onnx::GraphProto& graph : attribute.graphs()) {
      check_graph(graph, depth + 1);
    }
    const bool is_count =
        std::ranges::find(kPositive, std::string_view(attribute.name())) != kPositive.end();
    const bool has_less_than_one =
        (attribute.type() == OnnxAttribute::INT && attribute.i() < 1) ||
        std::ranges::any_of(attribute.ints(), [](std::int64_t value) { return value < 1; });
    if (is_count && has_less_than_one) {
      fail(place, "is less than 1", "correct it");
    }
  }

  static constexpr int kMaxAxes = 64;

  std::string file_;
  std::map<std::string, int> versions_;
};

}  // namespace

int schema_version(const std::string& domain, int opset) {
  const auto& ranges = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  const auto range = ranges.find(domain);
  return range == ranges.end() ? opset : std::min(opset, range->second.second);
}

void check_model(const onnx::ModelProto& model, const std::string& file) {
  ModelCheck check(model, file);
  check.check_graph(model.graph(), 0);
  for (const onnx::FunctionProto& function : model.functions()) {
    check.check_function(function);
  }
}

}  // namespace potomac::workloads
