#include "sim/results/report_reader.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "sim/machine/architecture_file.hpp"
#include "sim/machine/operand_fit.hpp"
#include "sim/results/columns.hpp"
#include "sim/results/gemm_text.hpp"
#include "sim/results/json_tree.hpp"
#include "sim/results/json_value.hpp"
#include "sim/results/pricing.hpp"
#include "sim/results/report_json.hpp"
#include "support/text_file.hpp"
#include "support/yaml_reader.hpp"

namespace potomac::sim {
namespace {

constexpr std::size_t kLargestReportMib = 512;
constexpr int kDeepest = 32;  // levels; a report has nine
constexpr double kLargestPj = 1e9;
constexpr std::int64_t kMostDigits = 100000;  // of widths and exponents

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

// --- columns -------------------------------------------------------------------------------------

// What stands at a dotted path; nothing if it, or a group that it is in, is missing or null.
std::optional<JsonValue> find_path(const JsonValue& entry, std::string_view path) {
  const std::size_t dot = path.find('.');
  const std::optional<JsonValue> child = entry.find(path.substr(0, dot));
  return !child || dot == std::string_view::npos ? child : find_path(*child, path.substr(dot + 1));
}

std::vector<workloads::GemmShape> read_gemms(const JsonValue& json) {
  std::vector<workloads::GemmShape> gemms;
  for (const JsonValue& gemm : json.items()) {
    gemms.push_back({gemm.at("count").integer(), gemm.at("m").integer(), gemm.at("n").integer(),
                     gemm.at("k").integer()});
  }
  return gemms;
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

Cell read_cell(const JsonValue& value, CellKind kind) {
  switch (kind) {
    case CellKind::kText:
    case CellKind::kUnknownText:
      return value.text();
    case CellKind::kPass:
      return std::string(workloads::name_of(named(value, workloads::kPasses)));
    case CellKind::kInteger:
      return value.integer(-kMostDigits, kMostDigits);
    case CellKind::kCount:
    case CellKind::kUnknownCount:
      return value.count();
    case CellKind::kGemms:
      return read_gemms(value);
    case CellKind::kTiles:
      return read_tiles(value);
  }
  return {};
}

// Sets every column that has its value from nowhere else.
template <typename Columns, typename Record>
void read_columns(const JsonValue& entry, const Columns& columns, Record& record) {
  for (const auto& column : columns) {
    if (!column.set) {
      continue;
    }
    const std::optional<JsonValue> value = find_path(entry, column.names.path);
    const bool must_be_known = column.kind == CellKind::kCount || column.kind == CellKind::kText ||
                               column.kind == CellKind::kPass || column.kind == CellKind::kGemms;
    if (!value && must_be_known) {
      entry.fail(fmt::format("'{}' is missing, or null", column.names.path), "run it again");
    }
    column.set(record, value ? read_cell(*value, column.kind) : Cell());
  }
}

// The MACs of the GEMMs; nothing for extents that no GEMM has, and for more than 63 bits hold.
std::optional<std::uint64_t> macs_of(const std::vector<workloads::GemmShape>& gemms) {
  std::int64_t sum = 0;
  for (const workloads::GemmShape& gemm : gemms) {
    std::int64_t macs = 1;
    for (const std::int64_t extent : {gemm.count, gemm.m, gemm.n, gemm.k}) {
      if (extent < 1 || __builtin_mul_overflow(macs, extent, &macs)) {
        return std::nullopt;
      }
    }
    if (__builtin_add_overflow(sum, macs, &sum)) {
      return std::nullopt;
    }
  }
  return static_cast<std::uint64_t>(sum);
}

// As the architecture has it for a pass.
rtl::AccumulatorConfig accumulator_of_record(const PassRecord& record, const RunResult& result) {
  const PeConfig& pe = result.architecture.pe;
  return accumulator_of(pe, override_of(pe, record.layer, record.pass));
}

// What a machine's counts must obey, whoever counted them.
void check_machine(const JsonValue& json, const PassRecord& record, std::size_t index,
                   const RunResult& result) {
  const Machine& machine = result.machines[index];
  const MachineRecord& of_machine = record.machines[index];
  const Quantities& q = of_machine.quantities;
  const auto require = [&](bool holds, const char* what) {
    if (!holds) {
      json.fail(fmt::format("{} {}, {}, contradicts itself: {}", record.layer, name_of(record.pass),
                            machine.id, what),
                "run it again");
    }
  };
  const bool is_mf_mac = machine.unit == Unit::kMfMac;
  require(q.macs == macs_of(record.gemms) || (q.macs == 0 && !is_mf_mac),
          "macs are not those of its gemms");
  require(of_machine.accumulator.has_value() == is_mf_mac &&
              (!is_mf_mac ||
               of_machine.accumulator->bits == accumulator_of_record(record, result).bits),
          "accumulator.bits are not the architecture's");
  // They follow from shapes, and are priced.
  require((q.actions.operand_register_write + q.actions.skew_register_write +
           q.actions.psum_register_write + q.actions.drain_hop)
              .known(),
          "writes of registers are missing");
  require(q.structural_zero_macs <= q.macs &&
              (!q.value_zero_macs.known() ||
               q.value_zero_macs.value() <= q.macs - q.structural_zero_macs),
          "more zero_operand_macs than macs");
  // Each of these counts has at most 63 bits, and some of their sums more.
  __uint128_t busy = q.macs;
  bool known = true;
  for (const energy::IdleCause& cause : energy::kIdleCauses) {
    known = known && (q.actions.*cause.member).known();
    busy += known ? (q.actions.*cause.member).value() : 0;
  }
  const __uint128_t cycles = static_cast<__uint128_t>(q.cycles.preload) + q.cycles.stream +
                             q.cycles.drain + q.cycles.stall;
  require(known && cycles <= ~std::uint64_t{0} / 2 &&
              busy == cycles * static_cast<std::uint64_t>(machine.array.pes()),
          "macs and idle PE cycles are not all PE cycles");
  const StallBy& by = q.stall_by;
  const bool has_causes = by.first.known() && by.second.known() && by.results.known();
  require(has_causes == result.architecture.memory.has_value() &&
              (!has_causes || static_cast<__uint128_t>(by.first.value()) + by.second.value() +
                                      by.results.value() ==
                                  q.cycles.stall),
          "stall_by is not cycles.stall");
  for (const energy::MemoryInfo& memory : energy::kMemories) {
    for (const energy::AccessInfo& access : energy::kAccesses) {
      require((q.memory.*memory.member.*access.member).known() ==
                  result.architecture.memory.has_value(),
              "memory is not the architecture's");
    }
  }
}

workloads::TrainedSum read_trained(const JsonValue& json) {
  if (json.json().is_string()) {
    if (json.text() != kFp32Sums) {
      json.fail("is no accumulator", "run it again");
    }
    return {};
  }
  return {rtl::Accumulator{
      .bits = static_cast<int>(
          json.at("bits").integer(rtl::kMinAccumulatorBits, rtl::kMaxAccumulatorBits)),
      .lsb = static_cast<int>(json.at("lsb").integer(-rtl::kMaxAbsLsb, rtl::kMaxAbsLsb)),
      .overflow = named(json.at("overflow"), rtl::kOverflows)}};
}

// What tiles cost is known of all tiles or of none, and fits what else is said of them.
void check_tiles_costs(const JsonValue& entry, const MachineRecord& record) {
  const TilesCosts& costs = record.tiles_costs;
  const auto known = std::ranges::count_if(
      kTilesCosts, [&](const TilesCostInfo& cost) { return (costs.*cost.member).known(); });
  const auto is = [](const Count& one, const Count& other) { return one.value() == other.value(); };
  bool fits = known == 0;
  if (known == static_cast<std::ptrdiff_t>(kTilesCosts.size())) {
    const energy::Accesses& dram = record.quantities.memory.dram;
    fits =
        (dram.read_bits + dram.written_bits).known() &&
        is(costs.dram_bits, dram.read_bits + dram.written_bits) &&
        costs.time_cycles.value() <= costs.traffic_cycles.value() &&
        costs.traffic_dram_bits.value() <= costs.time_dram_bits.value() &&
        (costs.chosen_for != name_of(TileObjective::kTime) ||
         (is(costs.cycles, costs.time_cycles) && is(costs.dram_bits, costs.time_dram_bits))) &&
        (costs.chosen_for != name_of(TileObjective::kTraffic) ||
         (is(costs.cycles, costs.traffic_cycles) && is(costs.dram_bits, costs.traffic_dram_bits)));
  }
  const bool is_chosen =
      costs.chosen_for == "given" ||
      std::ranges::find(kTileObjectives, costs.chosen_for) != std::ranges::end(kTileObjectives);
  if (!fits || (costs.chosen_for.empty() ? known > 0 : !is_chosen || record.tiles.empty())) {
    entry.fail("holds costs of tiles ('tiles_cost', 'tiles_chosen_for') that do not fit its tiles",
               "run it again");
  }
}

PassRecord read_pass(const JsonValue& json, const RunResult& result) {
  PassRecord record;
  read_columns(json, pass_columns(), record);
  if (const std::optional<JsonValue> trained = json.find("trained_with")) {
    record.trained_with = read_trained(*trained);
  }
  const JsonValue machines = json.at("machines");
  for (const Machine& machine : result.machines) {
    read_columns(machines.at(machine.id), machine_columns(), record.machines.emplace_back());
    check_tiles_costs(machines.at(machine.id), record.machines.back());
    if (record.machines.back().accumulator) {
      record.machines.back().accumulator->overflow = accumulator_of_record(record, result).overflow;
    }
    check_machine(json, record, record.machines.size() - 1, result);
  }
  return record;
}

// --- what stands around the passes ---------------------------------------------------------------

// A document as the readers of files take it. Its depth is bounded (parse()).
YAML::Node yaml_of(const JsonValue& json) {
  YAML::Node node;
  if (json.json().is_object()) {
    for (const auto& [key, value] : json.entries()) {
      node[key] = yaml_of(value);
    }
  } else if (json.json().is_array()) {
    for (const JsonValue& item : json.items()) {
      node.push_back(yaml_of(item));
    }
  } else {
    node = json.json().is_string() ? json.text() : json.json().dump();
  }
  return node;
}

YamlValue yaml_value(const JsonValue& json, std::string_view key) {
  return {yaml_of(json), json.file(), std::string(key)};
}

// The architecture with the DRAM that the run had, whatever its preset's file says by now.
Architecture read_architecture(const JsonValue& json) {
  const JsonValue keys = json.at("architecture");
  const std::optional<JsonValue> preset = json.find("dram_preset");
  if (!preset) {
    if (keys.has("memory") && keys.at("memory").has("dram") &&
        keys.at("memory").at("dram").has("preset")) {
      keys.fail("names a DRAM preset, and key 'dram_preset' is missing", "run it again");
    }
    return parse_architecture(yaml_value(keys, "architecture"));
  }
  const std::string name = keys.at("memory").at("dram").at("preset").text();
  Json without = keys.json();
  without["memory"]["dram"].erase("preset");  // what stands beside it is read as ever
  Architecture architecture = parse_architecture(
      yaml_value(JsonValue(without, keys.file(), "architecture"), "architecture"));
  DramConfig& config = dram_of(architecture);
  config.preset = name;
  config.device = parse_dram_preset(yaml_value(*preset, "dram_preset"));
  config.channels = channels_of(config);
  return architecture;
}

std::vector<Machine> read_machines(const JsonValue& json, const Architecture& architecture) {
  std::vector<Unit> rivals;
  bool originals = false;
  for (const auto& [id, machine] : json.entries()) {
    const std::optional<Unit> unit = unit_named(machine.at("unit").text());
    if (!unit || info_of(*unit).name != id) {
      machine.fail("is no machine that is known here", "read it with the Potomac that wrote it");
    }
    if (*unit != Unit::kMfMac && *unit != Unit::kFp32Mac) {
      rivals.push_back(*unit);
    }
    originals = originals || machine.at("operands").text() == "originals";
  }
  return machines_of(architecture, rivals, originals);
}

void read_workload(const JsonValue& json, RunResult& result) {
  result.trace = json.at("trace").text();
  workloads::WorkloadInfo& info = result.workload;
  info = {.model = json.at("model").text(),
          .framework = json.at("framework").text(),
          .dataset = json.at("dataset").text(),
          .step = json.at("step").integer(),
          .seed = json.at("seed").integer(),
          .rounding = json.at("rounding").text(),
          .gradient_rounding = json.text_or_empty("gradient_rounding"),
          .values = named(json.at("values"), workloads::kValueSources),
          .synthesis = json.text_or_empty("synthesis")};
  if (const auto batch = json.find("batch")) {
    info.batch = batch->integer(1);
  }
  for (const auto& [name, extent] : json.at("dimensions").entries()) {
    info.dimensions[name] = extent.integer();
  }
  for (const JsonValue& tensor : json.at("tensors").items()) {
    TensorOrigins& origins = result.zeros.emplace_back();
    origins.layer = tensor.at("layer").text();
    origins.tensor = tensor.at("tensor").text();
    if (const auto exact = tensor.find("exact_zeros")) {
      origins.zeros = {exact->integer(0), tensor.at("underflows").integer(0)};
    }
  }
  for (const JsonValue& part : json.at("not_included").items()) {
    result.not_included.push_back(
        {part.at("name").text(), part.at("kind").text(), part.at("reason").text()});
  }
}

void read_selection(const JsonValue& json, RunResult& result) {
  result.selection = {.layers = {}, .passes = {}};
  for (const JsonValue& pattern : json.at("layers").items()) {
    result.selection.layers.push_back(pattern.text());
  }
  for (const JsonValue& pass : json.at("passes").items()) {
    result.selection.passes.push_back(named(pass, workloads::kPasses));
  }
  result.left_out = json.at("left_out").integer(0);
}

void read_step(const JsonValue& json, RunResult& result) {
  TrainingStep& step = result.step.emplace();
  step.optimizer = named(json.at("optimizer"), kOptimizers);
  for (const JsonValue& line : json.at("assumptions").items()) {
    step.assumptions.push_back(line.text());
  }
  step.machines = {result.machines[kMfMacMachine].id, result.machines[kFp32Machine].id};
  for (const JsonValue& part : json.at("parts").items()) {
    energy::StepPart& read = step.parts.emplace_back();
    read.name = part.at("part").text();
    for (const std::string& machine : step.machines) {
      const JsonValue work = part.at("machines").at(machine);
      energy::StepWork& of_machine = read.work.emplace_back();
      for (const energy::StepCountInfo& info : energy::kStepCounts) {
        of_machine.*info.member = work.at(info.name).count();
      }
    }
  }
}

// --- energies ------------------------------------------------------------------------------------

energy::UnitEnergy read_unit_energy(const JsonValue& json) {
  energy::UnitEnergy unit{.entry = json.at("entry").text(),
                          .energy_pj = json.at("value").number(0.0, kLargestPj),
                          .certainty = named(json.at("certainty"), energy::kCertainties),
                          .source = json.at("source").text(),
                          .note = json.text_or_empty("note"),
                          .derived_from = {},
                          .derivation = {}};
  if (const auto entries = json.find("derived_from")) {
    for (const JsonValue& entry : entries->items()) {
      unit.derived_from.push_back(entry.text());
    }
    unit.derivation = json.at("derivation").text();
  }
  return unit;
}

// All numbers that a report was priced with, by table. A table of these prices it again.
class StoredTables {
 public:
  // The units of one energy; returned as they stand there.
  std::vector<energy::UnitEnergy> add(const JsonValue& energy) {
    Stored& table = tables_[energy.at("table").text()];
    table.unit = energy.at("unit").text();
    table.node = energy.at("node").text();
    std::vector<energy::UnitEnergy> units;
    for (const JsonValue& json : energy.at("unit_energies").items()) {
      units.push_back(read_unit_energy(json));
      const auto known =
          std::ranges::find(table.units, units.back().entry, &energy::UnitEnergy::entry);
      if (known == table.units.end()) {
        table.units.push_back(units.back());
      } else if (!(*known == units.back())) {
        json.fail("is another number than that entry has elsewhere", "run it again");
      }
    }
    return units;
  }

  energy::UnitEnergyTable table(const std::string& name, const std::string& file) const {
    const Stored& stored = tables_.at(name);
    return {file + ": energy", name, stored.unit, stored.node, stored.units};
  }

 private:
  struct Stored {
    std::string unit;
    std::string node;
    std::vector<energy::UnitEnergy> units;
  };
  std::map<std::string, Stored> tables_;
};

// Prices the counts anew by the numbers that stand there.
void read_energies(const JsonValue& json, RunResult& result) {
  StoredTables stored;
  Prices prices{.tables = {}, .accountings = {}};
  std::vector<std::string> table_names;
  // Entries stand by accounting, then table, then machine: all combinations of what there is.
  for (const JsonValue& energy : json.at("energy").items()) {
    stored.add(energy);
    const JsonValue accounting = energy.at("accounting");
    const energy::Accounting* const known = energy::find_accounting(accounting.text());
    if (known == nullptr) {
      accounting.fail(fmt::format("'{}' is not known", accounting.text()),
                      "read it with the Potomac that wrote it");
    }
    if (std::ranges::find(prices.accountings, known) == prices.accountings.end()) {
      prices.accountings.push_back(known);
    }
    const std::string table = energy.at("table").text();
    if (std::ranges::find(table_names, table) == table_names.end()) {
      table_names.push_back(table);
    }
  }
  if (result.step) {
    for (const JsonValue& energy : json.at("step").at("energy").items()) {
      stored.add(energy);
    }
  }
  for (const std::string& name : table_names) {
    prices.tables.push_back(stored.table(name, json.file()));
  }
  price(result, prices);
  // What a number was derived from stands in the report, and is not in a table of it.
  const auto restore = [&](auto& energies, const JsonValue& list) {
    const std::vector<JsonValue> entries = list.items();
    for (std::size_t i = 0; i < std::min(entries.size(), energies.size()); ++i) {
      energies[i].unit_energies = StoredTables().add(entries[i]);
    }
  };
  restore(result.energy, json.at("energy"));
  // So does an area; a report of before has none.
  const std::vector<JsonValue> entries = json.at("energy").items();
  for (std::size_t i = 0; i < std::min(entries.size(), result.energy.size()); ++i) {
    if (entries[i].has("pe_area_um2") && !entries[i].at("pe_area_um2").json().is_null()) {
      result.energy[i].pe_area_um2 = entries[i].at("pe_area_um2").number(0.0, kLargestPj);
    }
  }
  if (result.step) {
    restore(result.step->energy, json.at("step").at("energy"));
  }
}

RunResult read_result(const JsonValue& json) {
  RunResult result;
  if (const auto program = json.find("potomac")) {
    result.program = {program->text_or_empty("version"), program->text_or_empty("build")};
  }
  result.engine = json.at("engine").text();
  result.architecture = read_architecture(json);
  result.machines = read_machines(json.at("machines"), result.architecture);
  read_workload(json.at("workload"), result);
  read_selection(json.at("selection"), result);
  for (const JsonValue& pass : json.at("passes").items()) {
    result.passes.push_back(read_pass(pass, result));
  }
  result.totals = totals_of(result.passes, result.machines.size());
  if (const auto assumed = json.find("assumed")) {
    const JsonValue density = assumed->at("density");
    const auto of = [&](const char* tensor) { return density.at(tensor).number(0.0, 1.0); };
    result.assumed = {of("W"), of("A"), of("G")};
  }
  if (const auto step = json.find("step")) {
    read_step(*step, result);
  }
  read_energies(json, result);
  return result;
}

// Whether a report of before may lack the key: a count that came since is not known, and a key of
// the architecture that came since has its default.
bool may_be_missing(const Json& made, const std::string& place) {
  return made.is_null() || place == "architecture" || place.starts_with("architecture.");
}

// The place where `stored` is not what its own counts make of it; empty if there is none.
std::string first_difference(const Json& stored, const Json& made, const std::string& place) {
  if (stored.is_object() && made.is_object()) {
    for (const auto& [key, value] : made.items()) {
      const std::string below = place.empty() ? key : fmt::format("{}.{}", place, key);
      const auto found = stored.find(key);
      if (found == stored.end() && may_be_missing(value, place)) {
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
              version < kReportVersion ? "run it again" : "read it with the Potomac that wrote it");
  }
}

// Throws InputError for what is no JSON, and for more levels than a report has.
Json parse(const std::string& text, const std::string& file) {
  const auto not_json = [&](const std::string& place, const std::string& problem) {
    return InputError({file, place, problem, "name a report.json, or the folder that holds it"});
  };
  try {
    return Json::parse(text, [&](int depth, Json::parse_event_t /*event*/, Json& /*parsed*/) {
      if (depth > kDeepest) {
        throw not_json("", fmt::format("has more than {} levels, and is no report", kDeepest));
      }
      return true;
    });
  } catch (const Json::parse_error& error) {
    throw not_json(fmt::format("byte {}", error.byte), "is not JSON");
  } catch (const Json::exception& /*number out of range*/) {
    throw not_json("", "holds a number that no report has");
  }
}

}  // namespace

std::filesystem::path report_file(const std::filesystem::path& path) {
  std::error_code unknown;
  return std::filesystem::is_directory(path, unknown) ? path / "report.json" : path;
}

RunResult load_report(const std::filesystem::path& path) {
  const std::filesystem::path file = report_file(path);
  const std::string name = file.string();
  const Json stored = parse(read_text_file(file, "JSON", kLargestReportMib), name);
  const JsonValue json(stored, name, "");
  check_version(json);
  RunResult result = read_result(json);
  Json made = report_tree(result);
  made.erase("potomac");  // says who computed the counts; a report of before has less of it
  const std::string difference = first_difference(stored, Json::parse(json_text(made)), "");
  if (!difference.empty()) {
    throw InputError({name, printable(difference), "is not what the report's own counts make of it",
                      "it was changed by hand; run it again"});
  }
  return result;
}

}  // namespace potomac::sim
