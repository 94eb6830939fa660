#include "workloads/onnx/known_values.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "workloads/onnx/model_file.hpp"

namespace potomac::workloads {
namespace {

using Inputs = std::span<const NodeInput>;
using Values = std::vector<std::int64_t>;
using Result = std::optional<KnownValues>;
using Number = std::optional<std::int64_t>;
// The element of the input that an element of the output is, by the output's coordinates.
using Source = std::function<std::int64_t(const Shape& at)>;

constexpr std::int64_t kMaxKnownElements = 4096;

bool is_small(const Shape& shape) {
  std::int64_t elements = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0 || extent > kMaxKnownElements || elements * extent > kMaxKnownElements) {
      return false;
    }
    elements *= extent;
  }
  return true;
}

// The index into an input that is broadcast: an extent of 1 stands for any of the output's, and
// missing axes are in front.
std::int64_t broadcast_index(const Shape& shape, const Shape& at) {
  std::int64_t index = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const std::int64_t place = at[at.size() - shape.size() + axis];
    index = index * shape[axis] + (shape[axis] == 1 ? 0 : place);
  }
  return index;
}

bool broadcasts_to(const Shape& shape, const Shape& output) {
  if (shape.size() > output.size()) {
    return false;
  }
  return std::equal(shape.rbegin(), shape.rend(), output.rbegin(),
                    [](std::int64_t from, std::int64_t to) { return from == 1 || from == to; });
}

template <typename Body>
void for_each_element(const Shape& shape, Body body) {
  Shape at(shape.size(), 0);
  for (std::int64_t i = 0; i < element_count(shape); ++i) {
    body(at);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++at[axis] < shape[axis]) {
        break;
      }
      at[axis] = 0;
    }
  }
}

// Elements of the input in another order, or some of them.
Result picked(const KnownValues& input, const Shape& output, const Source& source) {
  KnownValues result{output, {}};
  bool inside = true;
  for_each_element(output, [&](const Shape& at) {
    const std::int64_t index = source(at);
    inside = inside && index >= 0 && index < static_cast<std::int64_t>(input.values.size());
    if (inside) {
      result.values.push_back(input.values[static_cast<std::size_t>(index)]);
    }
  });
  return inside ? Result(std::move(result)) : std::nullopt;
}

Result broadcast(const KnownValues& input, const Shape& output) {
  if (!broadcasts_to(input.shape, output)) {
    return std::nullopt;
  }
  return picked(input, output, [&](const Shape& at) { return broadcast_index(input.shape, at); });
}

Result reshaped(const KnownValues& input, const Shape& output) {
  return element_count(output) == element_count(input.shape)
             ? Result(KnownValues{output, input.values})
             : std::nullopt;
}

// --- numbers -------------------------------------------------------------------------------------

// What a node does with each pair of its inputs' elements.
struct BinaryOperator {
  std::string_view name;
  Number (*apply)(std::int64_t, std::int64_t);
};

Number sum(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_add_overflow(a, b, &result) ? std::nullopt : Number(result);
}

Number difference(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_sub_overflow(a, b, &result) ? std::nullopt : Number(result);
}

Number product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? std::nullopt : Number(result);
}

// Rounded towards zero.
Number quotient(std::int64_t a, std::int64_t b) {
  return b == 0 || b == -1 ? (b == 0 ? std::nullopt : difference(0, a)) : Number(a / b);
}

