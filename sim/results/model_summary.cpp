#include "sim/results/model_summary.hpp"

#include "sim/results/json_tree.hpp"
#include "workloads/layers/gemm_shape.hpp"

namespace potomac::sim {

ModelSummary summary_of(const std::string& name, const workloads::Workload& workload,
                        const workloads::Dimensions& dimensions) {
  ModelSummary summary{.name = name,
                       .model = workload.info().model,
                       .file = workload.path(),
                       .dimensions = dimensions,
                       .layers = workload.layers().size(),
                       .source = {}};
  for (const workloads::LayerShape& layer : workload.layers()) {
    for (const workloads::Pass pass : workloads::passes_of(layer)) {
      const auto macs =
          static_cast<std::uint64_t>(workloads::macs_of(workloads::gemms_of(layer, pass, {})));
      summary.training_step_macs += macs;
      summary.forward_macs += pass == workloads::Pass::kForward ? macs : 0;
    }
  }
  return summary;
}

std::string models_json(std::span<const ModelSummary> models) {
  Json json = Json::array();
  for (const ModelSummary& model : models) {
    json.push_back({{"name", model.name},
                    {"model", model.model},
                    {"file", model.file.string()},
                    {"dimensions", dimensions_json(model.dimensions)},
                    {"layers", model.layers},
                    {"parameters", model.parameters},
                    {"forward_macs", model.forward_macs},
                    {"training_step_macs", model.training_step_macs},
                    {"source", model.source}});
  }
  return json_text(json);
}

}  // namespace potomac::sim
