#include "sim/reports/report_json.hpp"

#include <string>

#include "sim/reports/version.hpp"

namespace potomac::sim {
namespace {

using Json = nlohmann::ordered_json;

Json optional_number(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json cycles_json(const Cycles& cycles) {
  return {{"total", cycles.total()},
          {"preload", cycles.preload},
          {"stream", cycles.stream},
          {"drain", cycles.drain},
          {"stall", cycles.stall}};
}

Json actions_json(const energy::ActionCounts& counts) {
  Json json = Json::object();
  for (const energy::ActionInfo& action : energy::kActions) {
    json[std::string(action.name)] = counts.*action.member;
  }
  return json;
}

Json gemm_json(const PassRecord& record, const Architecture& architecture) {
  return {{"layer", record.layer},
          {"pass", workloads::name_of(record.pass)},
          {"count", record.shape.count},
          {"m", record.shape.m},
          {"n", record.shape.n},
          {"k", record.shape.k},
          {"folds", record.folds},
          {"macs", record.macs()},
          {"utilization", record.utilization(architecture.array)},
          {"accumulator", {{"bits", record.accumulator.bits}, {"lsb", record.accumulator.lsb}}},
          {"zero_operand_macs", record.zero_operand_macs},
          {"cycles", cycles_json(record.cycles)},
          {"actions", actions_json(record.actions)},
          {"baseline_actions", actions_json(record.baseline_actions)}};
}

void put_comparison(Json& json, const energy::Comparison& comparison) {
  json["macs"] = comparison.macs;
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
  put_comparison(json["zeros_gated"], row.zeros_gated);
  Json& by_action = json["by_action"] = Json::object();
  for (const energy::ActionEnergy& action : row.by_action) {
    by_action[std::string(action.action)] = {{"charged", action.charged},
                                             {"fired", action.fired},
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

Json method_json(const energy::MethodEnergy& method) {
  Json json{{"name", method.name}};
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
            {"certainty", energy::to_string(unit.certainty)},
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

}  // namespace

std::string json_text(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json architecture_json(const Architecture& architecture) {
  const rtl::AccumulatorConfig& accumulator = architecture.pe.accumulator;
  return {{"array",
           {{"rows", architecture.array.rows},
            {"cols", architecture.array.cols},
            {"dataflow", name_of(architecture.dataflow)},
            {"issue", name_of(architecture.issue)}}},
          {"pe",
           {{"operand_bits", architecture.pe.operand_bits},
            {"accumulator",
             {{"bits", accumulator.bits},
              {"lsb", accumulator.lsb ? Json(*accumulator.lsb) : Json("exact")},
              {"overflow", name_of(accumulator.overflow)}}},
            {"zero_gating", architecture.pe.zero_gating}}},
          {"baseline", {{"zero_gating", architecture.baseline.zero_gating}}},
          {"clock_mhz", architecture.clock_mhz}};
}

Json totals_json(const Totals& totals, const Architecture& architecture) {
  const auto cycles = static_cast<double>(totals.cycles.total());
  return {
      {"cycles", cycles_json(totals.cycles)},
      {"time_s", cycles / (architecture.clock_mhz * 1e6)},
      {"folds", totals.folds},
      {"macs", totals.macs},
      {"zero_operand_macs", totals.zero_operand_macs},
      {"utilization", cycles > 0.0 ? Json(static_cast<double>(totals.macs) /
                                          (static_cast<double>(architecture.array.pes()) * cycles))
                                   : Json(nullptr)},
      {"actions", actions_json(totals.actions)},
      {"baseline_actions", actions_json(totals.baseline_actions)}};
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

Json report_json(const RunResult& result) {
  Json json;
  json["potomac"] = {{"version", kVersion}, {"report_version", kReportVersion}};
  json["engine"] = name_of(result.engine);
  json["architecture"] = architecture_json(result.architecture);
  json["workload"] = {
      {"trace", result.trace.string()},         {"model", result.workload.model},
      {"framework", result.workload.framework}, {"dataset", result.workload.dataset},
      {"step", result.workload.step},           {"seed", result.workload.seed},
      {"rounding", result.workload.rounding}};
  Json& gemms = json["gemms"] = Json::array();
  for (const PassRecord& record : result.gemms) {
    gemms.push_back(gemm_json(record, result.architecture));
  }
  json["totals"] = totals_json(result.totals, result.architecture);
  Json& energy = json["energy"] = Json::array();
  for (const energy::OperationEnergy& table : result.energy) {
    energy.push_back(energy_json(table));
  }
  return json;
}

}  // namespace potomac::sim
