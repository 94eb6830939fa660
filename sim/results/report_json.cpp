#include "sim/results/report_json.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "sim/machine/architecture_keys.hpp"
#include "sim/results/columns.hpp"
#include "sim/results/gemm_text.hpp"
#include "sim/results/json_tree.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {
namespace {

// "cycles.total": json["cycles"]["total"].
void put(Json& json, std::string_view path, Json value) {
  const std::size_t dot = path.find('.');
  Json& child = json[std::string(path.substr(0, dot))];
  if (dot == std::string_view::npos) {
    child = std::move(value);
  } else {
    put(child, path.substr(dot + 1), std::move(value));
  }
}

// A group of which nothing is known is null itself: there is no memory, no toggles were asked for.
bool is_unknown(const Json& json) {
  return json.is_null() ||
         (json.is_object() && !json.empty() &&
          std::ranges::all_of(json, [](const Json& part) { return is_unknown(part); }));
}
void collapse_unknown_groups(Json& entry) {
  for (Json& group : entry) {
    if (is_unknown(group)) {
      group = nullptr;
    }
  }
}

struct JsonCell {
  Json operator()(std::monostate /*unknown*/) const { return nullptr; }
  Json operator()(Share share) const { return share.value; }
  Json operator()(const std::vector<workloads::GemmShape>& gemms) const {
    Json json = Json::array();
    for (const workloads::GemmShape& gemm : gemms) {
      json.push_back({{"count", gemm.count}, {"m", gemm.m}, {"n", gemm.n}, {"k", gemm.k}});
    }
    return json;
  }
  Json operator()(const std::vector<Blocking>& tiles) const {
    Json json = Json::array();
    for (const Blocking& tile : tiles) {
      json.push_back({{"loop_order", loop_order_text(tile.order)},
                      {"m", tile.extents[Index::kM]},
                      {"n", tile.extents[Index::kN]},
                      {"k", tile.extents[Index::kK]}});
    }
    return json;
  }
  Json operator()(const auto& value) const { return value; }
};
Json json_of(const Cell& cell) {
  return std::visit(JsonCell{}, cell);
}
Json json_of(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json machine_entry(const MachineSource& source) {
  Json entry = Json::object();
  for (const MachineColumn& column : machine_columns()) {
    if (!column.names.path.empty() && (column.of_totals || source.record != nullptr)) {
      put(entry, column.names.path, json_of(column.get(source)));
    }
  }
  collapse_unknown_groups(entry);
  return entry;
}

Json pass_entry(const PassRecord& record, const RunResult& result) {
  Json entry = Json::object();
  for (const PassColumn& column : pass_columns()) {
    if (!column.names.path.empty()) {
      put(entry, column.names.path, json_of(column.get(record)));
    }
  }
  entry["trained_with"] = trained_json(record.trained_with);
  for (std::size_t i = 0; i < result.machines.size(); ++i) {
    const MachineRecord& machine = record.machines[i];
    entry["machines"][result.machines[i].id] =
        machine_entry({machine.quantities, result.machines[i], result.architecture, &machine});
  }
  return entry;
}

Json totals_entry(const RunResult& result) {
  Json entry = Json::object();
  for (std::size_t i = 0; i < result.machines.size(); ++i) {
    entry["machines"][result.machines[i].id] =
        machine_entry({result.totals[i], result.machines[i], result.architecture});
  }
  return entry;
}

Json machines_json(const RunResult& result) {
  Json json = Json::object();
  for (const Machine& machine : result.machines) {
    json[machine.id] = {{"unit", info_of(machine.unit).name},
                        {"array", {{"rows", machine.array.rows}, {"cols", machine.array.cols}}},
                        {"clock_mhz", machine.clock_mhz},
                        {"operands", machine.operands()}};
  }
  return json;
}

Json unit_energies_json(const std::vector<energy::UnitEnergy>& units) {
  Json list = Json::array();
  for (const energy::UnitEnergy& unit : units) {
    Json& json = list.emplace_back(Json{{"entry", unit.entry},
                                        {"value", unit.energy_pj},
                                        {"certainty", energy::name_of(unit.certainty)},
                                        {"source", unit.source}});
    if (!unit.note.empty()) {
      json["note"] = unit.note;
    }
    if (unit.derived()) {
      json["derived_from"] = unit.derived_from;
      json["derivation"] = unit.derivation;
    }
  }
  return list;
}

// The figures of a row, without its names.
void put_energy_row(Json& json, const EnergySource& source, bool of_total) {
  for (const EnergyColumn& column : energy_columns()) {
    if (of_total || column.of_rows) {
      put(json, column.names.path, json_of(column.get(source)));
    }
  }
  Json& by_action = json["by_action"] = Json::object();
  for (const energy::ActionEnergy& action : source.row.by_action) {
    if (!action.action.empty()) {
      by_action[std::string(action.action)] = {
          {"charged", action.charged},
          {"fired", action.fired.known() ? Json(action.fired.value()) : Json(nullptr)},
          {"energy", action.pj}};
    }
  }
}

Json energy_rows_json(const energy::EnergyReport& report, std::span<const energy::EnergyRow> rows) {
  Json list = Json::array();
  for (const energy::EnergyRow& row : rows) {
    Json& json = list.emplace_back(Json::object());
    if (!row.layer.empty()) {
      json["layer"] = row.layer;
    }
    if (!row.pass.empty()) {
      json["pass"] = row.pass;
    }
    put_energy_row(json, {report, row, nullptr, nullptr, {}}, false);
  }
  return list;
}

// What every energy begins with.
template <typename Energy>
Json energy_head(const Energy& energy) {
  return {{"machine", energy.machine},
          {"table", energy.table},
          {"accounting", energy.accounting},
          {"unit", energy.unit},
          {"node", energy.node}};
}

Json energy_json(const energy::EnergyReport& report, const RunResult& result,
                 std::size_t most_passes) {
  Json json = energy_head(report);
  put_energy_row(json, total_source(report, result.machines, result.totals, result.workload.batch),
                 true);
  json["registers"] = report.registers.empty() ? Json(nullptr) : Json(report.registers);
  json["by_layer"] = energy_rows_json(report, report.by_layer);
  json["by_pass"] = energy_rows_json(report, report.by_pass);
  json["by_gemm"] = energy_rows_json(
      report, std::span(report.by_gemm).first(std::min(report.by_gemm.size(), most_passes)));
  json["unit_energies"] = unit_energies_json(report.unit_energies);
  return json;
}

Json comparisons_json(std::span<const energy::EnergyReport> reports) {
  Json list = Json::array();
  for (const energy::EnergyComparison& one : energy::compare(reports, info_of(Unit::kMfMac).name)) {
    list.push_back({{"of", one.of},
                    {"to", one.to},
                    {"table", one.table},
                    {"accounting", one.accounting},
                    {"zeros_gated", one.zeros_gated},
                    {"dram_high", one.dram_high},
                    {"reduction", json_of(one.reduction)}});
  }
  return list;
}

Json methods_json(const std::vector<energy::MethodEnergy>& methods) {
  Json list = Json::array();
  for (const energy::MethodEnergy& method : methods) {
    Json& json = list.emplace_back(Json{{"table", method.table},
                                        {"accounting", method.accounting},
                                        {"name", method.name},
                                        {"label", method.label}});
    if (!method.missing_entry.empty()) {
      json["missing_entry"] = method.missing_entry;
      continue;
    }
    json["per_mac"] = json_of(method.per_mac_pj);
    json["total"] = json_of(method.total_pj);
    json["reduction"] = json_of(method.reduction);
    json["mf_mac_saves"] = json_of(method.mf_mac_saves);
  }
  return list;
}

struct PutValue {
  Json& at;
  void operator()(std::monostate /*not there*/) const {}
  void operator()(const auto& value) const { at = value; }
};

Json architecture_json(const Architecture& architecture) {
  Json json = Json::object();
  for (const ArchitectureKey& key : architecture_keys()) {
    const KeyValue value = key.get(architecture);
    if (is_there(value)) {
      Json cell;
      std::visit(PutValue{cell}, value);
      put(json, key.name, std::move(cell));
    }
  }
  return json;
}

// The preset as its file has it, so that a reader finds it again.
Json dram_preset_json(const DramPreset& preset) {
  Json json{{"format", kDramPresetFormat},
            {"version", 1},
            {"name", preset.name},
            {"source", preset.source},
            {"clock_mhz", static_cast<double>(preset.clock_khz) / 1e3}};
  for (const DramExtentKey& key : kDramExtents) {
    json[std::string(key.name)] = preset.*key.member;
  }
  for (const DramTimingKey& key : kDramTimings) {
    json["cycles"][std::string(key.name)] = preset.cycles.*key.member;
  }
  return json;
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

// A file may be called anything; what cannot be decoded is left to json_text().
std::string without_controls(const std::string& text) {
  std::string plain;
  for (const char c : text) {
    const bool steers = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    plain += steers ? printable({&c, 1}, kWhole) : std::string(1, c);
  }
  return plain;
}

Json workload_json(const RunResult& result) {
  Json json = origin_json(result.trace, result.workload);
  json["batch"] = result.workload.batch ? Json(*result.workload.batch) : Json(nullptr);
  Json& tensors = json["tensors"] = Json::array();
  for (const TensorOrigins& tensor : result.zeros) {
    const auto count = [&](std::int64_t workloads::ZeroOrigins::*member) {
      return tensor.zeros ? Json((*tensor.zeros).*member) : Json(nullptr);
    };
    tensors.push_back({{"layer", tensor.layer},
                       {"tensor", tensor.tensor},
                       {"exact_zeros", count(&workloads::ZeroOrigins::exact)},
                       {"underflows", count(&workloads::ZeroOrigins::underflows)}});
  }
  json["not_included"] = not_included_json(result.not_included);
  return json;
}

// Expected numbers, apart from all that was counted.
Json assumed_json(const RunResult& result, const Densities& densities) {
  Json json{{"density", {{"W", densities.w}, {"A", densities.a}, {"G", densities.g}}},
            {"zero_operand_macs", expected_zero_macs(result.passes, densities)}};
  for (const PassRecord& record : result.passes) {
    json["passes"].push_back({{"layer", record.layer},
                              {"pass", workloads::name_of(record.pass)},
                              {"zero_operand_macs", expected_zero_macs(record, densities)}});
  }
  Json& energies = json["energy"] = Json::array();
  for (const energy::EnergyReport& report : result.energy) {
    Json& one = energies.emplace_back(energy_head(report));
    one.erase("node");
    one["total_zeros_gated"] = expected_gated_pj(report, result.passes, densities);
  }
  return json;
}

Json step_json(const TrainingStep& step, const Architecture& architecture) {
  Json json{{"optimizer", name_of(step.optimizer)}, {"assumptions", step.assumptions}};
  Json& parts = json["parts"] = Json::array();
  for (std::size_t i = 0; i < step.parts.size(); ++i) {
    Json& part = parts.emplace_back(Json{{"part", step.parts[i].name}});
    for (std::size_t machine = 0; machine < step.machines.size(); ++machine) {
      Json& work = part["machines"][step.machines[machine]];
      for (const energy::StepCountInfo& info : energy::kStepCounts) {
        work[std::string(info.name)] = step.parts[i].work[machine].*info.member;
      }
      work["cycles"] = cycles_of(step.parts[i].work[machine], architecture);
    }
  }
  Json& energies = json["energy"] = Json::array();
  for (const energy::StepEnergy& energy : step.energy) {
    Json& one = energies.emplace_back(energy_head(energy));
    one["total"] = energy.total_pj;
    one["total_dram_high"] = json_of(energy.total_dram_high_pj);
    one["gemms"] = energy.gemms_pj;
    one["gemms_share"] = json_of(energy.gemms_share());
    for (std::size_t i = 0; i < energy.parts_pj.size(); ++i) {
      one["parts"].push_back({{"part", step.parts[i].name}, {"energy", energy.parts_pj[i]}});
    }
    one["unit_energies"] = unit_energies_json(energy.unit_energies);
  }
  Json& comparisons = json["comparisons"] = Json::array();
  for (const StepComparison& one : comparisons_of(step)) {
    comparisons.push_back({{"of", one.of},
                           {"to", one.to},
                           {"table", one.table},
                           {"accounting", one.accounting},
                           {"dram_high", one.dram_high},
                           {"reduction", json_of(one.reduction)}});
  }
  return json;
}

}  // namespace

std::string json_text(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json origin_json(const std::filesystem::path& path, const workloads::WorkloadInfo& info) {
  return {{"trace", without_controls(path.string())},
          {"model", info.model},
          {"framework", info.framework},
          {"dataset", info.dataset},
          {"step", info.step},
          {"seed", info.seed},
          {"rounding", info.rounding},
          {"values", workloads::name_of(info.values)},
          {"gradient_rounding", text_or_null(info.gradient_rounding)},
          {"synthesis", text_or_null(info.synthesis)},
          {"dimensions", dimensions_json(info.dimensions)}};
}

Json dimensions_json(const workloads::Dimensions& dimensions) {
  Json json = Json::object();
  for (const auto& [name, extent] : dimensions) {
    json[name] = extent;
  }
  return json;
}

Json trained_json(const std::optional<workloads::TrainedSum>& trained) {
  if (!trained) {
    return nullptr;
  }
  const std::optional<rtl::Accumulator>& accumulator = trained->accumulator;
  return accumulator ? Json{{"bits", accumulator->bits},
                            {"lsb", accumulator->lsb},
                            {"overflow", name_of(accumulator->overflow)}}
                     : Json(kFp32Sums);
}

Json not_included_json(const std::vector<workloads::NotIncluded>& parts) {
  Json json = Json::array();
  for (const workloads::NotIncluded& part : parts) {
    json.push_back({{"name", part.name}, {"kind", part.kind}, {"reason", part.reason}});
  }
  return json;
}

namespace {

// Of a report whose passes are yet to come.
Json tree_without_passes(const RunResult& result, std::size_t most_passes) {
  Json json{{"format", kReportFormat}, {"version", kReportVersion}};
  json["potomac"] = {{"version", text_or_null(result.program.version)},
                     {"build", text_or_null(result.program.build)}};
  json["engine"] = result.engine;
  json["architecture"] = architecture_json(result.architecture);
  const auto& memory = result.architecture.memory;
  json["dram_preset"] = memory && memory->dram && memory->dram->device
                            ? dram_preset_json(*memory->dram->device)
                            : Json(nullptr);
  json["machines"] = machines_json(result);
  json["workload"] = workload_json(result);
  Json& selection = json["selection"] = {{"layers", result.selection.layers}};
  for (const workloads::Pass pass : result.selection.passes) {
    selection["passes"].push_back(workloads::name_of(pass));
  }
  selection["left_out"] = result.left_out;
  json["passes"] = Json::array();
  json["totals"] = totals_entry(result);
  json["assumed"] = result.assumed ? assumed_json(result, *result.assumed) : Json(nullptr);
  json["step"] = result.step ? step_json(*result.step, result.architecture) : Json(nullptr);
  Json& energy = json["energy"] = Json::array();
  for (const energy::EnergyReport& report : result.energy) {
    energy.push_back(energy_json(report, result, most_passes));
  }
  json["comparisons"] = comparisons_json(result.energy);
  json["methods"] = methods_json(result.methods);
  return json;
}

// A value as json_text() writes it `depth` levels deep.
void append_json(std::string& text, const Json& json, std::size_t depth) {
  const std::string own = json_text(json);
  for (std::size_t begin = 0; begin < own.size();) {
    const std::size_t end = own.find('\n', begin);  // names have none: it is escaped
    text.append(depth, ' ').append(own, begin, end - begin);
    begin = end + 1;
    if (begin < own.size()) {
      text += '\n';
    }
  }
}

}  // namespace

Json report_tree(const RunResult& result, std::size_t most_passes) {
  Json json = tree_without_passes(result, most_passes);
  Json& passes = json["passes"];
  for (std::size_t i = 0; i < std::min(result.passes.size(), most_passes); ++i) {
    passes.push_back(pass_entry(result.passes[i], result));
  }
  return json;
}

// As json_text(report_tree()), with the files. The tree of a hundred thousand passes takes
// gigabytes: that of one pass is there at a time.
std::string report_json(const RunResult& result, const std::map<std::string, std::string>& files) {
  Json json = tree_without_passes(result, result.passes.size());
  for (const auto& [name, digest] : files) {
    json["files"].push_back({{"name", name}, {"sha256", digest}});
  }
  const std::string rest = json_text(json);
  const std::string_view empty = "\n \"passes\": []";
  const std::size_t at = rest.find(empty) + empty.size() - 1;
  std::string text = rest.substr(0, at);
  for (const PassRecord& record : result.passes) {
    text += &record == result.passes.data() ? "\n" : ",\n";
    append_json(text, pass_entry(record, result), 2);
  }
  return text.append(result.passes.empty() ? "" : "\n ").append(rest, at);
}

std::string comparison_json(std::span<const NamedRun> runs) {
  Json json{{"format", "potomac-comparison"}, {"version", kReportVersion}};
  for (const auto& [name, run] : runs) {
    Json entry{{"name", name}};
    entry.update(report_tree(run));
    json["runs"].push_back(std::move(entry));
  }
  return json_text(json);
}

}  // namespace potomac::sim
