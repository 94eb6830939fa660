#include "workloads/sources/trace_writer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "support/atomic_file.hpp"
#include "support/error.hpp"
#include "support/hdf5/hdf5_file.hpp"
#include "support/plain_text.hpp"
#include "workloads/layers/layer_check.hpp"

namespace potomac::workloads {
namespace {

constexpr std::size_t kLongestInfo = 4096;

void check_info(const WorkloadInfo& info, const std::string& file) {
  using NamedText = std::pair<const char*, const std::string&>;
  const std::array<NamedText, 4> texts = {
      NamedText{"model", info.model}, NamedText{"framework", info.framework},
      NamedText{"dataset", info.dataset}, NamedText{"synthesis", info.synthesis}};
  for (const auto& [name, text] : texts) {
    if (!is_plain_text(text) || text.size() > kLongestInfo) {
      throw InputError({file, "",
                        fmt::format("{} '{}' is no plain text of at most {} bytes", name,
                                    printable(text), kLongestInfo),
                        "use UTF-8 without control characters"});
    }
  }
  if (info.rounding != "log2" && info.rounding != "linear") {
    throw InputError({file, "", fmt::format("rounding '{}' is not known", printable(info.rounding)),
                      "use log2 or linear"});
  }
  if (!info.gradient_rounding.empty() && !is_gradient_rounding(info.gradient_rounding)) {
    throw InputError(
        {file, "",
         fmt::format("gradient_rounding '{}' is not known", printable(info.gradient_rounding)),
         "use log2, linear or stochastic"});
  }
}

void check_tensor(const QuantizedTensor& tensor, const Shape& shape, const std::string& file,
                  const std::string& place) {
  const auto refuse = [&](const std::string& problem, const std::string& remedy) {
    throw InputError({file, place, problem, remedy});
  };
  if (tensor.shape != shape) {
    refuse(fmt::format("its shape [{}] is not the layer's [{}]", fmt::join(tensor.shape, ", "),
                       fmt::join(shape, ", ")),
           "give both the same shape");
  }
  if (static_cast<std::int64_t>(tensor.codes.size()) != element_count(shape)) {
    refuse(
        fmt::format("has {} codes for the shape [{}]", tensor.codes.size(), fmt::join(shape, ", ")),
        "give one code per element");
  }
  if (!rtl::is_pot_width(tensor.bits)) {
    refuse(fmt::format("bits is {}", tensor.bits),
           fmt::format("it must be from {} to {}", rtl::kMinPotBits, rtl::kMaxPotBits));
  }
  if (tensor.beta < -kMaxAbsBeta || tensor.beta > kMaxAbsBeta) {
    refuse(fmt::format("beta is {}", tensor.beta),
           fmt::format("it must be from {} to {}", -kMaxAbsBeta, kMaxAbsBeta));
  }
  check_codes(tensor, file, place);
}

}  // namespace

void check_values(const Layer& layer, const std::string& file, const std::string& place) {
  check_tensor(layer.w, layer.shape.w, file, place + "/W");
  check_tensor(layer.a, layer.shape.a, file, place + "/A");
  if (layer.shape.uses_gradient()) {
    check_tensor(layer.g, layer.shape.g, file, place + "/G");
  }
}

namespace {

void write_sums(const Hdf5Group& group, const std::array<TrainedSum, 3>& sums) {
  std::array<std::int64_t, 3> bits{};
  std::array<std::int64_t, 3> lsb{};
  std::array<std::int64_t, 3> overflow{};
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (const std::optional<rtl::Accumulator>& accumulator = sums.at(i).accumulator) {
      bits.at(i) = accumulator->bits;
      lsb.at(i) = accumulator->lsb;
      overflow.at(i) = accumulator->overflow == rtl::Overflow::kSaturate ? 1 : 0;
    }
  }
  group.set_integers("acc_bits", bits);
  group.set_integers("acc_lsb", lsb);
  group.set_integers("acc_overflow", overflow);
}

void write_originals(const Hdf5Group& group, const Layer& layer, const std::string& file) {
  for (const auto& [name, tensor, shape] :
       {std::tuple("W", Tensor::kW, &layer.shape.w), std::tuple("A", Tensor::kA, &layer.shape.a),
        std::tuple("G", Tensor::kG, &layer.shape.g)}) {
    if (tensor == Tensor::kG && !layer.shape.uses_gradient()) {
      continue;
    }
    const std::span<const float> values = layer.originals->of(tensor);
    const std::string own_name = fmt::format("{}_fp32", name);
    check_original(values, *shape, file, group.place() + "/" + own_name);
    group.create_dataset(own_name, Hdf5Type::kFloat32, *shape).write(values);
  }
}

void write_tensor(const Hdf5Group& group, const char* name, const QuantizedTensor& tensor,
                  const std::optional<std::vector<std::string>>& producers = {}) {
  const Hdf5Dataset dataset = group.create_dataset(name, Hdf5Type::kUint8, tensor.shape);
  dataset.write(std::span<const std::uint8_t>(tensor.codes));
  dataset.set_integer("bits", tensor.bits);
  dataset.set_integer("beta", tensor.beta);
  if (tensor.zeros) {
    dataset.set_integer("exact_zeros", tensor.zeros->exact);
    dataset.set_integer("underflows", tensor.zeros->underflows);
  }
  if (producers) {
    dataset.set_text("producer", fmt::format("{}", fmt::join(*producers, "/")));
  }
}

}  // namespace