// The remainder has the divisor's sign.
Number rest(std::int64_t a, std::int64_t b) {
  if (b == 0 || b == -1) {
    return b == 0 ? std::nullopt : Number(0);
  }
  const std::int64_t remainder = a % b;
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

constexpr std::array<BinaryOperator, 14> kBinaryOperators = {{
    {"Add", sum},
    {"Sub", difference},
    {"Mul", product},
    {"Div", quotient},
    {"Mod", rest},
    {"Min", [](std::int64_t a, std::int64_t b) { return Number(std::min(a, b)); }},
    {"Max", [](std::int64_t a, std::int64_t b) { return Number(std::max(a, b)); }},
    {"Equal", [](std::int64_t a, std::int64_t b) { return Number(a == b ? 1 : 0); }},
    {"Less", [](std::int64_t a, std::int64_t b) { return Number(a < b ? 1 : 0); }},
    {"Greater", [](std::int64_t a, std::int64_t b) { return Number(a > b ? 1 : 0); }},
    {"LessOrEqual", [](std::int64_t a, std::int64_t b) { return Number(a <= b ? 1 : 0); }},
    {"GreaterOrEqual", [](std::int64_t a, std::int64_t b) { return Number(a >= b ? 1 : 0); }},
    {"And", [](std::int64_t a, std::int64_t b) { return Number(a != 0 && b != 0 ? 1 : 0); }},
    {"Or", [](std::int64_t a, std::int64_t b) { return Number(a != 0 || b != 0 ? 1 : 0); }},
}};

Result combined(const BinaryOperator& binary, Inputs inputs, const Shape& output) {
  Result result = broadcast(*inputs[0].known, output);
  for (const NodeInput& input : inputs.subspan(1)) {
    const Result other = broadcast(*input.known, output);
    if (!result || !other) {
      return std::nullopt;
    }
    for (std::size_t i = 0; i < other->values.size(); ++i) {
      const Number number = binary.apply(result->values[i], other->values[i]);
      if (!number) {
        return std::nullopt;
      }
      result->values[i] = *number;
    }
  }
  return result;
}

Result reduced(const KnownValues& input, const Shape& output,
               Number (*apply)(std::int64_t, std::int64_t)) {
  if (element_count(output) != 1 || input.values.empty()) {
    return std::nullopt;
  }
  Number number = input.values.front();
  for (std::size_t i = 1; number && i < input.values.size(); ++i) {
    number = apply(*number, input.values[i]);
  }
  return number ? Result(KnownValues{output, {*number}}) : std::nullopt;
}

// --- operators -----------------------------------------------------------------------------------

bool all_known(Inputs inputs) {
  return !inputs.empty() &&
         std::ranges::all_of(inputs, [](const NodeInput& i) { return i.known != nullptr; });
}

// The axis that an attribute names, from behind if it is negative.
std::optional<std::size_t> axis_of(const onnx::NodeProto& node, std::size_t rank,
                                   std::int64_t otherwise) {
  std::int64_t axis = integer_attribute(node, "axis", otherwise);
  axis += axis < 0 ? static_cast<std::int64_t>(rank) : 0;
  return axis >= 0 && axis < static_cast<std::int64_t>(rank)
             ? std::optional(static_cast<std::size_t>(axis))
             : std::nullopt;
}

Result constant(const onnx::NodeProto& node, const Shape& output) {
  if (const onnx::AttributeProto* const value = find_attribute(node, "value")) {
    return known_values_of(value->t());
  }
  if (find_attribute(node, "value_int") != nullptr) {
    return KnownValues{{}, {integer_attribute(node, "value_int", 0)}};
  }
  if (find_attribute(node, "value_ints") != nullptr) {
    return KnownValues{output, integers_attribute(node, "value_ints", {})};
  }
  return std::nullopt;
}

// The extents from `start` on, before `end`: both may count from behind, and lie outside.
Result shape_values(const onnx::NodeProto& node, const Shape& input) {
  const auto rank = static_cast<std::int64_t>(input.size());
  const auto bound = [&](std::string_view name, std::int64_t otherwise) {
    const std::int64_t place = integer_attribute(node, name, otherwise);
    return std::clamp<std::int64_t>(place < 0 ? place + rank : place, 0, rank);
  };
  const std::int64_t start = bound("start", 0);
  const std::int64_t end = std::max(start, bound("end", rank));
  return KnownValues{{end - start}, {input.begin() + start, input.begin() + end}};
}

Result count_of(const Shape& input) {
  Number count = 1;
  for (const std::int64_t extent : input) {
    count = count ? product(*count, extent) : count;
  }
  return count ? Result(KnownValues{{}, {*count}}) : std::nullopt;
}

Result gathered(const onnx::NodeProto& node, const KnownValues& data, const KnownValues& indices,
                const Shape& output) {
  const auto axis = axis_of(node, data.shape.size(), 0);
  if (!axis || output.size() + 1 != data.shape.size() + indices.shape.size()) {
    return std::nullopt;
  }
  return picked(data, output, [&](const Shape& at) -> std::int64_t {
    const auto behind = at.begin() + static_cast<std::ptrdiff_t>(*axis);
    const Shape place(behind, behind + static_cast<std::ptrdiff_t>(indices.shape.size()));
    std::int64_t index =
        indices.values[static_cast<std::size_t>(broadcast_index(indices.shape, place))];
    index += index < 0 ? data.shape[*axis] : 0;
    if (index < 0 || index >= data.shape[*axis]) {
      return -1;
    }
    Shape from(at.begin(), behind);
    from.push_back(index);
    from.insert(from.end(), behind + static_cast<std::ptrdiff_t>(indices.shape.size()), at.end());
    return broadcast_index(data.shape, from);
  });
}

// Inputs follow one another along an axis; what lies before it repeats all of them.
Result joined(const onnx::NodeProto& node, Inputs inputs, const Shape& output) {
  const auto axis = axis_of(node, output.size(), 0);
  if (!axis) {
    return std::nullopt;
  }
  const std::int64_t repeats =
      element_count({output.begin(), output.begin() + static_cast<std::ptrdiff_t>(*axis)});
  KnownValues result{output, {}};
  for (std::int64_t i = 0; i < repeats; ++i) {
    for (const NodeInput& input : inputs) {
      const Values& values = input.known->values;
      const auto part = static_cast<std::ptrdiff_t>(values.size()) / repeats;
      result.values.insert(result.values.end(), values.begin() + i * part,
                           values.begin() + (i + 1) * part);
    }
  }
  return static_cast<std::int64_t>(result.values.size()) == element_count(output)
             ? Result(std::move(result))
             : std::nullopt;
}

// What a slice takes of an axis: from `first` on, every `step`-th.
struct AxisSlice {
  std::int64_t first = 0;
  std::int64_t step = 1;
};

// Starts, axes and steps are inputs, or (of old) attributes; where a slice ends follows from the
// output's extents.
std::optional<std::vector<AxisSlice>> slices_of(const onnx::NodeProto& node, Inputs inputs,
                                                const Shape& data) {
  const auto list = [&](std::size_t input, std::string_view attribute) {
    return input < inputs.size() && inputs[input].known != nullptr
               ? inputs[input].known->values
               : integers_attribute(node, attribute, {});
  };
  const Values starts = list(1, "starts");
  const Values axes = list(3, "axes");
  const Values steps = list(4, "steps");
  const auto rank = static_cast<std::int64_t>(data.size());
  std::vector<AxisSlice> slices(data.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::int64_t said = i < axes.size() ? axes[i] : static_cast<std::int64_t>(i);
    const std::int64_t axis = said < 0 ? said + rank : said;
    if (axis < 0 || axis >= rank) {
      return std::nullopt;
    }
    AxisSlice& slice = slices[static_cast<std::size_t>(axis)];
    const std::int64_t extent = data[static_cast<std::size_t>(axis)];
    slice.step = i < steps.size() ? steps[i] : 1;
    slice.first = std::clamp<std::int64_t>(starts[i] < 0 ? starts[i] + extent : starts[i], 0,
                                           std::max<std::int64_t>(extent - 1, 0));
  }
  return slices;
}

Result sliced(const onnx::NodeProto& node, Inputs inputs, const Shape& output) {
  const KnownValues& data = *inputs[0].known;
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i].known == nullptr && !node.input(static_cast<int>(i)).empty()) {
      return std::nullopt;
    }
  }
  const auto slices = slices_of(node, inputs, data.shape);
  if (!slices || output.size() != data.shape.size()) {
    return std::nullopt;
  }
  return picked(data, output, [&](const Shape& at) -> std::int64_t {
    Shape from(at.size());
    for (std::size_t axis = 0; axis < at.size(); ++axis) {
      const AxisSlice& slice = (*slices)[axis];
      const Number distance = product(at[axis], slice.step);
      from[axis] = distance ? sum(slice.first, *distance).value_or(-1) : -1;
      if (from[axis] < 0 || from[axis] >= data.shape[axis]) {
        return -1;
      }
    }
    return broadcast_index(data.shape, from);
  });
}

