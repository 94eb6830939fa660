// A workload of which only shapes are known: what a model description or another tool's topology
// gives.
#pragma once

#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "workloads/workload/workload.hpp"

namespace potomac::workloads {

class ShapeWorkload : public Workload {
 public:
  // `formats`: of every tensor. Throws InputError unless there is a layer, and every one passes
  // check().
  ShapeWorkload(std::filesystem::path path, WorkloadInfo info, std::vector<LayerShape> layers,
                const LayerFormats& formats, std::vector<NotIncluded> not_included);

  const std::filesystem::path& path() const override { return path_; }
  const WorkloadInfo& info() const override { return info_; }
  const std::vector<LayerShape>& layers() const override { return layers_; }
  const std::vector<LayerFormats>& formats() const override { return formats_; }
  std::optional<Layer> read(std::size_t /*index*/) const override { return std::nullopt; }
  const std::vector<NotIncluded>& not_included() const override { return not_included_; }

 private:
  std::filesystem::path path_;
  WorkloadInfo info_;
  std::vector<LayerShape> layers_;
  std::vector<LayerFormats> formats_;
  std::vector<NotIncluded> not_included_;
};

// "007-conv1": the name of a layer that is the index-th of `count`, so that names sort in forward
// order.
std::string numbered_name(std::size_t index, std::size_t count, std::string_view name);

}  // namespace potomac::workloads
