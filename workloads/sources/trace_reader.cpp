#include "workloads/sources/trace_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "support/error.hpp"
#include "support/hdf5/hdf5_file.hpp"
#include "support/plain_text.hpp"
#include "workloads/layers/layer_check.hpp"

namespace potomac::workloads {
namespace {

constexpr const char* kWriteAgain = "write the trace as docs/trace-format.md says";

LayerKind read_kind(const Hdf5Group& group) {
  const std::string text = group.text("kind");
  for (const LayerKind kind : kLayerKinds) {
    if (text == name_of(kind)) {
      return kind;
    }
  }
  group.fail(fmt::format("kind '{}' is not known", printable(text)),
             "use linear, conv2d, matmul, conv_transpose2d, conv3d or conv_transpose3d");
}

ConvGeometry read_geometry(const Hdf5Group& group, std::int64_t axes) {
  return geometry_of({.stride = group.integers("stride", {axes}),
                      .padding = group.integers("padding", {axes, 2 * axes}),
                      .dilation = group.integers("dilation", {axes})},
                     group.integer("groups"));
}

std::int64_t read_integer(const Hdf5Object& object, const char* name, std::int64_t low,
                          std::int64_t high) {
  const std::int64_t value = object.integer(name);
  if (value < low || value > high) {
    object.fail(fmt::format("attribute '{}' is {}", name, value),
                fmt::format("it must be from {} to {}", low, high));
  }
  return value;
}

std::optional<ZeroOrigins> read_zero_origins(const Hdf5Dataset& dataset) {
  if (!dataset.has_attribute("exact_zeros") && !dataset.has_attribute("underflows")) {
    return std::nullopt;
  }
  return ZeroOrigins{read_integer(dataset, "exact_zeros", 0, kMaxTensorElements),
                     read_integer(dataset, "underflows", 0, kMaxTensorElements)};
}

struct TensorHead {
  Shape shape;
  TensorFormat format;
};

TensorHead read_head(const Hdf5Group& layer, const char* name) {
  const Hdf5Dataset dataset = layer.open_dataset(name);
  if (dataset.type() != Hdf5Type::kUint8) {
    dataset.fail(fmt::format("holds {} instead of uint8", dataset.type_name()),
                 "write PoT codes, one unsigned byte each");
  }
  TensorHead head;
  head.format.bits =
      static_cast<int>(read_integer(dataset, "bits", rtl::kMinPotBits, rtl::kMaxPotBits));
  head.format.beta = static_cast<int>(read_integer(dataset, "beta", -kMaxAbsBeta, kMaxAbsBeta));
  head.format.zeros = read_zero_origins(dataset);
  head.shape = dataset.extents();
  dataset.check_storage(kMaxTensorElements);
  return head;
}

std::string original_of(const char* name) {
  return fmt::format("{}_fp32", name);
}

// Whether the layer has originals: all of them, in the shapes of the codes.
bool check_originals(const Hdf5Group& group, const LayerShape& layer) {
  if (!group.has(original_of("W"))) {
    return false;
  }
  const auto check_one = [&](const char* name, const Shape& shape) {
    const Hdf5Dataset dataset = group.open_dataset(original_of(name));
    if (dataset.type() != Hdf5Type::kFloat32) {
      dataset.fail(fmt::format("holds {} instead of float32", dataset.type_name()),
                   "write what was quantized as binary32");
    }
    if (dataset.extents() != shape) {
      dataset.fail(fmt::format("its shape [{}] is not {}'s [{}]",
                               fmt::join(dataset.extents(), ", "), name, fmt::join(shape, ", ")),
                   "give both the same shape");
    }
    dataset.check_storage(kMaxTensorElements);
  };
  check_one("W", layer.w);
  check_one("A", layer.a);
  if (layer.uses_gradient()) {
    check_one("G", layer.g);
  }
  return true;
}

std::optional<std::array<TrainedSum, 3>> read_sums(const Hdf5Group& group) {
  if (!group.has_attribute("acc_bits")) {
    return std::nullopt;
  }
  const auto passes = static_cast<std::int64_t>(kPasses.size());
  const std::vector<std::int64_t> bits = group.integers("acc_bits", {passes});
  const std::vector<std::int64_t> lsb = group.integers("acc_lsb", {passes});
  const std::vector<std::int64_t> overflow = group.integers("acc_overflow", {passes});
  const auto require = [&group](const char* name, std::int64_t value, std::int64_t low,
                                std::int64_t high) {
    if (value < low || value > high) {
      group.fail(fmt::format("attribute '{}' has {}", name, value),
                 fmt::format("each of its numbers must be from {} to {}", low, high));
    }
    return static_cast<int>(value);
  };
  std::array<TrainedSum, 3> sums;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (bits[i] == 0) {
      continue;
    }
    sums.at(i).accumulator = {
        .bits = require("acc_bits", bits[i], rtl::kMinAccumulatorBits, rtl::kMaxAccumulatorBits),
        .lsb = require("acc_lsb", lsb[i], -rtl::kMaxAbsLsb, rtl::kMaxAbsLsb),
        .overflow = require("acc_overflow", overflow[i], 0, 1) == 1 ? rtl::Overflow::kSaturate
                                                                    : rtl::Overflow::kWrap};
  }
  return sums;
}

// Names of layers, between slashes, which no name has.
std::optional<std::vector<std::string>> read_producers(const Hdf5Dataset& dataset) {
  if (!dataset.has_attribute("producer")) {
    return std::nullopt;
  }
  std::vector<std::string> names;
  const std::string text = dataset.text("producer");
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    names.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

WorkloadInfo read_info(const Hdf5File& file) {
  if (!file.has_attribute("format")) {
    file.fail("is HDF5, but not a Potomac trace: attribute 'format' is missing",
              "name a trace, or set format to 'potomac-trace'");
  }
  const std::string format = file.text("format");
  if (format != kTraceFormat) {
    file.fail(
        fmt::format("is HDF5, but not a Potomac trace: its format is '{}'", printable(format)),
        "name a trace (format 'potomac-trace')");
  }
  const std::int64_t version = file.integer("version");
  if (version > kTraceVersion) {
    file.fail(
        fmt::format("trace version {} was made by a newer Potomac; this one reads versions 1 to {}",
                    version, kTraceVersion),
        fmt::format("update Potomac, or write the trace as version {}", kTraceVersion));
  }
  if (version < 1) {
    file.fail(fmt::format("trace version {} does not exist", version),
              fmt::format("set version to {}", kTraceVersion));
  }
  WorkloadInfo info{.model = file.text("model"),
                    .framework = file.text("framework"),
                    .dataset = file.text("dataset"),
                    .step = file.integer("step"),
                    .seed = file.integer("seed"),
                    .rounding = file.text("rounding")};
  if (file.has_attribute("synthesis")) {
    info.values = ValueSource::kSynthetic;
    info.synthesis = file.text("synthesis");
  }
  if (info.rounding != "log2" && info.rounding != "linear") {
    file.fail(fmt::format("rounding '{}' is not known", printable(info.rounding)),
              "use log2 or linear");
  }
  if (file.has_attribute("gradient_rounding")) {
    info.gradient_rounding = file.text("gradient_rounding");
    if (!is_gradient_rounding(info.gradient_rounding)) {
      file.fail(
          fmt::format("gradient_rounding '{}' is not known", printable(info.gradient_rounding)),
          "use log2, linear or stochastic");
    }
  }
  return info;
}

// The multi-dimensional index of element `flat` of a row-major tensor.
Shape index_of(std::int64_t flat, const Shape& shape) {
  Shape index(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  return index;
}

// True if one of the codes is not canonical. No branch, so that it runs at memory speed.
bool has_stray(std::span<const rtl::PotCode> codes, rtl::PotFormat format) {
  const auto negative_zero = static_cast<rtl::PotCode>(format.sign_mask() | format.zero());
  const auto above = static_cast<rtl::PotCode>(~(format.code_count() - 1));
  rtl::PotCode stray = 0;
  for (const rtl::PotCode code : codes) {
    stray |= static_cast<rtl::PotCode>((code & above) | (code == negative_zero ? 1 : 0));
  }
  return stray != 0;
}

void check_zero_origins(const QuantizedTensor& tensor, const std::string& file,
                        const std::string& place) {
  if (!tensor.zeros) {
    return;
  }
  const auto zeros = std::ranges::count(tensor.codes, tensor.format().zero());
  if (tensor.zeros->exact + tensor.zeros->underflows != zeros) {
    throw InputError({file, place,
                      fmt::format("{} codes are zero, but exact_zeros + underflows is {} + {}",
                                  zeros, tensor.zeros->exact, tensor.zeros->underflows),
                      "correct both, or leave both out"});
  }
}

}  // namespace

void check_codes(const QuantizedTensor& tensor, const std::string& file, const std::string& place) {
  const rtl::PotFormat format = tensor.format();
  if (!has_stray(tensor.codes, format)) {
    check_zero_origins(tensor, file, place);
    return;
  }
  std::size_t flat = 0;
  while (format.is_canonical(tensor.codes[flat])) {
    ++flat;
  }
  const int code = tensor.codes[flat];
  const std::string problem = fmt::format(
      "code 0x{:02X} at [{}] (element {}) {}", code,
      fmt::join(index_of(static_cast<std::int64_t>(flat), tensor.shape), ", "), flat,
      code < format.code_count()
          ? "is a negative zero, which is not canonical"
          : fmt::format("has bits above the {} of a {}-bit code", tensor.bits, tensor.bits));
  const std::string remedy =
      code < format.code_count()
          ? fmt::format("write zero as 0x{:02X}", format.zero())
          : "write one code per byte, its upper bits zero, and the width in attribute 'bits'";
  throw InputError({file, place, problem, remedy});
}

void check_original(std::span<const float> values, const Shape& shape, const std::string& file,
                    const std::string& place) {
  const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
  if (bad != values.end()) {
    const std::int64_t flat = bad - values.begin();
    throw InputError({file, place,
                      fmt::format("is {} at [{}]", *bad, fmt::join(index_of(flat, shape), ", ")),
                      "write finite values: no other can be quantized"});
  }
}

class TraceReader::Impl {
 public:
  Impl(const std::filesystem::path& path, Hdf5Guard guard)
      : path_(path), file_(open(path, guard)), info_(read_info(file_)) {
    const Hdf5Group layers = file_.open_group("layers");
    std::vector<std::string> names = layers.children();
    std::ranges::sort(names, runs_before);
    for (const std::string& name : names) {
      read_layer(layers.open_group(name), name);
    }
    if (layers_.empty()) {
      layers.fail("holds no layer", kWriteAgain);
    }
    check_producers(layers);
    if (file_.has("not_included")) {
      const Hdf5Group parts = file_.open_group("not_included");
      for (const std::string& number : parts.children()) {
        const Hdf5Group part = parts.open_group(number);
        not_included_.push_back({part.text("name"), part.text("kind"), part.text("reason")});
      }
    }
  }

  const std::filesystem::path& path() const { return path_; }
  const WorkloadInfo& info() const { return info_; }
  const std::vector<LayerShape>& layers() const { return layers_; }
  const std::vector<LayerFormats>& formats() const { return formats_; }
  const std::vector<NotIncluded>& not_included() const { return not_included_; }

  Layer read(std::size_t index) const {
    const LayerShape& shape = layers_.at(index);
    const LayerFormats& formats = formats_.at(index);
    const Hdf5Group group = file_.open_group("layers").open_group(shape.name);
    Layer layer{.shape = shape,
                .w = read_tensor(group, "W", shape.w, formats.w),
                .a = read_tensor(group, "A", shape.a, formats.a),
                .g = shape.uses_gradient() ? read_tensor(group, "G", shape.g, formats.g)
                                           : QuantizedTensor{.shape = shape.g, .codes = {}}};
    if (has_originals() && shape.term == 1) {
      layer.originals = {
          read_original(group, "W", shape.w), read_original(group, "A", shape.a),
          shape.uses_gradient() ? read_original(group, "G", shape.g) : std::vector<float>()};
    }
    return layer;
  }

  bool has_originals() const { return has_originals_.value_or(false); }

 private:
  // A file of a newer HDF5 format may open, and its texts may be read: what it stores its data in
  // tells first, or the remedy for the texts would lead into the next refusal.
  static Hdf5File open(const std::filesystem::path& path, Hdf5Guard guard) {
    {
      const Hdf5File file = Hdf5File::open(path, Hdf5Guard::kNone);
      if (file.has("layers")) {
        const Hdf5Group layers = file.open_group("layers");
        const std::vector<std::string> names = layers.children();
        if (!names.empty() && layers.open_group(names.front()).has("W")) {
          layers.open_group(names.front()).open_dataset("W");
        }
      }
    }
    return Hdf5File::open(path, guard);
  }

  void read_layer(const Hdf5Group& group, const std::string& name) {
    LayerShape layer{.name = name, .kind = read_kind(group), .conv = {}, .w = {}, .a = {}, .g = {}};
    layer.input_grad = read_integer(group, "input_grad", 0, 1) == 1;
    layer.weight_grad =
        !group.has_attribute("weight_grad") || read_integer(group, "weight_grad", 0, 1) == 1;
    if (group.has_attribute("term")) {
      layer.term = static_cast<int>(read_integer(group, "term", 1, 2));
    }
    if (is_convolution(layer.kind)) {
      layer.conv = read_geometry(group, is_volumetric(layer.kind) ? 3 : 2);
    }
    TensorHead w = read_head(group, "W");
    TensorHead a = read_head(group, "A");
    TensorHead g;
    if (layer.uses_gradient() || group.has("G")) {
      g = read_head(group, "G");
    } else {
      g.shape = group.integers("g_shape", {2, 3, 4, 5});
    }
    layer.w = std::move(w.shape);
    layer.a = std::move(a.shape);
    layer.g = std::move(g.shape);
    check(layer, file_.file());
    if (layer.term == 1) {
      const bool originals = check_originals(group, layer);
      if (has_originals_.value_or(originals) != originals) {
        group.fail(fmt::format("has {} FP32 originals, and the layers before have {}",
                               originals ? "its" : "no", originals ? "none" : "theirs"),
                   "write those of all layers, or of none");
      }
      has_originals_ = originals;
    }
    layers_.push_back(std::move(layer));
    formats_.push_back({.w = w.format,
                        .a = a.format,
                        .g = g.format,
                        .origin = {.sums = read_sums(group),
                                   .w_producers = read_producers(group.open_dataset("W")),
                                   .a_producers = read_producers(group.open_dataset("A"))}});
  }

  // Who feeds a layer runs before it.
  void check_producers(const Hdf5Group& layers) const {
    std::set<std::string_view> before;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const LayerOrigin& origin = formats_[i].origin;
      for (const auto& [tensor, producers] :
           {std::pair("W", &origin.w_producers), std::pair("A", &origin.a_producers)}) {
        for (const std::string& name : producers->value_or(std::vector<std::string>())) {
          if (!before.contains(name)) {
            layers.open_group(layers_[i].name)
                .open_dataset(tensor)
                .fail(fmt::format("attribute 'producer' names '{}', which is no layer before it",
                                  printable(name)),
                      "name layers before it, with '/' between them");
          }
        }
      }
      before.insert(layers_[i].name);
    }
  }

  static std::vector<float> read_original(const Hdf5Group& group, const char* name,
                                          const Shape& shape) {
    const Hdf5Dataset dataset = group.open_dataset(original_of(name));
    std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
    dataset.read(std::span(values));
    check_original(values, shape, dataset.file(), dataset.place());
    return values;
  }

  static QuantizedTensor read_tensor(const Hdf5Group& group, const char* name, const Shape& shape,
                                     const TensorFormat& format) {
    const Hdf5Dataset dataset = group.open_dataset(name);
    QuantizedTensor tensor{.shape = shape,
                           .bits = format.bits,
                           .beta = format.beta,
                           .codes = {},
                           .zeros = format.zeros};
    tensor.codes.resize(static_cast<std::size_t>(element_count(shape)));
    dataset.read(std::span(tensor.codes));
    check_codes(tensor, dataset.file(), dataset.place());
    return tensor;
  }

  std::filesystem::path path_;
  Hdf5File file_;
  WorkloadInfo info_;
  std::vector<LayerShape> layers_;
  std::vector<LayerFormats> formats_;
  std::vector<NotIncluded> not_included_;
  std::optional<bool> has_originals_;  // once a layer has been read
};

TraceReader::TraceReader(const std::filesystem::path& path, Hdf5Guard guard)
    : impl_(std::make_unique<Impl>(path, guard)) {}

TraceReader::~TraceReader() = default;
TraceReader::TraceReader(TraceReader&&) noexcept = default;
TraceReader& TraceReader::operator=(TraceReader&&) noexcept = default;

const std::filesystem::path& TraceReader::path() const {
  return impl_->path();
}
const WorkloadInfo& TraceReader::info() const {
  return impl_->info();
}
const std::vector<LayerShape>& TraceReader::layers() const {
  return impl_->layers();
}
const std::vector<LayerFormats>& TraceReader::formats() const {
  return impl_->formats();
}
const std::vector<NotIncluded>& TraceReader::not_included() const {
  return impl_->not_included();
}
std::optional<Layer> TraceReader::read(std::size_t index) const {
  return impl_->read(index);
}
bool TraceReader::has_originals() const {
  return impl_->has_originals();
}

}  // namespace potomac::workloads
