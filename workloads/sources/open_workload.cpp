#include "workloads/sources/open_workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

#include "support/error.hpp"
#include "workloads/sources/model_description.hpp"
#include "workloads/sources/onnx_model.hpp"
#include "workloads/sources/scalesim_topology.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac::workloads {
namespace {

constexpr std::array<std::string_view, 6> kExtensions = {".h5",  ".hdf5", ".yaml",
                                                         ".yml", ".csv",  ".onnx"};

}  // namespace

bool is_yaml_file(const std::filesystem::path& file) {
  return file.extension() == ".yaml" || file.extension() == ".yml";
}

bool is_shape_file(const std::filesystem::path& file) {
  return is_yaml_file(file) || file.extension() == ".csv" || file.extension() == ".onnx";
}

std::filesystem::path find_workload(const std::string& name_or_path, const ShippedFiles& models) {
  std::filesystem::path path(name_or_path);
  std::error_code ignored;
  // A folder of that name is more likely where results of the model went.
  const bool is_there =
      std::filesystem::exists(path, ignored) && !std::filesystem::is_directory(path, ignored);
  if (is_there || name_or_path.find('/') != std::string::npos ||
      std::ranges::find(kExtensions, path.extension().string()) != kExtensions.end()) {
    return path;
  }
  return models.find(name_or_path);
}

std::unique_ptr<Workload> open_workload(const std::filesystem::path& file,
                                        const Dimensions& bound) {
  for (const auto& [name, extent] : bound) {
    if (extent < 1 || extent > kMaxShapeElements) {
      throw InputError({file.string(), fmt::format("dimension '{}'", name),
                        fmt::format("cannot be {}", extent),
                        fmt::format("choose from 1 to {}", kMaxShapeElements)});
    }
  }
  if (is_yaml_file(file)) {
    return std::make_unique<ShapeWorkload>(load_model(file, bound).workload);
  }
  if (file.extension() == ".csv") {
    return std::make_unique<ShapeWorkload>(load_scalesim_topology(file, bound));
  }
  if (file.extension() == ".onnx") {
    return std::make_unique<OnnxModel>(OnnxModel::load(file, bound));
  }
  if (!bound.empty()) {
    throw InputError(
        {file.string(), "",
         fmt::format("is a trace: its '{}' is what it was captured with", bound.begin()->first),
         "bind dimensions of model descriptions only"});
  }
  return std::make_unique<TraceReader>(file);
}

}  // namespace potomac::workloads