Result transposed(const onnx::NodeProto& node, const KnownValues& data, const Shape& output) {
  const std::size_t rank = data.shape.size();
  const Values order = integers_attribute(node, "perm", {});
  if (output.size() != rank || (!order.empty() && order.size() != rank)) {
    return std::nullopt;
  }
  return picked(data, output, [&](const Shape& at) -> std::int64_t {
    Shape from(rank);
    for (std::size_t i = 0; i < rank; ++i) {
      const auto axis = order.empty() ? rank - 1 - i : static_cast<std::size_t>(order[i]);
      if (axis >= rank) {
        return -1;
      }
      from[axis] = at[i];
    }
    return broadcast_index(data.shape, from);
  });
}

Result filled(const onnx::NodeProto& node, const Shape& output) {
  const onnx::AttributeProto* const value = find_attribute(node, "value");
  if (value == nullptr) {
    return std::nullopt;  // a float
  }
  const Result one = known_values_of(value->t());
  return one && one->values.size() == 1 ? broadcast({{}, one->values}, output) : std::nullopt;
}

Result counted(const KnownValues& start, const KnownValues& step, const Shape& output) {
  if (start.values.size() != 1 || step.values.size() != 1) {
    return std::nullopt;
  }
  KnownValues result{output, {}};
  Number number = start.values[0];
  for (std::int64_t i = 0; number && i < element_count(output); ++i) {
    result.values.push_back(*number);
    number = sum(*number, step.values[0]);
  }
  return result.values.size() == static_cast<std::size_t>(element_count(output))
             ? Result(std::move(result))
             : std::nullopt;
}

