#include "workloads/onnx/window.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "support/plain_text.hpp"
#include "workloads/onnx/model_file.hpp"
#include "workloads/onnx/shape_fault.hpp"

namespace potomac::workloads {
namespace {

// Beyond every network; no sum or product of two overflows.
constexpr std::int64_t kLargestNumber = std::int64_t{1} << 30U;

Shape numbers(const onnx::NodeProto& node, std::string_view name, std::size_t count,
              std::int64_t least, std::int64_t otherwise) {
  const std::vector<std::int64_t> given = integers_attribute(node, name, {});
  if (given.empty()) {
    return Shape(count, otherwise);
  }
  if (given.size() != count) {
    throw ShapeFault(
        fmt::format("its attribute '{}' has {} numbers, where there are {} spatial axes", name,
                    given.size(), count));
  }
  for (const std::int64_t number : given) {
    if (number < least || number > kLargestNumber) {
      throw ShapeFault(fmt::format("its attribute '{}' is [{}]: numbers from {} on are", name,
                                   fmt::join(given, ", "), least));
    }
  }
  return {given.begin(), given.end()};
}

AutoPad auto_pad_of(const onnx::NodeProto& node) {
  const std::string text = text_attribute(node, "auto_pad", "NOTSET");
  if (text == "NOTSET" || text.empty()) {
    return AutoPad::kNotSet;
  }
  if (text == "SAME_UPPER" || text == "SAME_LOWER") {
    return text == "SAME_UPPER" ? AutoPad::kSameUpper : AutoPad::kSameLower;
  }
  if (text == "VALID") {
    return AutoPad::kValid;
  }
  throw ShapeFault(
      fmt::format("its attribute 'auto_pad' is '{}': NOTSET, SAME_UPPER, SAME_LOWER and VALID are",
                  printable(text)));
}

bool is_same(AutoPad auto_pad) {
  return auto_pad == AutoPad::kSameUpper || auto_pad == AutoPad::kSameLower;
}

void set_pads(Window& window, std::size_t axis, std::int64_t total) {
  const std::int64_t less = total / 2;
  const bool lower = window.auto_pad == AutoPad::kSameLower;
  window.before[axis] = lower ? total - less : less;
  window.behind[axis] = total - window.before[axis];
}

std::int64_t reach(const Window& window, std::size_t axis) {
  return window.dilations[axis] * (window.kernel[axis] - 1) + 1;
}

void check_extents(const Shape& input) {
  if (std::ranges::any_of(input, [](std::int64_t extent) { return extent > kLargestNumber; })) {
    throw ShapeFault(fmt::format("its input's spatial extents are [{}], which is too many",
                                 fmt::join(input, ", ")));
  }
}

}  // namespace

Window window_of(const onnx::NodeProto& node, std::size_t axes, const Shape& kernel) {
  Window window;
  window.kernel = numbers(node, "kernel_shape", axes, 1, 0);
  if (find_attribute(node, "kernel_shape") == nullptr || window.kernel.front() == 0) {
    if (kernel.empty()) {
      throw ShapeFault("it lacks the attribute 'kernel_shape'");
    }
    window.kernel = kernel;
  } else if (!kernel.empty() && window.kernel != kernel) {
    throw ShapeFault(fmt::format("its attribute 'kernel_shape' is [{}], and its weights' is [{}]",
                                 fmt::join(window.kernel, ", "), fmt::join(kernel, ", ")));
  }
  check_extents(window.kernel);
  window.strides = numbers(node, "strides", axes, 1, 1);
  window.dilations = numbers(node, "dilations", axes, 1, 1);
  window.output_padding = numbers(node, "output_padding", axes, 0, 0);
  window.auto_pad = auto_pad_of(node);
  window.ceil = integer_attribute(node, "ceil_mode", 0) != 0;
  const Shape pads = numbers(node, "pads", 2 * axes, 0, 0);
  const auto half = pads.begin() + static_cast<std::ptrdiff_t>(axes);
  window.before.assign(pads.begin(), half);
  window.behind.assign(half, pads.end());
  if (window.auto_pad != AutoPad::kNotSet &&
      std::ranges::any_of(pads, [](std::int64_t pad) { return pad != 0; })) {
    throw ShapeFault(
        fmt::format("it has auto_pad {} and pads [{}], which exclude each other; keep one",
                    printable(text_attribute(node, "auto_pad", "")), fmt::join(pads, ", ")));
  }
  // Some have the extents of all axes there, others of the spatial ones alone.
  const std::vector<std::int64_t> said = integers_attribute(node, "output_shape", {});
  if (said.size() == axes || said.size() == axes + 2) {
    window.output_shape.assign(said.end() - static_cast<std::ptrdiff_t>(axes), said.end());
    check_extents(window.output_shape);
  } else if (!said.empty()) {
    throw ShapeFault(
        fmt::format("its attribute 'output_shape' has {} numbers, where there are {} spatial axes",
                    said.size(), axes));
  }
  return window;
}

Shape slide(Window& window, const Shape& input) {
  check_extents(input);
  Shape output(input.size());
  for (std::size_t axis = 0; axis < input.size(); ++axis) {
    const std::int64_t stride = window.strides[axis];
    if (is_same(window.auto_pad)) {
      output[axis] = (input[axis] + stride - 1) / stride;
      const std::int64_t span = (output[axis] - 1) * stride + reach(window, axis);
      set_pads(window, axis, std::max<std::int64_t>(0, span - input[axis]));
      continue;
    }
    const std::int64_t padded = input[axis] + window.before[axis] + window.behind[axis];
    const std::int64_t rest = padded - reach(window, axis);
    if (rest < 0) {
      throw ShapeFault(fmt::format("its window spans {} of an axis of {}", reach(window, axis),
                                   window.before[axis] + window.behind[axis] == 0
                                       ? fmt::format("{}", input[axis])
                                       : fmt::format("{}, {} with its pads", input[axis], padded)));
    }
    output[axis] = (window.ceil ? rest + stride - 1 : rest) / stride + 1;
    // None begins behind the input.
    if (window.ceil && (output[axis] - 1) * stride >= input[axis] + window.before[axis]) {
      output[axis] -= 1;
    }
  }
  return output;
}

Shape slide_transposed(Window& window, const Shape& input) {
  check_extents(input);
  Shape output(input.size());
  for (std::size_t axis = 0; axis < input.size(); ++axis) {
    const std::int64_t stride = window.strides[axis];
    const std::int64_t whole =
        stride * (input[axis] - 1) + window.output_padding[axis] + reach(window, axis);
    if (!window.output_shape.empty() || is_same(window.auto_pad)) {
      output[axis] = window.output_shape.empty() ? input[axis] * stride : window.output_shape[axis];
      set_pads(window, axis, std::max<std::int64_t>(0, whole - output[axis]));
    } else {
      output[axis] = whole - window.before[axis] - window.behind[axis];
    }
    if (output[axis] < 1) {
      throw ShapeFault(fmt::format("its pads cut off all {} of an axis", whole));
    }
  }
  return output;
}

}  // namespace potomac::workloads