class TraceWriter::Impl {
 public:
  Impl(const std::filesystem::path& path, const WorkloadInfo& info,
       const std::vector<NotIncluded>& not_included)
      : name_(path.string()),
        target_(path),
        file_(Hdf5File::create(target_.temporary_path(), name_)) {
    check_info(info, name_);
    file_->set_text("format", kTraceFormat);
    file_->set_integer("version", kTraceVersion);
    file_->set_text("model", info.model);
    file_->set_text("framework", info.framework);
    file_->set_text("dataset", info.dataset);
    file_->set_integer("step", info.step);
    file_->set_integer("seed", info.seed);
    file_->set_text("rounding", info.rounding);
    if (!info.gradient_rounding.empty()) {
      file_->set_text("gradient_rounding", info.gradient_rounding);
    }
    if (info.values == ValueSource::kSynthetic) {
      file_->set_text("synthesis", info.synthesis);
    }
    if (!not_included.empty()) {
      const Hdf5Group parts = file_->create_group("not_included");
      for (std::size_t i = 0; i < not_included.size(); ++i) {
        const Hdf5Group part = parts.create_group(fmt::format("{:06}", i));
        part.set_text("name", not_included[i].name);
        part.set_text("kind", not_included[i].kind);
        part.set_text("reason", not_included[i].reason);
      }
    }
    layers_ = file_->create_group("layers");
  }

  void write(const Layer& layer, const LayerOrigin& origin) {
    const LayerShape& shape = layer.shape;
    check(shape, name_);
    const std::string place = "layers/" + shape.name;
    if (!last_name_.empty() && !runs_before(last_name_, shape.name)) {
      throw InputError(
          {name_, place,
           fmt::format("its name does not sort behind '{}', the layer before", last_name_),
           "number the layers in forward order: 000-, 001-, ..."});
    }
    check_values(layer, name_, place);

    const Hdf5Group group = layers_->create_group(shape.name);
    group.set_text("kind", name_of(shape.kind));
    group.set_integer("input_grad", shape.input_grad ? 1 : 0);
    if (!shape.weight_grad) {
      group.set_integer("weight_grad", 0);
    }
    if (shape.term != 1) {
      group.set_integer("term", shape.term);
    }
    if (is_convolution(shape.kind)) {
      const GeometryLists lists = lists_of(shape.conv, is_volumetric(shape.kind));
      group.set_integers("stride", lists.stride);
      group.set_integers("padding", lists.padding);
      group.set_integers("dilation", lists.dilation);
      group.set_integer("groups", shape.conv.groups);
    }
    if (origin.sums) {
      write_sums(group, *origin.sums);
    }
    write_tensor(group, "W", layer.w, origin.w_producers);
    write_tensor(group, "A", layer.a, origin.a_producers);
    if (shape.uses_gradient()) {
      write_tensor(group, "G", layer.g);
    } else {
      group.set_integers("g_shape", shape.g);
    }
    if (layer.originals) {
      write_originals(group, layer, name_);
    }
    last_name_ = shape.name;
  }

  void finish() {
    if (last_name_.empty()) {
      throw InputError({name_, "layers", "holds no layer", "write at least one"});
    }
    layers_.reset();
    file_->close();
    file_.reset();
    target_.commit();
  }

 private:
  std::string name_;
  AtomicFile target_;
  // Destroyed before target_: the file is closed when its temporary name goes.
  std::optional<Hdf5File> file_;
  std::optional<Hdf5Group> layers_;
  std::string last_name_;
};

TraceWriter::TraceWriter(const std::filesystem::path& path, const WorkloadInfo& info,
                         const std::vector<NotIncluded>& not_included)
    : impl_(std::make_unique<Impl>(path, info, not_included)) {}

TraceWriter::~TraceWriter() = default;

void TraceWriter::write(const Layer& layer, const LayerOrigin& origin) {
  impl_->write(layer, origin);
}

void TraceWriter::finish() {
  impl_->finish();
}

}  // namespace potomac::workloads
