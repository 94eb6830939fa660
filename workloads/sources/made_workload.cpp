#include "workloads/sources/made_workload.hpp"

#include <cstddef>
#include <string>
#include <utility>

#include "support/error.hpp"
#include "workloads/layers/layer_check.hpp"
#include "workloads/sources/shape_workload.hpp"
#include "workloads/sources/trace_writer.hpp"

namespace potomac::workloads {

MadeWorkload::MadeWorkload(std::filesystem::path name, WorkloadInfo info, std::vector<Layer> layers)
    : name_(std::move(name)), info_(std::move(info)), layers_(std::move(layers)) {
  if (layers_.empty()) {
    throw InputError({name_.string(), "", "has no layer", "add at least one"});
  }
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Layer& layer = layers_[i];
    layer.shape.name = numbered_name(i, layers_.size(), layer.shape.name);
    check(layer.shape, name_.string());
    check_values(layer, name_.string(), layer.shape.name);
    shapes_.push_back(layer.shape);
    formats_.push_back({.w = {layer.w.bits, layer.w.beta, layer.w.zeros},
                        .a = {layer.a.bits, layer.a.beta, layer.a.zeros},
                        .g = {layer.g.bits, layer.g.beta, layer.g.zeros}});
  }
}

}  // namespace potomac::workloads
