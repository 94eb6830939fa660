#include "sim/reports/report_json.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "sim/results/columns.hpp"
#include "sim/results/version.hpp"

namespace potomac::sim {
namespace {

using Json = nlohmann::ordered_json;

Json optional_number(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json count_json(const Count& count) {
  return count.known() ? Json(count.value()) : Json(nullptr);
}

void put_comparison(Json& json, const energy::Comparison& comparison) {
  json["macs"] = comparison.macs;
  json["baseline_macs"] = comparison.baseline_macs;
  json["mf_mac"] = comparison.mf_mac_pj;
  json["fp32_mac"] = comparison.fp32_mac_pj;
  json["fp32_multiplier"] = comparison.fp32_multiplier_pj;
  json["reduction"] = optional_number(comparison.reduction);
  json["reduction_vs_multiplier"] = optional_number(comparison.reduction_vs_multiplier);
}

Json row_json(const energy::EnergyRow& row) {
  Json json = Json::object();
  if (!row.layer.empty()) {
    json["layer"] = row.layer;
  }
  if (!row.pass.empty()) {
    json["pass"] = row.pass;
  }
  put_comparison(json, row.every_mac);
  json["zeros_gated"] = nullptr;
  if (row.zeros_gated) {
    Json gated = Json::object();
    put_comparison(gated, *row.zeros_gated);
    json["zeros_gated"] = std::move(gated);
  }
  Json& by_action = json["by_action"] = Json::object();
  for (const energy::ActionEnergy& action : row.by_action) {
    by_action[std::string(action.action)] = {{"charged", action.charged},
                                             {"fired", count_json(action.fired)},
                                             {"mf_mac", action.mf_mac_pj},
                                             {"fp32_mac", action.fp32_mac_pj}};
  }
  return json;
}

Json rows_json(const std::vector<energy::EnergyRow>& rows) {
  Json json = Json::array();
  for (const energy::EnergyRow& row : rows) {
    json.push_back(row_json(row));
  }
  return json;
}

Json pair_json(const energy::MachinePair& pair) {
  return {{"mf_mac", pair.mf_mac_pj}, {"fp32_mac", pair.fp32_mac_pj}};
}
Json pair_json(const std::optional<energy::MachinePair>& pair) {
  return pair ? pair_json(*pair) : Json(nullptr);
}

Json structural_row_json(const energy::StructuralRow& row) {
  Json json = Json::object();
  if (!row.layer.empty()) {
    json["layer"] = row.layer;
  }
  if (!row.pass.empty()) {
    json["pass"] = row.pass;
  }
  const auto put_total = [](Json& at, const energy::MachinePair& total) {
    at["mf_mac"] = total.mf_mac_pj;
    at["fp32_mac"] = total.fp32_mac_pj;
    at["reduction"] = optional_number(total.reduction());
  };
  put_total(json, row.total());
  json["with_dram_high"] = nullptr;
  if (row.dram_high) {
    put_total(json["with_dram_high"], row.total_high());
  }
  json["by_component"] = {{"arithmetic", pair_json(row.arithmetic)},
                          {"registers", pair_json(row.registers)},
                          {"clock", pair_json(row.clock)},
                          {"scratchpads", pair_json(row.scratchpads)},
                          {"dram", pair_json(row.dram)},
                          {"dram_high", pair_json(row.dram_high)}};
  return json;
}

Json structural_rows_json(const std::vector<energy::StructuralRow>& rows) {
  Json json = Json::array();
  for (const energy::StructuralRow& row : rows) {
    json.push_back(structural_row_json(row));
  }
  return json;
}

Json other_machine_json(const OtherMachine& other) {
  Json json{{"operand_bits", other.operand_bits},
            {"cycles",
             {{"total", other.cycles.total()},
              {"preload", other.cycles.preload},
              {"stream", other.cycles.stream},
              {"drain", other.cycles.drain},
              {"stall", other.cycles.stall}}}};
  for (const energy::ActionInfo& action : energy::kActions) {
    if (action.unit == "write") {
      json["actions"][std::string(action.name)] = count_json(other.actions.*action.member);
    }
  }
  Json& memory = json["memory"] = nullptr;
  if (other.memory.known()) {
    for (const energy::TrafficInfo& traffic : energy::kTraffic) {
      memory[std::string(traffic.name)] = count_json(other.memory.*traffic.member);
    }
    for (const energy::MemoryInfo& one : energy::kMemories) {
      for (const energy::AccessInfo& access : energy::kAccesses) {
        memory[std::string(one.name)][std::string(access.name)] =
            count_json(other.memory.*one.member.*access.member);
      }
    }
  }
  return json;
}

Json method_json(const energy::MethodEnergy& method) {
  Json json{{"name", method.name}, {"label", method.label}};
  if (!method.missing_entry.empty()) {
    json["missing_entry"] = method.missing_entry;
    return json;
  }
  json["per_mac"] = optional_number(method.per_mac_pj);
  json["total"] = optional_number(method.total_pj);
  json["reduction"] = optional_number(method.reduction);
  json["mf_mac_saves"] = optional_number(method.mf_mac_saves);
  return json;
}

Json unit_energy_json(const energy::UnitEnergy& unit) {
  Json json{{"entry", unit.entry},
            {"value", unit.energy_pj},
            {"certainty", energy::name_of(unit.certainty)},
            {"source", unit.source}};
  if (!unit.note.empty()) {
    json["note"] = unit.note;
  }
  if (unit.derived()) {
    json["derived_from"] = unit.derived_from;
    json["derivation"] = unit.derivation;
  }
  return json;
}

struct PutValue {
  Json& at;
  void operator()(std::monostate /*not there*/) const {}
  void operator()(const auto& value) const { at = value; }
};

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
  for (const energy::OperationEnergy& energy : result.energy) {
    const ExpectedEnergy gated = expected_gated(energy, result.passes, densities);
    energies.push_back({{"table", energy.table},
                        {"accounting", energy.accounting},
                        {"unit", energy.unit},
                        {"zeros_gated",
                         {{"mf_mac", gated.mf_mac_pj},
                          {"fp32_mac", gated.fp32_mac_pj},
                          {"reduction", optional_number(gated.reduction)}}}});
  }
  return json;
}

}  // namespace

Json dimensions_json(const workloads::Dimensions& dimensions) {
  Json json = Json::object();
  for (const auto& [name, extent] : dimensions) {
    json[name] = extent;
  }
  return json;
}

std::string json_text(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json architecture_json(const Architecture& architecture) {
  Json json = Json::object();
  for (const ArchitectureKey& key : architecture_keys()) {
    const KeyValue value = key.get(architecture);
    if (!is_there(value)) {
      continue;
    }
    Json* at = &json;
    std::string_view rest = key.name;
    for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
      at = &(*at)[std::string(rest.substr(0, dot))];
      rest.remove_prefix(dot + 1);
    }
    std::visit(PutValue{(*at)[std::string(rest)]}, value);
  }
  return json;
}

// As its file has it, and so as a reader finds it again.
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

Json totals_json(const Quantities& totals, const Architecture& architecture) {
  Json json = json_of({nullptr, totals, architecture}, true);
  json["time_s"] = time_s(totals, architecture);
  return json;
}

Json energy_json(const energy::OperationEnergy& energy) {
  Json json{{"table", energy.table},
            {"accounting", energy.accounting},
            {"unit", energy.unit},
            {"node", energy.node}};
  json.update(row_json(energy.total));
  json["by_layer"] = rows_json(energy.by_layer);
  json["by_pass"] = rows_json(energy.by_pass);
  json["by_gemm"] = rows_json(energy.by_gemm);
  Json& methods = json["methods"] = Json::array();
  for (const energy::MethodEnergy& method : energy.methods) {
    methods.push_back(method_json(method));
  }
  Json& units = json["unit_energies"] = Json::array();
  for (const energy::UnitEnergy& unit : energy.unit_energies) {
    units.push_back(unit_energy_json(unit));
  }
  return json;
}

Json structural_json(const energy::StructuralEnergy& energy) {
  Json json{{"table", energy.table},
            {"accounting", energy::kStructuralAccounting},
            {"unit", energy.unit},
            {"node", energy.node},
            {"registers", energy.toggles_counted ? "toggles" : "writes"}};
  json.update(structural_row_json(energy.total));
  json["by_layer"] = structural_rows_json(energy.by_layer);
  json["by_pass"] = structural_rows_json(energy.by_pass);
  json["by_gemm"] = structural_rows_json(energy.by_gemm);
  Json& methods = json["methods"] = Json::array();
  for (const energy::MethodEnergy& method : energy.methods) {
    methods.push_back(method_json(method));
  }
  Json& units = json["unit_energies"] = Json::array();
  for (const energy::UnitEnergy& unit : energy.unit_energies) {
    units.push_back(unit_energy_json(unit));
  }
  return json;
}

Json step_json(const RunResult& result) {
  const auto work_json = [&](const energy::StepWork& work) {
    Json json;
    for (const energy::StepCountInfo& info : energy::kStepCounts) {
      json[std::string(info.name)] = work.*info.member;
    }
    json["cycles"] = cycles_of(work, result.architecture);
    return json;
  };
  Json json{{"optimizer", name_of(result.step->optimizer)},
            {"assumptions", result.step->assumptions}};
  for (const energy::StepPart& part : result.step->parts) {
    json["parts"].push_back({{"part", part.name},
                             {"mf_mac", work_json(part.mf_mac)},
                             {"fp32_mac", work_json(part.fp32_mac)}});
  }
  Json& energies = json["energy"] = Json::array();
  for (const energy::StepEnergy& energy : result.step_energy) {
    Json& one = energies.emplace_back(Json{{"table", energy.table},
                                           {"accounting", energy.accounting},
                                           {"unit", energy.unit},
                                           {"node", energy.node}});
    one.update(pair_json(energy.total));
    one["reduction"] = optional_number(energy.total.reduction());
    one["with_dram_high"] = nullptr;
    if (energy.total_high) {
      one["with_dram_high"] = pair_json(*energy.total_high);
      one["with_dram_high"]["reduction"] = optional_number(energy.total_high->reduction());
    }
    one["gemms"] = pair_json(energy.gemms);
    one["gemms_share"] = {{"mf_mac", optional_number(energy.mf_mac_share())},
                          {"fp32_mac", optional_number(energy.fp32_mac_share())}};
    for (std::size_t i = 0; i < energy.parts.size(); ++i) {
      one["parts"].push_back(pair_json(energy.parts[i]));
      one["parts"].back()["part"] = result.step->parts[i].name;
    }
    Json& units = one["unit_energies"] = Json::array();
    for (const energy::UnitEnergy& unit : energy.unit_energies) {
      units.push_back(unit_energy_json(unit));
    }
  }
  return json;
}

Json report_json(const RunResult& result) {
  Json json{{"format", kReportFormat}, {"version", kReportVersion}};
  json["potomac"] = {{"version", kVersion}};
  json["engine"] = name_of(result.engine);
  json["architecture"] = architecture_json(result.architecture);
  const auto& memory = result.architecture.memory;
  if (memory && memory->dram && memory->dram->device) {
    json["dram_preset"] = dram_preset_json(*memory->dram->device);
  }
  json["workload"] = {
      {"trace", result.trace.string()},         {"model", result.workload.model},
      {"framework", result.workload.framework}, {"dataset", result.workload.dataset},
      {"step", result.workload.step},           {"seed", result.workload.seed},
      {"rounding", result.workload.rounding},   {"values", name_of(result.workload.values)}};
  json["workload"]["gradient_rounding"] = result.workload.gradient_rounding.empty()
                                              ? Json(nullptr)
                                              : Json(result.workload.gradient_rounding);
  json["workload"]["synthesis"] =
      result.workload.synthesis.empty() ? Json(nullptr) : Json(result.workload.synthesis);
  json["workload"]["dimensions"] = dimensions_json(result.workload.dimensions);
  Json& tensors = json["workload"]["tensors"] = Json::array();
  for (const TensorOrigins& tensor : result.zeros) {
    const auto count = [&](std::int64_t workloads::ZeroOrigins::*member) {
      return tensor.zeros ? Json((*tensor.zeros).*member) : Json(nullptr);
    };
    tensors.push_back({{"layer", tensor.layer},
                       {"tensor", tensor.tensor},
                       {"exact_zeros", count(&workloads::ZeroOrigins::exact)},
                       {"underflows", count(&workloads::ZeroOrigins::underflows)}});
  }
  Json& missing = json["workload"]["not_included"] = Json::array();
  for (const workloads::NotIncluded& part : result.not_included) {
    missing.push_back({{"name", part.name}, {"kind", part.kind}, {"reason", part.reason}});
  }
  Json& selection = json["selection"] = {{"layers", result.selection.layers}};
  for (const workloads::Pass pass : result.selection.passes) {
    selection["passes"].push_back(workloads::name_of(pass));
  }
  selection["left_out"] = result.left_out;
  Json& passes = json["passes"] = Json::array();
  for (const PassRecord& record : result.passes) {
    passes.push_back(json_of({&record, record.quantities, result.architecture}, false));
    for (const OtherMachine& other : record.others) {
      passes.back()["other_machines"].push_back(other_machine_json(other));
    }
  }
  json["totals"] = totals_json(result.totals, result.architecture);
  if (result.assumed) {
    json["assumed"] = assumed_json(result, *result.assumed);
  }
  if (result.step) {
    json["step"] = step_json(result);
  }
  Json& energy = json["energy"] = Json::array();
  for (const energy::OperationEnergy& table : result.energy) {
    energy.push_back(energy_json(table));
  }
  for (const energy::StructuralEnergy& table : result.structural) {
    energy.push_back(structural_json(table));
  }
  return json;
}

}  // namespace potomac::sim
