#include "sim/reports/report_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "energy/pricing/unit_energy_table.hpp"
#include "sim/reports/report_json.hpp"
#include "sim/results/gemm_text.hpp"
#include "sim/results/json_value.hpp"
#include "sim/studies/pricing.hpp"
#include "support/text_file.hpp"
#include "support/yaml_reader.hpp"

namespace potomac::sim {
namespace {

using Json = JsonValue::Json;

constexpr std::size_t kLargestReportMib = 512;

// One of the enumerators, by its name.
template <typename Enum, std::size_t N>
Enum named(const JsonValue& value, const std::array<Enum, N>& all) {
  const std::string text = value.text();
  for (const Enum candidate : all) {
    if (name_of(candidate) == text) {
      return candidate;
    }
  }
  value.fail(fmt::format("'{}' is not known", text), "read it with the Potomac that wrote it");
}

Count count_of(const JsonValue& value) {
  return value.is_null() ? Count::unknown() : Count(value.count());
}

energy::ActionCounts read_actions(const JsonValue& json) {
  energy::ActionCounts actions;
  for (const energy::ActionInfo& action : energy::kActions) {
    actions.*action.member = count_of(json.at(action.name));
  }
  return actions;
}

energy::RegisterToggles read_toggles(const JsonValue& json) {
  if (json.is_null()) {
    return energy::RegisterToggles::unknown();
  }
  energy::RegisterToggles toggles;
  for (const energy::RegisterClass& registers : energy::kRegisterClasses) {
    toggles.*registers.member = json.at(registers.name).count();
  }
  return toggles;
}

StallBy read_stalls(const JsonValue& json) {
  return {json.at("first").count(), json.at("second").count(), json.at("results").count()};
}

energy::MemoryAccesses read_accesses(const JsonValue& json) {
  energy::MemoryAccesses accesses;
  for (const energy::TrafficInfo& traffic : energy::kTraffic) {
    // Reports of before DRAM had its timing lack the counts of that.
    const auto count = json.find(traffic.name);
    accesses.*traffic.member = count ? count_of(*count) : Count::unknown();
  }
  for (const energy::MemoryInfo& memory : energy::kMemories) {
    for (const energy::AccessInfo& access : energy::kAccesses) {
      accesses.*memory.member.*access.member = json.at(memory.name).at(access.name).count();
    }
  }
  return accesses;
}

std::vector<Blocking> read_tiles(const JsonValue& json) {
  std::vector<Blocking> tiles;
  for (const JsonValue& tile : json.items()) {
    const JsonValue order = tile.at("loop_order");
    const std::optional<LoopOrder> loops = loop_order_of(order.text());
    if (!loops) {
      order.fail("is no order of the loops over m, n and k", "run it again");
    }
    tiles.push_back(
        {{tile.at("m").integer(), tile.at("n").integer(), tile.at("k").integer()}, *loops});
  }
  return tiles;
}

// Reports of before there were memories have null here, or nothing.
void read_memory(const JsonValue& json, const Architecture& architecture, PassRecord& record) {
  Quantities& quantities = record.quantities;
  if (!architecture.memory) {
    quantities.stall_by = quantities.baseline_stall_by = StallBy::unknown();
    quantities.memory = quantities.baseline_memory = energy::MemoryAccesses::unknown();
    return;
  }
  quantities.stall_by = read_stalls(json.at("stall_by"));
  quantities.baseline_stall_by = read_stalls(json.at("baseline_stall_by"));
  const JsonValue memory = json.at("memory");
  quantities.memory = read_accesses(memory.at("mf_mac"));
  quantities.baseline_memory = read_accesses(memory.at("fp32_mac"));
  record.tiles = read_tiles(memory.at("mf_mac").at("tiles"));
  record.baseline_tiles = read_tiles(memory.at("fp32_mac").at("tiles"));
}

Cycles read_cycles(const JsonValue& json) {
  return {json.at("preload").count(), json.at("stream").count(), json.at("drain").count(),
          json.at("stall").count()};
}

std::vector<OtherMachine> read_others(const JsonValue& json) {
  std::vector<OtherMachine> others;
  if (const auto list = json.find("other_machines")) {
    for (const JsonValue& one : list->items()) {
      OtherMachine& other = others.emplace_back();
      other.operand_bits = static_cast<int>(one.at("operand_bits").integer());
      other.cycles = read_cycles(one.at("cycles"));
      for (const energy::ActionInfo& action : energy::kActions) {
        if (action.unit == "write") {
          other.actions.*action.member = count_of(one.at("actions").at(action.name));
        }
      }
      other.memory = one.at("memory").is_null() ? energy::MemoryAccesses::unknown()
                                                : read_accesses(one.at("memory"));
    }
  }
  return others;
}

PassRecord read_pass(const JsonValue& json, const Architecture& architecture) {
  PassRecord record;
  record.layer = json.at("layer").text();
  record.pass = named(json.at("pass"), workloads::kPasses);
  for (const JsonValue& gemm : json.at("gemms").items()) {
    record.gemms.push_back({gemm.at("count").integer(), gemm.at("m").integer(),
                            gemm.at("n").integer(), gemm.at("k").integer()});
  }
  const JsonValue accumulator = json.at("accumulator");
  record.accumulator = {.bits = static_cast<int>(accumulator.at("bits").integer()),
                        .lsb = static_cast<int>(accumulator.at("lsb").integer()),
                        .overflow = architecture.pe.accumulator.overflow};
  record.exponent_bits = rtl::PotFormat(architecture.pe.operand_bits).exponent_bits();
  Quantities& quantities = record.quantities;
  quantities.macs = json.at("macs").count();
  quantities.baseline_macs =
      json.has("baseline_macs") ? json.at("baseline_macs").count() : quantities.macs;
  quantities.folds = json.at("folds").count();
  const JsonValue zeros = json.at("zero_operand_macs");
  quantities.structural_zero_macs = zeros.at("structural").count();
  quantities.value_zero_macs = count_of(zeros.at("value"));
  quantities.cycles = read_cycles(json.at("cycles"));
  quantities.baseline_cycles = read_cycles(json.at("baseline_cycles"));
  quantities.actions = read_actions(json.at("actions"));
  quantities.baseline_actions = read_actions(json.at("baseline_actions"));
  quantities.toggles = read_toggles(json.at("toggles"));
  quantities.baseline_toggles = read_toggles(json.at("baseline_toggles"));
  read_memory(json, architecture, record);
  record.others = read_others(json);
  return record;
}

// The MACs of the GEMMs; nothing for extents that no GEMM has, and for more than 64 bits hold.
std::optional<std::uint64_t> macs_of(const std::vector<workloads::GemmShape>& gemms) {
  std::uint64_t sum = 0;
  for (const workloads::GemmShape& gemm : gemms) {
    std::uint64_t macs = 1;
    for (const std::int64_t extent : {gemm.count, gemm.m, gemm.n, gemm.k}) {
      if (extent < 1 || __builtin_mul_overflow(macs, static_cast<std::uint64_t>(extent), &macs)) {
        return std::nullopt;
      }
    }
    if (__builtin_add_overflow(sum, macs, &sum)) {
      return std::nullopt;
    }
  }
  return sum;
}

// What a pass's counts must obey, whoever counted them.
void check_pass(const JsonValue& json, const PassRecord& record, const Architecture& architecture) {
  const Quantities& quantities = record.quantities;
  const auto require = [&](bool holds, const char* what) {
    if (!holds) {
      json.fail(
          fmt::format("{} {} contradicts itself: {}", record.layer, name_of(record.pass), what),
          "run it again");
    }
  };
  require(macs_of(record.gemms) == quantities.macs, "macs are not those of its gemms");
  require(record.accumulator.bits == architecture.pe.accumulator.bits,
          "accumulator.bits are not the architecture's");
  require(
      quantities.structural_zero_macs <= quantities.macs &&
          (!quantities.value_zero_macs.known() ||
           quantities.value_zero_macs.value() <= quantities.macs - quantities.structural_zero_macs),
      "more zero_operand_macs than macs");
  require(quantities.baseline_macs == quantities.macs || quantities.baseline_macs == 0,
          "baseline_macs are neither its macs nor 0");
  const auto require_all_cycles = [&](std::uint64_t macs, const energy::ActionCounts& actions,
                                      const Cycles& cycles) {
    Count busy = macs;
    for (const energy::IdleCause& cause : energy::kIdleCauses) {
      busy += actions.*cause.member;
    }
    require(busy.known() && busy.value() == static_cast<std::uint64_t>(architecture.array.pes()) *
                                                cycles.total(),
            "macs and idle PE cycles are not all PE cycles");
  };
  const auto require_stalls = [&](const StallBy& by, const Cycles& cycles) {
    const Count sum = by.first + by.second + by.results;
    require(!sum.known() || sum.value() == cycles.stall, "stall_by is not cycles.stall");
  };
  require_stalls(quantities.stall_by, quantities.cycles);
  require_stalls(quantities.baseline_stall_by, quantities.baseline_cycles);
  require_all_cycles(quantities.macs, quantities.actions, quantities.cycles);
  require_all_cycles(quantities.baseline_macs, quantities.baseline_actions,
                     quantities.baseline_cycles);
}

energy::UnitEnergy read_unit_energy(const JsonValue& json) {
  energy::UnitEnergy unit{.entry = json.at("entry").text(),
                          .energy_pj = json.at("value").number(),
                          .certainty = named(json.at("certainty"), energy::kCertainties),
                          .source = json.at("source").text(),
                          .note = json.has("note") ? json.at("note").text() : "",
                          .derived_from = {},
                          .derivation = {}};
  if (json.has("derived_from")) {
    for (const JsonValue& entry : json.at("derived_from").items()) {
      unit.derived_from.push_back(entry.text());
    }
    unit.derivation = json.at("derivation").text();
  }
  return unit;
}

// A table of the numbers that the report was priced with, and of no others.
energy::UnitEnergyTable table_of(const JsonValue& json,
                                 const std::vector<energy::UnitEnergy>& units,
                                 const std::string& file) {
  const std::string name = json.at("table").text();
  Json document{{"format", energy::kUnitEnergyFormat},
                {"version", energy::kUnitEnergyVersion},
                {"name", name},
                {"title", name},
                {"unit", json.at("unit").text()},
                {"node", json.at("node").text()},
                {"source", "a stored report"}};
  for (const energy::UnitEnergy& unit : units) {
    Json* at = &document["entries"];
    const std::size_t dot = unit.entry.find('.');
    at = &(*at)[unit.entry.substr(0, dot)];
    if (dot != std::string::npos) {
      at = &(*at)[unit.entry.substr(dot + 1)];
    }
    *at = {{"value", unit.energy_pj},
           {"certainty", energy::name_of(unit.certainty)},
           {"source", unit.source},
           {"note", unit.note.empty() ? "-" : unit.note}};
  }
  return energy::UnitEnergyTable(read_yaml_text(document.dump(), file + ": energy"));
}

std::vector<energy::UnitEnergy> read_unit_energies(const JsonValue& json) {
  std::vector<energy::UnitEnergy> units;
  for (const JsonValue& unit : json.items()) {
    units.push_back(read_unit_energy(unit));
  }
  return units;
}

energy::StepWork read_step_work(const JsonValue& json) {
  energy::StepWork work;
  for (const energy::StepCountInfo& info : energy::kStepCounts) {
    work.*info.member = json.at(info.name).count();
  }
  return work;
}

// Behind the energies of the passes.
void read_step(const JsonValue& json, const std::string& file, RunResult& result) {
  TrainingStep& step = result.step.emplace();
  step.optimizer = named(json.at("optimizer"), kOptimizers);
  for (const JsonValue& line : json.at("assumptions").items()) {
    step.assumptions.push_back(line.text());
  }
  for (const JsonValue& part : json.at("parts").items()) {
    step.parts.push_back({part.at("part").text(), read_step_work(part.at("mf_mac")),
                          read_step_work(part.at("fp32_mac"))});
  }
  const JsonValue energies = json.at("energy");
  if (energies.items().size() != result.energy.size() + result.structural.size()) {
    energies.fail("is not one for each of the report's energies", "run it again");
  }
  for (const JsonValue& one : energies.items()) {
    std::vector<energy::UnitEnergy> units = read_unit_energies(one.at("unit_energies"));
    const energy::UnitEnergyTable table = table_of(one, units, file);
    const std::size_t at = result.step_energy.size();
    result.step_energy.push_back(
        at < result.energy.size()
            ? energy::price_step(table, step.parts, result.energy[at])
            : energy::price_step(table, step.parts, result.structural[at - result.energy.size()]));
    result.step_energy.back().unit_energies = std::move(units);
  }
}

void read_energy(const JsonValue& json, const std::string& file, RunResult& result) {
  std::vector<energy::UnitEnergy> units = read_unit_energies(json.at("unit_energies"));
  const energy::UnitEnergyTable table = table_of(json, units, file);
  if (json.at("accounting").text() == energy::kStructuralAccounting) {
    result.structural.push_back(price_structure(table, result.passes, result.architecture));
    result.structural.back().unit_energies = std::move(units);
  } else {
    result.energy.push_back(price(table, result.passes));
    result.energy.back().unit_energies = std::move(units);
  }
}

// Reports of before there were workloads without values do not have these keys.
void read_values(const JsonValue& workload, workloads::WorkloadInfo& info) {
  if (const auto values = workload.find("values")) {
    info.values = named(*values, workloads::kValueSources);
    if (!workload.at("synthesis").is_null()) {
      info.synthesis = workload.at("synthesis").text();
    }
    for (const auto& [name, extent] : workload.at("dimensions").entries()) {
      info.dimensions[name] = extent.integer();
    }
  }
}

// With the DRAM that the run had, whatever its preset's file says by now.
Architecture read_architecture(const JsonValue& json, const std::string& file) {
  auto keys = json.at("architecture").json();
  const auto preset = json.find("dram_preset");
  if (!preset || preset->is_null()) {
    return parse_architecture(read_yaml_text(keys.dump(), file));
  }
  auto& dram = keys.at("memory").at("dram");
  DramConfig config;
  config.preset = dram.at("preset").get<std::string>();
  config.device = parse_dram_preset(read_yaml_text(preset->json().dump(), file));
  config.channels = dram.at("channels").get<std::int64_t>();
  keys.at("memory").erase("dram");
  Architecture architecture = parse_architecture(read_yaml_text(keys.dump(), file));
  architecture.memory->dram = config;
  return architecture;
}

RunResult read_result(const JsonValue& json, const std::string& file) {
  RunResult result;
  result.engine = named(json.at("engine"), kEngineKinds);
  result.architecture = read_architecture(json, file);
  const JsonValue workload = json.at("workload");
  result.trace = workload.at("trace").text();
  result.workload = {.model = workload.at("model").text(),
                     .framework = workload.at("framework").text(),
                     .dataset = workload.at("dataset").text(),
                     .step = workload.at("step").integer(),
                     .seed = workload.at("seed").integer(),
                     .rounding = workload.at("rounding").text()};
  if (workload.has("gradient_rounding") && !workload.at("gradient_rounding").is_null()) {
    result.workload.gradient_rounding = workload.at("gradient_rounding").text();
  }
  read_values(workload, result.workload);
  for (const JsonValue& tensor : workload.at("tensors").items()) {
    TensorOrigins& origins = result.zeros.emplace_back();
    origins.layer = tensor.at("layer").text();
    origins.tensor = tensor.at("tensor").text();
    if (!tensor.at("exact_zeros").is_null()) {
      origins.zeros = {tensor.at("exact_zeros").integer(), tensor.at("underflows").integer()};
    }
  }
  for (const JsonValue& part : workload.at("not_included").items()) {
    result.not_included.push_back(
        {part.at("name").text(), part.at("kind").text(), part.at("reason").text()});
  }
  const JsonValue selection = json.at("selection");
  result.selection = {.layers = {}, .passes = {}};
  for (const JsonValue& pattern : selection.at("layers").items()) {
    result.selection.layers.push_back(pattern.text());
  }
  for (const JsonValue& pass : selection.at("passes").items()) {
    result.selection.passes.push_back(named(pass, workloads::kPasses));
  }
  result.left_out = selection.at("left_out").integer();
  for (const JsonValue& pass : json.at("passes").items()) {
    result.passes.push_back(read_pass(pass, result.architecture));
    check_pass(pass, result.passes.back(), result.architecture);
  }
  if (const auto assumed = json.find("assumed")) {
    const JsonValue density = assumed->at("density");
    result.assumed = {density.at("W").number(), density.at("A").number(), density.at("G").number()};
  }
  result.totals = total_of(result.passes);
  for (const JsonValue& energy : json.at("energy").items()) {
    read_energy(energy, file, result);
  }
  if (const auto step = json.find("step")) {
    read_step(*step, file, result);
  }
  return result;
}

// Keys that reports of version 2 did not have from the beginning.
constexpr std::array<std::string_view, 8> kLaterKeys = {
    "baseline_macs", "gradient_rounding", "stall_by", "baseline_stall_by",
    "memory",        "moved_bits",        "row_hits", "row_misses"};

// Where `stored` is not what its own counts make of it; empty if nowhere.
std::string first_difference(const Json& stored, const Json& made, const std::string& place) {
  if (stored.is_object() && made.is_object()) {
    for (const auto& [key, value] : made.items()) {
      const std::string below = place.empty() ? key : fmt::format("{}.{}", place, key);
      const auto found = stored.find(key);
      if (found == stored.end() && std::ranges::find(kLaterKeys, key) != kLaterKeys.end()) {
        continue;
      }
      std::string difference =
          found == stored.end() ? below : first_difference(*found, value, below);
      if (!difference.empty()) {
        return difference;
      }
    }
    return "";
  }
  if (stored.is_array() && made.is_array() && stored.size() == made.size()) {
    for (std::size_t i = 0; i < made.size(); ++i) {
      std::string difference =
          first_difference(stored[i], made[i], fmt::format("{}[{}]", place, i));
      if (!difference.empty()) {
        return difference;
      }
    }
    return "";
  }
  return stored == made ? "" : place;
}

void check_version(const JsonValue& json) {
  if (json.has("potomac") && json.at("potomac").has("report_version")) {
    json.fail("is a report of version 1, of an older Potomac", "run it again");
  }
  if (!json.has("format") || json.at("format").json() != kReportFormat) {
    json.fail("is JSON, but no report of a run", "name a folder that `potomac run --out` wrote");
  }
  const std::int64_t version = json.at("version").integer();
  if (version != kReportVersion) {
    json.fail(fmt::format("is a report of version {}; this Potomac reads version {}", version,
                          kReportVersion),
              "read it with the Potomac that wrote it");
  }
}

}  // namespace

RunResult load_report(const std::filesystem::path& path) {
  const std::filesystem::path file =
      std::filesystem::is_directory(path) ? path / "report.json" : path;
  const std::string name = file.string();
  Json stored;
  try {
    stored = Json::parse(read_text_file(file, "JSON", kLargestReportMib));
  } catch (const Json::parse_error& error) {
    throw InputError({name, fmt::format("byte {}", error.byte), "is not JSON",
                      "name a report.json, or the folder that holds it"});
  }
  const JsonValue json(stored, name, "");
  check_version(json);
  RunResult result = read_result(json, name);
  Json made = report_json(result);
  made.erase("potomac");  // the version of who wrote it
  const std::string difference = first_difference(stored, Json::parse(json_text(made)), "");
  if (!difference.empty()) {
    throw InputError({name, difference, "is not what the report's own counts make of it",
                      "it was changed by hand; run it again"});
  }
  return result;
}

}  // namespace potomac::sim
