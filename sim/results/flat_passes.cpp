#include "sim/results/flat_passes.hpp"

#include <fmt/format.h>

namespace potomac::sim {

std::vector<std::string> flat_pass_names(const RunResult& result) {
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
    names.push_back(energy::flat_name("energy", report));
  }
  return names;
}

std::vector<Cell> flat_pass(const RunResult& result, std::size_t pass) {
  const PassRecord& record = result.passes[pass];
  std::vector<Cell> cells;
  for (const PassColumn& column : pass_columns()) {
    if (!column.csv.empty()) {
      cells.push_back(column.get(record));
    }
  }
  for (std::size_t machine = 0; machine < result.machines.size(); ++machine) {
    const MachineRecord& of_machine = record.machines[machine];
    for (const MachineColumn& column : machine_columns()) {
      if (!column.names.path.empty()) {
        cells.push_back(column.get(
            {of_machine.quantities, result.machines[machine], result.architecture, &of_machine}));
      }
    }
  }
  if (result.assumed) {
    cells.emplace_back(expected_zero_macs(record, *result.assumed));
  }
  for (const energy::EnergyReport& report : result.energy) {
    cells.emplace_back(report.by_gemm[pass].total_pj());
  }
  return cells;
}

}  // namespace potomac::sim
