#include "sim/reports/layers_csv.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "sim/reports/cell_text.hpp"
#include "sim/results/columns.hpp"
#include "sim/results/csv_field.hpp"

namespace potomac::sim {
namespace {

std::string header_of(const RunResult& result) {
  std::vector<std::string> names;
  for (const PassColumn& column : pass_columns()) {
    if (!column.csv.empty()) {
      names.push_back(column.csv);
    }
  }
  for (const Machine& machine : result.machines) {
    for (const MachineColumn& column : machine_columns()) {
      if (!column.names.path.empty()) {
        names.push_back(fmt::format("{}_{}", machine.id, column.names.flat()));
      }
    }
  }
  if (result.assumed) {
    names.emplace_back("assumed_zero_operand_macs");
  }
  for (const energy::EnergyReport& report : result.energy) {
    names.push_back(csv_field(energy::flat_name("energy", report)));
  }
  return csv_line(names);
}

}  // namespace

std::string layers_csv(const RunResult& result) {
  std::string csv = header_of(result);
  for (std::size_t i = 0; i < result.passes.size(); ++i) {
    const PassRecord& record = result.passes[i];
    std::vector<std::string> cells;
    for (const PassColumn& column : pass_columns()) {
      if (!column.csv.empty()) {
        cells.push_back(csv_cell(column.get(record)));
      }
    }
    for (std::size_t machine = 0; machine < result.machines.size(); ++machine) {
      const MachineRecord& of_machine = record.machines[machine];
      for (const MachineColumn& column : machine_columns()) {
        if (!column.names.path.empty()) {
          cells.push_back(csv_cell(column.get({of_machine.quantities, result.machines[machine],
                                               result.architecture, &of_machine})));
        }
      }
    }
    if (result.assumed) {
      cells.push_back(fmt::format("{}", expected_zero_macs(record, *result.assumed)));
    }
    for (const energy::EnergyReport& report : result.energy) {
      cells.push_back(fmt::format("{}", report.by_gemm[i].total_pj()));
    }
    csv += csv_line(cells);
  }
  return csv;
}

}  // namespace potomac::sim
