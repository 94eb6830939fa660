#include "workloads/sources/model_description.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "support/error.hpp"
#include "support/plain_text.hpp"

namespace potomac::workloads {
namespace {

constexpr std::string_view kModelFormat = "potomac-model";
constexpr std::int64_t kModelVersion = 1;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
// Beyond every real network, and far from overflow wherever two are multiplied.
constexpr std::int64_t kMaxExtent = kMaxShapeElements;
constexpr std::int64_t kMaxSmall = std::int64_t{1} << 20U;  // strides, kernels, padding
constexpr std::size_t kMaxLayers = 100000;
constexpr std::int64_t kMaxRepeats = 100000;  // of all blocks together, whatever is in them
constexpr int kMaxNesting = 16;
// What an entry of a list of layers can be; its name stands behind this word.
constexpr std::array<std::string_view, 10> kEntryKinds = {
    "conv1d", "conv2d", "conv_transpose2d", "conv3d", "conv_transpose3d", "linear",
    "matmul", "pool",   "flatten",          "block"};

// Walks a description, and keeps the shape that flows from layer to layer.
class ModelBuilder {
 public:
  ModelBuilder(const YamlValue& root, Dimensions dimensions)
      : blocks_(root.find("blocks")), dimensions_(std::move(dimensions)) {
    if (blocks_) {
      blocks_->entries();  // a map
    }
    if (const auto input = root.find("input")) {
      flow_ = shape(*input, dimensions_);
    }
    add_all(root.at("layers"), {dimensions_, flow_, "", 0});
  }

  // Named by their place in the network.
  std::vector<LayerShape> take_layers() {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      layers_[i].name = numbered_name(i, layers_.size(), layers_[i].name);
    }
    return std::move(layers_);
  }
  std::int64_t parameters() const { return parameters_; }

 private:
  // The surroundings of an entry: what its names mean, what entered its block, and the block's
  // name.
  struct Scope {
    Dimensions dimensions;
    Shape input;
    std::string prefix;  // "layer1.0."
    int nesting = 0;
  };

  static Shape shape(const YamlValue& list, const Dimensions& dimensions) {
    Shape shape;
    for (const YamlValue& extent : list.items()) {
      shape.push_back(evaluate(extent, dimensions, 1, kMaxExtent));
    }
    return shape;
  }

  // A number for each axis: one value stands for all, padding may have one for each side.
  static Shape per_axis(const YamlValue& entry, std::string_view key, const Dimensions& dimensions,
                        std::int64_t low, std::int64_t otherwise, std::size_t axes,
                        bool sides = false) {
    const auto value = entry.find(key);
    if (!value) {
      return Shape(axes, otherwise);
    }
    if (value->is_scalar()) {
      return Shape(axes, evaluate(*value, dimensions, low, kMaxSmall));
    }
    Shape list;
    for (const YamlValue& item : value->items()) {
      list.push_back(evaluate(item, dimensions, low, kMaxSmall));
    }
    if (list.size() != axes && !(sides && list.size() == 2 * axes)) {
      value->fail(fmt::format("has {} values", list.size()),
                  axes == 1   ? "write one"
                  : axes == 2 ? "write one, or [vertical, horizontal]"
                              : "write one, or [depth, vertical, horizontal]");
    }
    return list;
  }

