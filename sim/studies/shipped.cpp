#include "sim/studies/shipped.hpp"

#include <system_error>

#include "workloads/sources/model_description.hpp"

namespace potomac::sim {
namespace {

// A dimension that a model does not have does not bind there: a length says nothing of ResNet-50.
workloads::ModelDescription load_at(const std::filesystem::path& file,
                                    const workloads::Dimensions& wanted) {
  const workloads::Dimensions own = workloads::load_model(file, {}).dimensions;
  workloads::Dimensions bound;
  for (const auto& [name, extent] : wanted) {
    if (own.contains(name)) {
      bound.emplace(name, extent);
    }
  }
  return workloads::load_model(file, bound);
}

}  // namespace

ShippedFiles shipped_tables() {
  return shipped_files("energy table", "energy", "energy/tables");
}

ShippedFiles shipped_architectures() {
  return shipped_files("architecture", "architectures", "sim/architectures");
}

ShippedFiles shipped_models() {
  return shipped_files("model", "models", "workloads/models");
}

std::filesystem::path architecture_file(const std::string& name) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(name, ignored) ? std::filesystem::path(name)
                                                         : shipped_architectures().find(name);
}

std::vector<std::filesystem::path> table_files(const std::vector<std::string>& names) {
  const ShippedFiles shipped = shipped_tables();
  std::vector<std::filesystem::path> files;
  files.reserve(names.size());
  for (const std::string& name : names) {
    files.push_back(shipped.find(name));
  }
  return files;
}

std::vector<ModelSummary> model_summaries(const workloads::Dimensions& dimensions) {
  const ShippedFiles models = shipped_models();
  std::vector<ModelSummary> summaries;
  for (const std::string& name : models.names()) {
    const workloads::ModelDescription model = load_at(models.find(name), dimensions);
    summaries.push_back(summary_of(name, model.workload, model.dimensions));
    summaries.back().parameters = model.parameters;
    summaries.back().source = model.published.source;
  }
  return summaries;
}

}  // namespace potomac::sim
