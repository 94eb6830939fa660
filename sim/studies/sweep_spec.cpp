#include "sim/studies/sweep_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <set>
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

// A value of a range, as if it had been written.
KeyValue value_in(const ArchitectureKey& key, const YamlValue& range, double number) {
  return read_value(key,
                    YamlValue::of_text(fmt::format("{:.12g}", number), range.file(), range.key()));
}

// {from: 8, to: 256, step: 8}: both ends, if steps lead there.
std::vector<KeyValue> stepped_values(const ArchitectureKey& key, const YamlValue& range) {
  range.allow_only({"from", "to", "step"});
  constexpr double kFar = 1e15;
  const double from = range.at("from").as_number(-kFar, kFar);
  const double to = range.at("to").as_number(-kFar, kFar);
  const auto step = range.find("step");
  const double by = step ? step->as_number(-kFar, kFar) : 1.0;
  if (by <= 0.0 || to < from) {
    range.fail("has no value", "write {from: A, to: B, step: C}, with A <= B and C > 0");
  }
  // A hair more than the last step: 0.1 is no binary number.
  const double steps = std::floor((to - from) / by * (1.0 + 1e-12));
  if (steps >= static_cast<double>(kMostSweepValues)) {
    range.fail(fmt::format("has more than {} values", kMostSweepValues), "take larger steps");
  }
  std::vector<KeyValue> values;
  for (int i = 0; i <= static_cast<int>(steps); ++i) {
    values.push_back(value_in(key, range, from + i * by));
  }
  return values;
}

// {powers_of_two: [8, 256]}: 8, 16, ... 256.
std::vector<KeyValue> powers_of_two(const ArchitectureKey& key, const YamlValue& range) {
  range.allow_only({"powers_of_two"});
  const YamlValue ends = range.at("powers_of_two");
  const std::vector<YamlValue> both = ends.items();
  if (both.size() != 2) {
    ends.fail("is not two numbers", "write {powers_of_two: [8, 256]}");
  }
  const double to = both[1].as_number(0x1p-40, 0x1p62);
  double value = 0x1p-40;
  for (const double from = both[0].as_number(0x1p-40, 0x1p62); value < from;) {
    value *= 2.0;
  }
  std::vector<KeyValue> values;
  for (; value <= to; value *= 2.0) {
    values.push_back(value_in(key, range, value));
  }
  if (values.empty()) {
    ends.fail("has no power of two between", "write {powers_of_two: [8, 256]}");
  }
  return values;
}

std::vector<KeyValue> values_in(const ArchitectureKey& key, const YamlValue& values) {
  if (values.is_map()) {
    return values.find("powers_of_two") ? powers_of_two(key, values) : stepped_values(key, values);
  }
  std::vector<KeyValue> list;
  for (const YamlValue& value : values.items()) {
    list.push_back(read_value(key, value));
  }
  return list;
}

// What a condition sees of a key.
struct ConditionValueOf {
  Condition::Value operator()(std::monostate /*no such part*/) const { return {}; }
  Condition::Value operator()(bool value) const { return value ? "true" : "false"; }
  Condition::Value operator()(std::int64_t value) const { return static_cast<double>(value); }
  Condition::Value operator()(double value) const { return value; }
  Condition::Value operator()(const std::string& value) const { return value; }
};

// Whole numbers below `end`, all equally likely, the same on any machine.
std::uint64_t draw_below(std::mt19937_64& random, std::uint64_t end) {
  const std::uint64_t rest = std::mt19937_64::max() % end;
  std::uint64_t drawn = random();
  while (rest != end - 1 && drawn > std::mt19937_64::max() - rest - 1) {
    drawn = random();
  }
  return drawn % end;
}

// Those combinations of which `holds` is true, or a sample of them: each is as likely as any other.
std::vector<std::uint64_t> chosen_of_all(std::uint64_t all,
                                         const std::function<bool(std::uint64_t)>& holds,
                                         std::optional<std::uint64_t> sample, std::uint64_t seed) {
  std::vector<std::uint64_t> chosen;
  for (std::uint64_t combination = 0; combination < all; ++combination) {
    if (holds(combination)) {
      chosen.push_back(combination);
    }
  }
  if (!sample || *sample >= chosen.size()) {
    return chosen;
  }
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < *sample; ++i) {
    std::swap(chosen[i], chosen[i + draw_below(random, chosen.size() - i)]);
  }
  chosen.resize(*sample);
  std::ranges::sort(chosen);
  return chosen;
}