  // 'same': as much as gives an output for every stride-th element of the input, the odd one
  // behind.
  static Shape padding_of(const YamlValue& entry, const Dimensions& dimensions,
                          std::span<const std::int64_t> input, const Shape& kernel,
                          const Shape& stride, const Shape& dilation) {
    const std::size_t axes = kernel.size();
    const auto value = entry.find("padding");
    if (!value || !value->is_scalar() || value->as_string() != "same") {
      return per_axis(entry, "padding", dimensions, 0, 0, axes, true);
    }
    Shape padding(2 * axes);
    for (std::size_t axis = 0; axis < axes; ++axis) {
      const std::int64_t outputs = (input[axis] + stride[axis] - 1) / stride[axis];
      const std::int64_t total = std::max<std::int64_t>(
          0, (outputs - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1 - input[axis]);
      padding[axis] = total / 2;
      padding[axes + axis] = total - total / 2;
    }
    return padding;
  }

  static bool flag(const YamlValue& entry, std::string_view key, bool otherwise) {
    const auto value = entry.find(key);
    return value ? value->as_bool() : otherwise;
  }

  void add_all(const YamlValue& entries, const Scope& scope) {
    for (const YamlValue& entry : entries.items()) {
      add(entry, scope);
    }
  }

  void add(const YamlValue& entry, const Scope& scope) {
    std::string_view kind;
    for (const std::string_view word : kEntryKinds) {
      if (entry.find(word)) {
        if (!kind.empty()) {
          entry.fail(fmt::format("is both {} and {}", kind, word), "make it two entries");
        }
        kind = word;
      }
    }
    if (kind.empty()) {
      entry.fail("does not say what it is",
                 fmt::format("write one of {} with a name", fmt::join(kEntryKinds, ", ")));
    }
    const std::string name = scope.prefix + entry.at(kind).as_string();
    if (kind == "conv1d" || kind == "conv2d" || kind == "conv3d") {
      add_convolution(entry, name, scope, kind == "conv1d" ? 1 : kind == "conv2d" ? 2 : 3);
    } else if (kind == "conv_transpose2d" || kind == "conv_transpose3d") {
      add_transposed(
          entry, name, scope,
          kind == "conv_transpose2d" ? LayerKind::kConvTranspose2d : LayerKind::kConvTranspose3d);
    } else if (kind == "linear") {
      add_linear(entry, name, scope);
    } else if (kind == "matmul") {
      add_matmul(entry, name, scope);
    } else if (kind == "pool") {
      add_pool(entry, scope);
    } else if (kind == "flatten") {
      add_flatten(entry, scope);
    } else {
      add_block(entry, name, scope);
    }
  }

  // What enters the layer: what its `input` says, else what left the one before.
  Shape input_of(const YamlValue& entry, const Scope& scope, std::size_t rank) const {
    const auto value = entry.find("input");
    Shape input = !value               ? flow_
                  : value->is_scalar() ? block_input(*value, scope)
                                       : shape(*value, scope.dimensions);
    if (input.empty()) {
      entry.fail("has no input", "write 'input: [...]' here, or at the top of the file");
    }
    if (input.size() < rank) {
      entry.fail(fmt::format("its input is [{}], which has fewer than {} axes",
                             fmt::join(input, ", "), rank),
                 "write its 'input: [...]'");
    }
    return input;
  }

  static Shape block_input(const YamlValue& value, const Scope& scope) {
    value.as_one_of({"block"});
    return scope.input;
  }

  LayerShape& append(const YamlValue& entry, const std::string& name, LayerKind kind) {
    if (layers_.size() == kMaxLayers) {
      entry.fail(fmt::format("is one of more than {} layers", kMaxLayers), "repeat less");
    }
    LayerShape& layer = layers_.emplace_back();
    layer.name = name;
    layer.kind = kind;
    layer.input_grad = flag(entry, "input_grad", true);
    layer.weight_grad = flag(entry, "weight_grad", true);
    return layer;
  }

  void count_parameters(const YamlValue& entry, const Shape& weights, std::int64_t outputs) {
    std::int64_t count = flag(entry, "bias", false) ? outputs : 0;
    std::int64_t elements = 1;
    bool overflow = false;
    for (const std::int64_t extent : weights) {
      overflow = overflow || __builtin_mul_overflow(elements, extent, &elements);
    }
    overflow = overflow || __builtin_add_overflow(count, elements, &count) ||
               __builtin_add_overflow(parameters_, count, &parameters_);
    if (overflow) {
      entry.fail("the network's parameters do not fit 64 bits", "choose smaller extents");
    }
  }

  // The extent of an output axis, floor((in + padding - reach) / stride) + 1.
  static std::int64_t windows(const YamlValue& entry, std::int64_t input, std::int64_t padding,
                              std::int64_t reach, std::int64_t stride) {
    if (reach > input + padding) {
      entry.fail(
          fmt::format("its kernel spans {}, but its padded input has {}", reach, input + padding),
          "correct kernel, dilation, padding or input");
    }
    return (input + padding - reach) / stride + 1;
  }

  // The same where a last window may hang over the end, but none begins behind the input.
  static std::int64_t hanging_windows(std::int64_t input, std::int64_t before, std::int64_t after,
                                      std::int64_t reach, std::int64_t stride) {
    const std::int64_t rest = input + before + after - reach;
    const std::int64_t outputs = (std::max<std::int64_t>(rest, 0) + stride - 1) / stride + 1;
    return (outputs - 1) * stride >= input + before ? outputs - 1 : outputs;
  }

  // What both kinds of convolutions say: all but the extents of their results.
  struct Convolution {
    LayerShape& layer;
    std::int64_t outputs;
    Shape kernel;
    GeometryLists lists;
  };

  Convolution append_convolution(const YamlValue& entry, const std::string& name,
                                 const Scope& scope, LayerKind kind, std::size_t axes) {
    const Dimensions& names = scope.dimensions;
    const Shape input = input_of(entry, scope, 2 + axes);
    if (input.size() != 2 + axes) {
      entry.fail(fmt::format("its input is [{}], not [batch, channels, {}]", fmt::join(input, ", "),
                             axes == 1   ? "length"
                             : axes == 2 ? "height, width"
                                         : "depth, height, width"),
                 "write its 'input: [...]'");
    }
    entry.at("kernel");
    const std::int64_t outputs = evaluate(entry.at("outputs"), names, 1, kMaxExtent);
    const std::int64_t groups =
        entry.find("groups") ? evaluate(entry.at("groups"), names, 1, kMaxExtent) : 1;
    Convolution result{.layer = append(entry, name, kind),
                       .outputs = outputs,
                       .kernel = per_axis(entry, "kernel", names, 1, 1, axes),
                       .lists = {.stride = per_axis(entry, "stride", names, 1, 1, axes),
                                 .padding = {},
                                 .dilation = per_axis(entry, "dilation", names, 1, 1, axes)}};
    result.lists.padding = padding_of(entry, names, std::span(input).subspan(2), result.kernel,
                                      result.lists.stride, result.lists.dilation);
    GeometryLists stored = result.lists;
    if (axes == 1) {
      widen(stored);
    }
    result.layer.conv = geometry_of(stored, groups);
    if (input[1] % groups != 0 || outputs % groups != 0) {
      entry.fail(fmt::format("{} groups do not divide {} channels and {} outputs", groups, input[1],
                             outputs),
                 "choose a divisor of both");
    }
    result.layer.a = input;
    result.layer.g = {input[0], outputs};
    return result;
  }

  // One axis is two, of height 1.
  static void widen(GeometryLists& lists) {
    lists.stride.insert(lists.stride.begin(), 1);
    lists.dilation.insert(lists.dilation.begin(), 1);
    if (lists.padding.size() == 2) {
      lists.padding = {0, lists.padding[0], 0, lists.padding[1]};
    } else {
      lists.padding.insert(lists.padding.begin(), 0);
    }
  }

  void add_convolution(const YamlValue& entry, const std::string& name, const Scope& scope,
                       std::size_t axes) {
    entry.allow_only({"conv1d", "conv2d", "conv3d", "outputs", "kernel", "stride", "padding",
                      "dilation", "groups", "bias", "input", "input_grad", "weight_grad"});
    const Convolution convolution = append_convolution(
        entry, name, scope, axes == 3 ? LayerKind::kConv3d : LayerKind::kConv2d, axes);
    LayerShape& layer = convolution.layer;
    layer.w = {convolution.outputs, layer.a[1] / layer.conv.groups};
    for (std::size_t axis = 0; axis < convolution.kernel.size(); ++axis) {
      const std::int64_t taps = convolution.kernel[axis];
      layer.w.push_back(taps);
      layer.g.push_back(windows(entry, layer.a[2 + axis], convolution.lists.padding_along(axis),
                                convolution.lists.dilation[axis] * (taps - 1) + 1,
                                convolution.lists.stride[axis]));
    }
    count_parameters(entry, layer.w, convolution.outputs);
    flow_ = layer.g;
    if (axes == 1) {
      for (Shape* const tensor : {&layer.w, &layer.a, &layer.g}) {
        tensor->insert(tensor->begin() + 2, 1);
      }
    }
  }

  void add_transposed(const YamlValue& entry, const std::string& name, const Scope& scope,
                      LayerKind kind) {
    entry.allow_only({"conv_transpose2d", "conv_transpose3d", "outputs", "kernel", "stride",
                      "padding", "output_padding", "dilation", "groups", "bias", "input",
                      "input_grad", "weight_grad"});
    const Convolution convolution =
        append_convolution(entry, name, scope, kind, is_volumetric(kind) ? 3 : 2);
    LayerShape& layer = convolution.layer;
    const std::size_t axes = convolution.kernel.size();
    const Shape more = per_axis(entry, "output_padding", scope.dimensions, 0, 0, axes);
    layer.w = {layer.a[1], convolution.outputs / layer.conv.groups};
    for (std::size_t axis = 0; axis < axes; ++axis) {
      const std::int64_t taps = convolution.kernel[axis];
      const std::int64_t stride = convolution.lists.stride[axis];
      // The extents are far from overflow: kMaxExtent and kMaxSmall.
      const std::int64_t extent = (layer.a[2 + axis] - 1) * stride +
                                  convolution.lists.dilation[axis] * (taps - 1) + 1 -
                                  convolution.lists.padding_along(axis) + more[axis];
      if (extent < 1 || more[axis] >= stride) {
        entry.fail(fmt::format("its output has an extent of {}, with an output padding of {} and "
                               "a stride of {}",
                               extent, more[axis], stride),
                   "pad less; the output padding must be below the stride");
      }
      layer.w.push_back(taps);
      layer.g.push_back(extent);
    }
    count_parameters(entry, layer.w, convolution.outputs);
    flow_ = layer.g;
  }

  // Works on the last axis; all others are rows.
  void add_linear(const YamlValue& entry, const std::string& name, const Scope& scope) {
    entry.allow_only({"linear", "outputs", "bias", "input", "input_grad", "weight_grad"});
    const Shape input = input_of(entry, scope, 1);
    const std::int64_t outputs = evaluate(entry.at("outputs"), scope.dimensions, 1, kMaxExtent);
    std::int64_t rows = 1;
    for (std::size_t axis = 0; axis + 1 < input.size(); ++axis) {
      if (__builtin_mul_overflow(rows, input[axis], &rows)) {
        entry.fail("its rows do not fit 64 bits", "choose smaller extents");
      }
    }
    LayerShape& layer = append(entry, name, LayerKind::kLinear);
    layer.a = {rows, input.back()};
    layer.w = {outputs, input.back()};
    layer.g = {rows, outputs};
    count_parameters(entry, layer.w, outputs);
    flow_ = input;
    flow_.back() = outputs;
  }

  // Says all of its extents itself, and lets what flows pass by.
  void add_matmul(const YamlValue& entry, const std::string& name, const Scope& scope) {
    entry.allow_only({"matmul", "batch", "m", "n", "k", "input_grad", "weight_grad"});
    const auto extent = [&](std::string_view key) {
      return evaluate(entry.at(key), scope.dimensions, 1, kMaxExtent);
    };
    const std::int64_t batch = entry.find("batch") ? extent("batch") : 1;
    LayerShape& layer = append(entry, name, LayerKind::kMatmul);
    layer.a = {batch, extent("m"), extent("k")};
    layer.w = {batch, extent("k"), extent("n")};
    layer.g = {batch, extent("m"), extent("n")};
  }

  // Has no GEMM; it only changes what flows.
  void add_pool(const YamlValue& entry, const Scope& scope) {
    entry.allow_only({"pool", "kernel", "stride", "padding", "ceil", "input"});
    Shape input = input_of(entry, scope, 4);
    entry.at("kernel");
    const Shape kernel = per_axis(entry, "kernel", scope.dimensions, 1, 1, 2);
    const Shape stride =
        entry.find("stride") ? per_axis(entry, "stride", scope.dimensions, 1, 1, 2) : kernel;
    const Shape around =
        padding_of(entry, scope.dimensions, std::span(input).last(2), kernel, stride, Shape(2, 1));
    const bool ceil = flag(entry, "ceil", false);
    for (std::size_t axis = 0; axis < 2; ++axis) {
      std::int64_t& extent = input[input.size() - 2 + axis];
      const std::int64_t before = around[axis];
      const std::int64_t after = around[around.size() - 2 + axis];
      const std::int64_t whole = windows(entry, extent, before + after, kernel[axis], stride[axis]);
      extent = ceil ? hanging_windows(extent, before, after, kernel[axis], stride[axis]) : whole;
    }
    flow_ = std::move(input);
  }

  // All axes behind the batch become one.
  void add_flatten(const YamlValue& entry, const Scope& scope) {
    entry.allow_only({"flatten", "input"});
    const Shape input = input_of(entry, scope, 2);
    std::int64_t rest = 1;
    for (std::size_t axis = 1; axis < input.size(); ++axis) {
      if (__builtin_mul_overflow(rest, input[axis], &rest) || rest > kMaxExtent) {
        entry.fail("has too many elements to be one axis", "choose smaller extents");
      }
    }
    flow_ = {input[0], rest};
  }

  void add_block(const YamlValue& entry, const std::string& name, const Scope& scope) {
    entry.allow_only({"block", "of", "with", "repeat", "first", "input"});
    const std::string of = entry.at("of").as_string();
    const auto body = blocks_ ? blocks_->find(of) : std::nullopt;
    if (!body) {
      entry.at("of").fail(fmt::format("there is no block '{}'", printable(of)),
                          "name it under 'blocks'");
    }
    if (scope.nesting == kMaxNesting) {
      entry.fail(fmt::format("blocks are nested more than {} deep", kMaxNesting),
                 "does a block contain itself?");
    }
    Dimensions names = dimensions_;
    if (const auto with = entry.find("with")) {
      for (const auto& [word, value] : with->entries()) {
        names[word] = evaluate(value, scope.dimensions);
      }
    }
    const auto repeat = entry.find("repeat");
    const std::int64_t times =
        repeat ? evaluate(*repeat, scope.dimensions, 1, static_cast<std::int64_t>(kMaxLayers)) : 1;
    const auto first = entry.find("first");
    const std::int64_t number = first ? evaluate(*first, scope.dimensions, 0, kMaxSmall) : 0;
    if (entry.find("input")) {
      flow_ = input_of(entry, scope, 1);
    }
    for (std::int64_t i = 0; i < times; ++i) {
      if (++repeats_ > kMaxRepeats) {
        entry.fail(fmt::format("blocks repeat more than {} times in all", kMaxRepeats),
                   "repeat less");
      }
      const std::string prefix =
          repeat ? fmt::format("{}.{}.", name, number + i) : fmt::format("{}.", name);
      add_all(*body, {names, flow_, prefix, scope.nesting + 1});
    }
  }

  std::optional<YamlValue> blocks_;
  Dimensions dimensions_;
  Shape flow_;  // what left the last layer
  std::vector<LayerShape> layers_;
  std::int64_t parameters_ = 0;
  std::int64_t repeats_ = 0;  // of all blocks so far
};

// The file's own dimensions, in its order: each may use those before it.
Dimensions bind(const YamlValue& root, const Dimensions& bound) {
  Dimensions dimensions;
  std::vector<std::string> names;
  if (const auto own = root.find("dimensions")) {
    for (const auto& [name, value] : own->entries()) {
      const auto given = bound.find(name);
      dimensions[name] =
          given != bound.end() ? given->second : evaluate(value, dimensions, 1, kMaxExtent);
      names.push_back(name);
    }
  }
  // What follows from them, and is not bound.
  if (const auto derived = root.find("names")) {
    for (const auto& [name, value] : derived->entries()) {
      if (dimensions.contains(name)) {
        value.fail(fmt::format("'{}' is a dimension already", printable(name)),
                   "name it otherwise");
      }
      dimensions[name] = evaluate(value, dimensions, 1, kMaxExtent);
    }
  }
  for (const auto& [name, extent] : bound) {
    if (std::ranges::find(names, name) == names.end()) {
      throw InputError({root.file(), "dimensions",
                        fmt::format("there is no '{}' to bind to {}", printable(name), extent),
                        names.empty() ? std::string("this model has none")
                                      : fmt::format("this model has {}", fmt::join(names, ", "))});
    }
  }
  return dimensions;
}

LayerFormats formats_of(const YamlValue& root) {
  LayerFormats formats;
  if (const auto bits = root.find("bits")) {
    bits->allow_only({"W", "A", "G"});
    const auto set = [&](const char* tensor, TensorFormat& format) {
      if (const auto value = bits->find(tensor)) {
        format.bits = static_cast<int>(value->as_integer(rtl::kMinPotBits, rtl::kMaxPotBits));
      }
    };
    set("W", formats.w);
    set("A", formats.a);
    set("G", formats.g);
  }
  return formats;
}

PublishedCounts published_of(const YamlValue& root) {
  PublishedCounts counts;
  if (const auto published = root.find("published")) {
    published->allow_only(
        {"parameters", "parameters_rounded_to", "forward_macs", "macs_rounded_to", "source"});
    counts.source = published->at("source").as_string();
    if (const auto value = published->find("parameters")) {
      counts.parameters = value->as_integer(1, kMost);
    }
    if (const auto value = published->find("parameters_rounded_to")) {
      counts.parameters_rounded_to = value->as_integer(1, kMost);
    }
    if (const auto value = published->find("forward_macs")) {
      counts.forward_macs = value->as_integer(1, kMost);
    }
    if (const auto value = published->find("macs_rounded_to")) {
      counts.macs_rounded_to = value->as_integer(1, kMost);
    }
  }
  return counts;
}

// What is not a GEMM, and the parameters that it has.
std::vector<NotIncluded> not_included_of(const YamlValue& root, const Dimensions& dimensions,
                                         std::int64_t& parameters) {
  std::vector<NotIncluded> parts;
  if (const auto list = root.find("not_included")) {
    for (const YamlValue& part : list->items()) {
      part.allow_only({"name", "kind", "reason", "parameters"});
      parts.push_back({part.at("name").as_string(), part.at("kind").as_string(),
                       part.at("reason").as_string()});
      if (const auto count = part.find("parameters")) {
        if (__builtin_add_overflow(parameters, evaluate(*count, dimensions, 0, kMost),
                                   &parameters)) {
          count->fail("the network's parameters do not fit 64 bits", "choose smaller extents");
        }
      }
    }
  }
  return parts;
}

void check_format(const YamlValue& root) {
  if (root.is_map() && !root.find("format")) {
    root.fail("is not a model description", "name a workload, or write 'format: potomac-model'");
  }
  root.allow_only({"format", "version", "model", "dimensions", "names", "bits", "published",
                   "blocks", "input", "layers", "not_included"});
  root.at("format").as_one_of({kModelFormat});
  root.at("version").as_integer(kModelVersion, kModelVersion);
}

}  // namespace

ModelDescription parse_model(const YamlValue& root, const Dimensions& bound) {
  check_format(root);
  Dimensions dimensions = bind(root, bound);
  ModelBuilder builder(root, dimensions);
  std::int64_t parameters = builder.parameters();
  std::vector<NotIncluded> not_included = not_included_of(root, dimensions, parameters);
  WorkloadInfo info;
  info.model = root.at("model").as_string();
  if (const auto derived = root.find("names")) {
    for (const auto& [name, value] : derived->entries()) {
      dimensions.erase(name);  // they follow from the others
    }
  }
  info.dimensions = dimensions;
  return {.workload = ShapeWorkload(root.file(), std::move(info), builder.take_layers(),
                                    formats_of(root), std::move(not_included)),
          .dimensions = std::move(dimensions),
          .parameters = parameters,
          .published = published_of(root)};
}

ModelDescription load_model(const std::filesystem::path& path, const Dimensions& bound) {
  return parse_model(read_yaml_file(path), bound);
}

}  // namespace potomac::workloads