Result chosen(Inputs inputs, const Shape& output) {
  Result result = broadcast(*inputs[0].known, output);
  const Result yes = broadcast(*inputs[1].known, output);
  const Result no = broadcast(*inputs[2].known, output);
  if (!result || !yes || !no) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < result->values.size(); ++i) {
    result->values[i] = result->values[i] != 0 ? yes->values[i] : no->values[i];
  }
  return result;
}

Result cast(const onnx::NodeProto& node, const KnownValues& input, const Shape& output) {
  switch (integer_attribute(node, "to", 0)) {
    case onnx::TensorProto::INT64:
    case onnx::TensorProto::INT32:
      return reshaped(input, output);
    case onnx::TensorProto::BOOL: {
      Result result = reshaped(input, output);
      if (result) {
        std::ranges::transform(result->values, result->values.begin(),
                               [](std::int64_t value) { return value != 0 ? 1 : 0; });
      }
      return result;
    }
    default:
      return std::nullopt;
  }
}

// Whether the first input is all that says what the values are: the others, if any, say the new
// shape.
bool keeps_values(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames = {"Identity", "Reshape", "Squeeze", "Unsqueeze",
                                                      "Flatten"};
  return std::ranges::find(kNames, name) != kNames.end();
}

// Raw, little-endian (model_file.cpp asserts that so is the machine), or in the field of their
// type.
template <typename Raw, typename Typed>
Values integers(const onnx::TensorProto& tensor, const Typed& typed) {
  if (!tensor.has_raw_data()) {
    return {typed.begin(), typed.end()};
  }
  const std::string& bytes = tensor.raw_data();
  std::vector<Raw> raw(bytes.size() / sizeof(Raw));
  if (!raw.empty()) {
    std::memcpy(raw.data(), bytes.data(), raw.size() * sizeof(Raw));
  }
  return {raw.begin(), raw.end()};
}