// A sample of more combinations than can be asked one by one; fewer where they are hard to find.
std::vector<std::uint64_t> drawn_of_many(std::uint64_t all,
                                         const std::function<bool(std::uint64_t)>& holds,
                                         std::uint64_t sample, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::set<std::uint64_t> drawn;
  for (std::uint64_t tries = 0; drawn.size() < sample && tries < kMostCombinations; ++tries) {
    const std::uint64_t combination = draw_below(random, all);
    if (holds(combination)) {
      drawn.insert(combination);
    }
  }
  return {drawn.begin(), drawn.end()};
}

// A file beside the sweep's own, or what ships under that name.
std::filesystem::path find_beside(const std::filesystem::path& folder, const YamlValue& name,
                                  const ShippedFiles& files) {
  const std::filesystem::path own = folder / name.as_string();
  std::error_code unknown;  // a name may be too long for a file
  const bool is_name = own.extension().empty() && !std::filesystem::is_regular_file(own, unknown);
  return is_name ? files.find(name.as_string()) : own;
}

// `workload`, or `trace`: one or several.
std::vector<std::filesystem::path> read_workloads(const YamlValue& root,
                                                  const std::filesystem::path& folder,
                                                  const ShippedFiles& models) {
  const auto own = root.find("workload");
  if (own && root.find("trace")) {
    own->fail("stands beside 'trace', which means the same", "keep one of them");
  }
  const YamlValue named = own ? *own : root.at("trace");
  std::vector<std::filesystem::path> files;
  for (const YamlValue& one : named.is_scalar() ? std::vector{named} : named.items()) {
    files.push_back(find_beside(folder, one, models));
  }
  if (files.empty()) {
    named.fail("names no workload", "name one or more");
  }
  return files;
}

// Tables may have any name's ending: a file beside the sweep's, or what ships.
std::vector<std::filesystem::path> read_tables(const YamlValue& tables,
                                               const std::filesystem::path& folder,
                                               const ShippedFiles& shipped) {
  std::vector<std::filesystem::path> files;
  for (const YamlValue& table : tables.items()) {
    const std::filesystem::path own = folder / table.as_string();
    std::error_code unknown;
    files.push_back(
        std::filesystem::is_regular_file(own, unknown) ? own : shipped.find(table.as_string()));
  }
  return files;
}

// `where`, `sample` and `seed` of a sweep's file.
void read_choice(const YamlValue& root, SweepSpec& spec) {
  if (const auto where = root.find("where")) {
    spec.set_where(where->as_string(), fmt::format("{}: where", where->file()));
  }
  if (const auto sample = root.find("sample")) {
    spec.sample = static_cast<std::uint64_t>(sample->as_integer(1, kMostSweepPoints));
  }
  if (const auto seed = root.find("seed")) {
    spec.seed =
        static_cast<std::uint64_t>(seed->as_integer(0, std::numeric_limits<std::int64_t>::max()));
  }
}

}  // namespace

void SweepSpec::add(std::string_view key, const YamlValue& values) {
  const ArchitectureKey& varied = architecture_key(key, values);
  SweepParameter parameter{&varied, values_in(varied, values)};
  if (parameter.values.empty()) {
    values.fail("has no values", "write [a, b, ...]");
  }
  parameters.push_back(std::move(parameter));
  if (!where && !sample && combinations() > kMostSweepPoints) {
    values.fail(fmt::format("makes more than {} points", kMostSweepPoints),
                "sweep fewer parameters or fewer values, or some of the points: where, sample");
  }
}

void SweepSpec::add(std::string_view key, const std::string& values) {
  add(key, read_yaml_text(values, std::string(key)));
}

void SweepSpec::set_where(const std::string& condition, const std::string& place) {
  std::vector<std::string> names;
  for (const ArchitectureKey& key : architecture_keys()) {
    names.emplace_back(key.name);
  }
  where.emplace(condition, names, place);
}

