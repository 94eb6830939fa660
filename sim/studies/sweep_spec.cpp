#include "sim/studies/sweep_spec.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "workloads/sources/open_workload.hpp"

namespace potomac::sim {
namespace {

using workloads::Pass;

Selection parse_selection(const YamlValue& root) {
  Selection selection;
  if (const auto layers = root.find("layers")) {
    selection.layers.clear();
    for (const YamlValue& pattern : layers->is_scalar() ? std::vector{*layers} : layers->items()) {
      selection.layers.push_back(pattern.as_string());
    }
  }
  if (const auto passes = root.find("passes")) {
    selection.passes.clear();
    for (const YamlValue& pass : passes->items()) {
      selection.passes.push_back(workloads::kPasses[pass.as_one_of(
          {workloads::name_of(Pass::kForward), workloads::name_of(Pass::kBackwardData),
           workloads::name_of(Pass::kBackwardWeight)})]);
    }
  }
  return selection;
}

}  // namespace

std::size_t SweepSpec::points() const {
  std::size_t count = 1;
  for (const SweepParameter& parameter : parameters) {
    count *= parameter.values.size();
  }
  return count;
}

std::vector<KeyValue> SweepSpec::values_at(std::size_t point) const {
  std::vector<KeyValue> values(parameters.size());
  for (std::size_t i = parameters.size(); i-- > 0;) {
    const std::vector<KeyValue>& choices = parameters[i].values;
    values[i] = choices[point % choices.size()];
    point /= choices.size();
  }
  return values;
}

Architecture SweepSpec::architecture_at(std::size_t point) const {
  Architecture architecture = base;
  const std::vector<KeyValue> values = values_at(point);
  for (std::size_t i = 0; i < values.size(); ++i) {
    parameters[i].key->set(architecture, values[i]);
  }
  return architecture;
}

SweepSpec load_sweep(const std::filesystem::path& path, const ShippedInputs& shipped,
                     const std::string& workload, const workloads::Dimensions& dimensions) {
  const YamlValue root = read_yaml_file(path);
  root.allow_only({"workload", "trace", "dimensions", "arch", "engine", "layers", "passes",
                   "energy", "accounting", "parameters"});
  // A file beside the sweep's own, or what ships under that name.
  const auto find = [&](const YamlValue& name, const ShippedFiles& files) {
    const std::filesystem::path own = path.parent_path() / name.as_string();
    const bool is_name = own.extension().empty() && !std::filesystem::is_regular_file(own);
    return is_name ? files.find(name.as_string()) : own;
  };
  SweepSpec spec;
  spec.file = path;
  if (workload.empty()) {
    const auto own = root.find("workload");
    if (own && root.find("trace")) {
      own->fail("stands beside 'trace', which means the same", "keep one of them");
    }
    spec.workload = find(own ? *own : root.at("trace"), shipped.models);
  } else {
    spec.workload = workloads::find_workload(workload, shipped.models);
  }
  spec.dimensions = dimensions;
  if (const auto own = root.find("dimensions"); own && workload.empty()) {
    for (const auto& [name, extent] : own->entries()) {
      spec.dimensions.emplace(name, extent.as_integer(1, workloads::kMaxShapeElements));
    }
  }
  const auto architecture = find(root.at("arch"), shipped.architectures);
  spec.inputs = {path, spec.workload, architecture};
  if (const auto engine = root.find("engine")) {
    spec.engine = kEngineKinds.at(engine->as_one_of(
        {name_of(EngineKind::kCount), name_of(EngineKind::kFast), name_of(EngineKind::kSystemC)}));
  }
  spec.selection = parse_selection(root);
  if (const auto tables = root.find("energy")) {
    std::vector<std::filesystem::path> files;
    for (const YamlValue& table : tables->items()) {
      const std::filesystem::path own = path.parent_path() / table.as_string();
      files.push_back(
          std::filesystem::is_regular_file(own) ? own : shipped.tables.find(table.as_string()));
    }
    spec.tables = energy::load_unit_energy_tables(files);
    spec.inputs.insert(spec.inputs.end(), files.begin(), files.end());
  }
  if (const auto accounting = root.find("accounting")) {
    spec.structural = accounting->as_one_of({"operation", "structural"}) == 1;
  }
  spec.base = load_architecture(architecture);
  const auto parameters = root.at("parameters").entries();
  if (parameters.empty()) {
    root.at("parameters").fail("names no parameter", "add 'array.rows: [8, 16]' or the like");
  }
  for (const auto& [key, list] : parameters) {
    SweepParameter parameter{&architecture_key(key, list), {}};
    for (const YamlValue& value : list.items()) {
      parameter.values.push_back(read_value(*parameter.key, value));
    }
    if (parameter.values.empty()) {
      list.fail("has no values", "write [a, b, ...]");
    }
    spec.parameters.push_back(std::move(parameter));
    if (spec.points() > kMaxSweepPoints) {
      list.fail(fmt::format("makes more than {} points", kMaxSweepPoints),
                "sweep fewer parameters or fewer values");
    }
  }
  return spec;
}

}  // namespace potomac::sim
