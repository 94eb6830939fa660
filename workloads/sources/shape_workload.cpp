#include "workloads/sources/shape_workload.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "support/error.hpp"
#include "workloads/layers/layer_check.hpp"

namespace potomac::workloads {

ShapeWorkload::ShapeWorkload(std::filesystem::path path, WorkloadInfo info,
                             std::vector<LayerShape> layers, const LayerFormats& formats,
                             std::vector<NotIncluded> not_included)
    : path_(std::move(path)),
      info_(std::move(info)),
      layers_(std::move(layers)),
      formats_(layers_.size(), formats),
      not_included_(std::move(not_included)) {
  info_.values = ValueSource::kNone;
  if (layers_.empty()) {
    throw InputError({path_.string(), "", "has no layer that is a GEMM", "add at least one"});
  }
  for (const LayerShape& layer : layers_) {
    check(layer, path_.string());
  }
}

std::string numbered_name(std::size_t index, std::size_t count, std::string_view name) {
  const std::size_t digits = std::max<std::size_t>(3, fmt::formatted_size("{}", count - 1));
  return fmt::format("{:0{}}-{}", index, digits, name);
}

}  // namespace potomac::workloads