std::function<bool(std::uint64_t)> SweepSpec::asked() const {
  if (!where) {
    return [](std::uint64_t /*combination*/) { return true; };
  }
  // What the condition names: a parameter, or a value that is the same for all points.
  std::vector<std::optional<std::size_t>> varied;
  std::vector<Condition::Value> fixed;
  for (const std::string& name : where->names()) {
    const auto found = std::ranges::find(parameters, name,
                                         [](const SweepParameter& one) { return one.key->name; });
    const bool varies = found != parameters.end();
    varied.push_back(varies ? std::optional(static_cast<std::size_t>(found - parameters.begin()))
                            : std::nullopt);
    fixed.push_back(std::visit(ConditionValueOf{}, find_architecture_key(name)->get(base)));
  }
  return [this, varied, fixed](std::uint64_t combination) {
    const std::vector<KeyValue> values = values_of(combination);
    return where->holds([&](std::size_t name) {
      return varied[name] ? std::visit(ConditionValueOf{}, values[*varied[name]]) : fixed[name];
    });
  };
}

void SweepSpec::choose(const YamlValue& at) {
  if (!where && !sample) {
    return;
  }
  const std::uint64_t all = combinations();
  if (all > kMostCombinations && !sample) {
    at.fail(fmt::format("is asked of more than {} combinations", kMostCombinations),
            "draw some of them: sample: 10000");
  }
  chosen_ = all <= kMostCombinations ? chosen_of_all(all, asked(), sample, seed)
                                     : drawn_of_many(all, asked(), *sample, seed);
  if (chosen_->empty()) {
    at.fail("holds for no combination of the parameters' values", "ask for less");
  }
}

std::vector<const ArchitectureKey*> SweepSpec::keys() const {
  std::vector<const ArchitectureKey*> keys;
  for (const SweepParameter& parameter : parameters) {
    keys.push_back(parameter.key);
  }
  return keys;
}

std::uint64_t SweepSpec::combinations() const {
  std::uint64_t count = 1;
  for (const SweepParameter& parameter : parameters) {
    const std::uint64_t values = parameter.values.size();
    count = count > std::numeric_limits<std::uint64_t>::max() / values
                ? std::numeric_limits<std::uint64_t>::max()
                : count * values;
  }
  return count;
}

std::vector<KeyValue> SweepSpec::values_of(std::uint64_t combination) const {
  std::vector<KeyValue> values(parameters.size());
  for (std::size_t i = parameters.size(); i-- > 0;) {
    const std::vector<KeyValue>& choices = parameters[i].values;
    values[i] = choices[combination % choices.size()];
    combination /= choices.size();
  }
  return values;
}

std::size_t SweepSpec::points() const {
  return chosen_ ? chosen_->size() : combinations();
}

std::vector<KeyValue> SweepSpec::values_at(std::size_t point) const {
  return values_of(chosen_ ? (*chosen_)[point] : point);
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
                   "energy", "accounting", "against", "parameters", "where", "sample", "seed"});
  SweepSpec spec;
  spec.file = path;
  spec.workloads = workload.empty()
                       ? read_workloads(root, path.parent_path(), shipped.models)
                       : std::vector{workloads::find_workload(workload, shipped.models)};
  spec.dimensions = dimensions;
  if (const auto own = root.find("dimensions"); own && workload.empty()) {
    for (const auto& [name, extent] : own->entries()) {
      spec.dimensions.emplace(name, extent.as_integer(1, workloads::kMaxShapeElements));
    }
  }
  const auto architecture = find_beside(path.parent_path(), root.at("arch"), shipped.architectures);
  spec.inputs = {path, architecture};
  spec.inputs.insert(spec.inputs.end(), spec.workloads.begin(), spec.workloads.end());
  if (const auto engine = root.find("engine")) {
    const std::vector<std::string_view> names = engine_names();
    spec.engine = names[engine->as_one_of(names)];
  }
  spec.selection = parse_selection(root);
  if (const auto tables = root.find("energy")) {
    const auto files = read_tables(*tables, path.parent_path(), shipped.tables);
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
  read_choice(root, spec);
  for (const auto& [key, list] : parameters) {
    spec.add(key, list);
  }
  spec.choose(root.find("where").value_or(root));
  return spec;
}

}  // namespace potomac::sim
