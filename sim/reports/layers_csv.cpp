#include "sim/reports/layers_csv.hpp"

#include <fmt/format.h>

#include <iterator>

namespace potomac::sim {

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
  }
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c;
    if (c == '"') {
      quoted += '"';
    }
  }
  return quoted + "\"";
}

std::string layers_csv(const RunResult& result) {
  std::string csv =
      "layer,pass,count,m,n,k,macs,folds,utilization,cycles_total,cycles_preload,cycles_stream,"
      "cycles_drain,cycles_stall,zero_operand_macs";
  auto out = std::back_inserter(csv);
  for (const energy::ActionInfo& action : energy::kActions) {
    fmt::format_to(out, ",{}", action.name);
  }
  for (const energy::ActionInfo& action : energy::kActions) {
    fmt::format_to(out, ",baseline_{}", action.name);
  }
  for (const energy::OperationEnergy& energy : result.energy) {
    for (const char* column : {"mf_mac", "fp32_mac"}) {
      fmt::format_to(out, ",{}",
                     csv_field(fmt::format("{}_{}_{}_{}", energy.table, energy.accounting, column,
                                           energy.unit)));
    }
  }
  csv += '\n';
  for (std::size_t i = 0; i < result.gemms.size(); ++i) {
    const PassRecord& record = result.gemms[i];
    fmt::format_to(out, "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}", csv_field(record.layer),
                   workloads::name_of(record.pass), record.shape.count, record.shape.m,
                   record.shape.n, record.shape.k, record.macs(), record.folds,
                   record.utilization(result.architecture.array), record.cycles.total(),
                   record.cycles.preload, record.cycles.stream, record.cycles.drain,
                   record.cycles.stall, record.zero_operand_macs);
    for (const energy::ActionInfo& action : energy::kActions) {
      fmt::format_to(out, ",{}", record.actions.*action.member);
    }
    for (const energy::ActionInfo& action : energy::kActions) {
      fmt::format_to(out, ",{}", record.baseline_actions.*action.member);
    }
    for (const energy::OperationEnergy& energy : result.energy) {
      fmt::format_to(out, ",{},{}", energy.by_gemm[i].every_mac.mf_mac_pj,
                     energy.by_gemm[i].every_mac.fp32_mac_pj);
    }
    csv += '\n';
  }
  return csv;
}

}  // namespace potomac::sim
