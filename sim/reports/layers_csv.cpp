#include "sim/reports/layers_csv.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>

#include "sim/results/columns.hpp"
#include "sim/results/csv_field.hpp"

namespace potomac::sim {

std::string layers_csv(const RunResult& result) {
  std::string csv;
  auto out = std::back_inserter(csv);
  for (const Column& column : columns()) {
    if (!column.flat.empty()) {
      fmt::format_to(out, "{}{}", csv.empty() ? "" : ",", column.flat);
    }
  }
  if (result.assumed) {
    csv += ",assumed_zero_operand_macs";
  }
  const auto add_headings = [&](const std::string& table, std::string_view accounting,
                                const std::string& unit) {
    for (const char* column : {"mf_mac", "fp32_mac"}) {
      fmt::format_to(out, ",{}",
                     csv_field(fmt::format("{}_{}_{}_{}", table, accounting, column, unit)));
    }
  };
  for (const energy::OperationEnergy& energy : result.energy) {
    add_headings(energy.table, energy.accounting, energy.unit);
  }
  for (const energy::StructuralEnergy& energy : result.structural) {
    add_headings(energy.table, energy::kStructuralAccounting, energy.unit);
  }
  csv += '\n';
  for (std::size_t i = 0; i < result.passes.size(); ++i) {
    const PassRecord& record = result.passes[i];
    const ColumnSource source{&record, record.quantities, result.architecture};
    const char* comma = "";
    for (const Column& column : columns()) {
      if (!column.flat.empty()) {
        fmt::format_to(out, "{}{}", comma, csv_cell(column.get(source)));
        comma = ",";
      }
    }
    if (result.assumed) {
      fmt::format_to(out, ",{}", expected_zero_macs(record, *result.assumed));
    }
    for (const energy::OperationEnergy& energy : result.energy) {
      fmt::format_to(out, ",{},{}", energy.by_gemm[i].every_mac.mf_mac_pj,
                     energy.by_gemm[i].every_mac.fp32_mac_pj);
    }
    for (const energy::StructuralEnergy& energy : result.structural) {
      const energy::MachinePair total = energy.by_gemm[i].total();
      fmt::format_to(out, ",{},{}", total.mf_mac_pj, total.fp32_mac_pj);
    }
    csv += '\n';
  }
  return csv;
}

}  // namespace potomac::sim
