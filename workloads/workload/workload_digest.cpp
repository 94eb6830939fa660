#include "workloads/workload/workload_digest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <string>
#include <vector>

#include "support/digest.hpp"

namespace potomac::workloads {
namespace {

std::string text_of(const LayerShape& layer) {
  const GeometryLists lists = lists_of(layer.conv, is_volumetric(layer.kind));
  return fmt::format("{} {} W{} A{} G{} stride{} padding{} dilation{} groups {} {} {} term {}\n",
                     layer.name, name_of(layer.kind), layer.w, layer.a, layer.g, lists.stride,
                     lists.padding, lists.dilation, layer.conv.groups, layer.input_grad,
                     layer.weight_grad, layer.term);
}

std::string text_of(const TensorFormat& format) {
  return fmt::format("{} {} {} {}\n", format.bits, format.beta,
                     format.zeros ? format.zeros->exact : -1,
                     format.zeros ? format.zeros->underflows : -1);
}

template <typename T>
void add_values(Sha256& sha256, const std::vector<T>& values) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): a digest is of bytes.
  sha256.add({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

void add_values(Sha256& sha256, const QuantizedTensor& tensor) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as above.
  sha256.add({reinterpret_cast<const char*>(tensor.codes.data()), tensor.codes.size()});
}

void add_values(Sha256& sha256, const Layer& layer) {
  for (const QuantizedTensor* const tensor : {&layer.w, &layer.a, &layer.g}) {
    add_values(sha256, *tensor);
  }
  if (layer.originals) {
    for (const Tensor tensor : {Tensor::kW, Tensor::kA, Tensor::kG}) {
      add_values(sha256, layer.originals->of(tensor));
    }
  }
}

}  // namespace

std::string digest_of(const Workload& workload) {
  Sha256 sha256;
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    const LayerFormats& formats = workload.formats()[i];
    sha256.add(text_of(workload.layers()[i]));
    for (const TensorFormat* const format : {&formats.w, &formats.a, &formats.g}) {
      sha256.add(text_of(*format));
    }
  }
  if (workload.info().values != ValueSource::kNone) {
    for (std::size_t i = 0; i < workload.layers().size(); ++i) {
      if (const std::optional<Layer> layer = workload.read(i)) {
        add_values(sha256, *layer);
      }
    }
  }
  return hex_of(sha256.take());
}

}  // namespace potomac::workloads