// The values where the first input is known; the others, if any, say where the values go.
Result of_first_input(const onnx::NodeProto& node, Inputs inputs, const Shape& output) {
  const std::string_view name = node.op_type();
  const KnownValues& first = *inputs[0].known;
  if (keeps_values(name)) {
    return reshaped(first, output);
  }
  if (name == "Cast") {
    return cast(node, first, output);
  }
  if (name == "Expand") {
    return broadcast(first, output);
  }
  if (name == "Transpose") {
    return transposed(node, first, output);
  }
  if (name == "ReduceProd" || name == "ReduceSum") {
    return reduced(first, output, name == "ReduceProd" ? product : sum);
  }
  return name == "Slice" ? sliced(node, inputs, output) : std::nullopt;
}

Result of_all_inputs(const onnx::NodeProto& node, Inputs inputs, const Shape& output) {
  const std::string_view name = node.op_type();
  if (name == "Concat") {
    return joined(node, inputs, output);
  }
  if (name == "Gather" && inputs.size() == 2) {
    return gathered(node, *inputs[0].known, *inputs[1].known, output);
  }
  if (name == "Range" && inputs.size() == 3) {
    return counted(*inputs[0].known, *inputs[2].known, output);
  }
  if (name == "Where" && inputs.size() == 3) {
    return chosen(inputs, output);
  }
  const auto* const binary = std::ranges::find(kBinaryOperators, name, &BinaryOperator::name);
  if (integer_attribute(node, "fmod", 0) != 0) {
    return std::nullopt;  // a Mod of the dividend's sign
  }
  return binary == kBinaryOperators.end() ? std::nullopt : combined(*binary, inputs, output);
}

}  // namespace

Result known_values_of(const onnx::TensorProto& tensor) {
  const Shape shape = shape_of(tensor);
  if (!is_small(shape) || tensor.data_location() == onnx::TensorProto::EXTERNAL) {
    return std::nullopt;
  }
  KnownValues known{shape, {}};
  switch (tensor.data_type()) {
    case onnx::TensorProto::INT64:
      known.values = integers<std::int64_t>(tensor, tensor.int64_data());
      break;
    case onnx::TensorProto::INT32:
      known.values = integers<std::int32_t>(tensor, tensor.int32_data());
      break;
    case onnx::TensorProto::BOOL:
      known.values = integers<std::int8_t>(tensor, tensor.int32_data());
      break;
    default:
      return std::nullopt;
  }
  return static_cast<std::int64_t>(known.values.size()) == element_count(shape)
             ? Result(std::move(known))
             : std::nullopt;
}

onnx::TensorProto tensor_of(const KnownValues& known) {
  onnx::TensorProto tensor;
  tensor.set_data_type(onnx::TensorProto::INT64);
  for (const std::int64_t extent : known.shape) {
    tensor.add_dims(extent);
  }
  for (const std::int64_t value : known.values) {
    tensor.add_int64_data(value);
  }
  return tensor;
}

Result evaluate(const onnx::NodeProto& node, Inputs inputs, const Shape& output) {
  const std::string_view name = node.op_type();
  if (!is_small(output) || node.output_size() != 1) {
    return std::nullopt;
  }
  if (name == "Constant") {
    return constant(node, output);
  }
  if (name == "ConstantOfShape") {
    return filled(node, output);
  }
  if (inputs.empty()) {
    return std::nullopt;
  }
  if (name == "Shape" && inputs[0].shape != nullptr) {
    return shape_values(node, *inputs[0].shape);
  }
  if (name == "Size" && inputs[0].shape != nullptr) {
    return count_of(*inputs[0].shape);
  }
  if (inputs[0].known == nullptr) {
    return std::nullopt;
  }
  if (Result result = of_first_input(node, inputs, output)) {
    return result;
  }
  return all_known(inputs) ? of_all_inputs(node, inputs, output) : std::nullopt;
}

}  // namespace potomac::workloads
