#include "sim/studies/sweep_spec.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "sim/engines/engines.hpp"
#include "sim/machine/architecture_file.hpp"
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

void SweepSpec::add(std::string_view key, const YamlValue& values) {
  SweepParameter parameter{&architecture_key(key, values), {}};
  for (const YamlValue& value : values.items()) {
    parameter.values.push_back(read_value(*parameter.key, value));
  }
  if (parameter.values.empty()) {
    values.fail("has no values", "write [a, b, ...]");
  }
  parameters.push_back(std::move(parameter));
  if (points() > kMaxSweepPoints) {
    values.fail(fmt::format("makes more than {} points", kMaxSweepPoints),
                "sweep fewer parameters or fewer values");
  }
}

void SweepSpec::add(std::string_view key, const std::string& values) {
  add(key, read_yaml_text(values, std::string(key)));
}

std::vector<const ArchitectureKey*> SweepSpec::keys() const {
  std::vector<const ArchitectureKey*> keys;
  for (const SweepParameter& parameter : parameters) {
    keys.push_back(parameter.key);
  }
  return keys;
}

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

Architecture SweepSpec::architecture_of(const std::vector<KeyValue>& values) const {
  Architecture architecture = base;
  for (std::size_t i = 0; i < values.size(); ++i) {
    parameters[i].key->set(architecture, values[i]);
  }
  load_dram_device(architecture);
  return architecture;
}

SweepSpec load_sweep(const std::filesystem::path& path, const ShippedInputs& shipped,
                     const std::string& workload, const workloads::Dimensions& dimensions) {
  const YamlValue root = read_yaml_file(path);
  root.allow_only({"workload", "trace", "dimensions", "arch", "engine", "layers", "passes",
                   "energy", "accounting", "against", "parameters"});
  // A file beside the sweep's own, or what ships under that name.
  const auto find = [&](const YamlValue& name, const ShippedFiles& files) {
    const std::filesystem::path own = path.parent_path() / name.as_string();
    std::error_code unknown;  // a name may be too long for a file
    const bool is_name = own.extension().empty() && !std::filesystem::is_regular_file(own, unknown);
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
    const std::vector<std::string_view> names = engine_names();
    spec.engine = names[engine->as_one_of(names)];
  }
  spec.selection = parse_selection(root);
  if (const auto tables = root.find("energy")) {
    std::vector<std::filesystem::path> files;
    for (const YamlValue& table : tables->items()) {
      const std::filesystem::path own = path.parent_path() / table.as_string();
      std::error_code unknown;
      files.push_back(std::filesystem::is_regular_file(own, unknown)
                          ? own
                          : shipped.tables.find(table.as_string()));
    }
    spec.prices.tables = energy::load_unit_energy_tables(files);
    spec.inputs.insert(spec.inputs.end(), files.begin(), files.end());
  }
  if (const auto accounting = root.find("accounting")) {
    const std::vector<std::string_view> names = energy::accounting_names();
    spec.prices.accountings = accountings_for(names[accounting->as_one_of(names)], "accounting");
  }
  if (const auto against = root.find("against")) {
    for (const YamlValue& name : against->is_scalar() ? std::vector{*against} : against->items()) {
      const std::string unit = name.as_string();
      spec.rivals.asked.push_back(rivals_named({&unit, 1}, "against").asked.front());
    }
  }
  spec.base = load_architecture(architecture);
  const auto parameters = root.at("parameters").entries();
  if (parameters.empty()) {
    root.at("parameters").fail("names no parameter", "add 'array.rows: [8, 16]' or the like");
  }
  for (const auto& [key, list] : parameters) {
    spec.add(key, list);
  }
  return spec;
}

}  // namespace potomac::sim
