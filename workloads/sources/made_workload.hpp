// A workload that a program made of layers, without a file.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "workloads/workload/workload.hpp"

namespace potomac::workloads {

class MadeWorkload : public Workload {
 public:
  // Layers with values, in forward order. `name` stands for a file in messages and reports. Names
  // become "000-conv1", after their order. Throws InputError: no layer, a shape that fails check(),
  // a tensor that has not as many codes as its shape, a code or a width that there is not.
  MadeWorkload(std::filesystem::path name, WorkloadInfo info, std::vector<Layer> layers);

  const std::filesystem::path& path() const override { return name_; }
  const WorkloadInfo& info() const override { return info_; }
  const std::vector<LayerShape>& layers() const override { return shapes_; }
  const std::vector<LayerFormats>& formats() const override { return formats_; }
  std::optional<Layer> read(std::size_t index) const override { return layers_[index]; }
  const std::vector<NotIncluded>& not_included() const override { return not_included_; }

 private:
  std::filesystem::path name_;
  WorkloadInfo info_;
  std::vector<Layer> layers_;
  std::vector<LayerShape> shapes_;
  std::vector<LayerFormats> formats_;
  std::vector<NotIncluded> not_included_;
};

}  // namespace potomac::workloads
