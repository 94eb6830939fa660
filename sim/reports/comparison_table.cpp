#include "sim/reports/comparison_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "sim/machine/architecture_keys.hpp"
#include "sim/reports/cell_text.hpp"
#include "sim/reports/short_names.hpp"
#include "sim/results/columns.hpp"
#include "sim/results/csv_field.hpp"
#include "sim/results/si_units.hpp"

namespace potomac::sim {
namespace {

// The keys in which the machines differ.
std::vector<const ArchitectureKey*> differing_keys(std::span<const NamedRun> runs) {
  std::vector<const ArchitectureKey*> differing;
  for (const ArchitectureKey& key : architecture_keys()) {
    const KeyValue first = key.get(runs.front().run.architecture);
    if (std::ranges::any_of(runs, [&](const NamedRun& named) {
          return key.get(named.run.architecture) != first;
        })) {
      differing.push_back(&key);
    }
  }
  return differing;
}

// What a run says of one of its machines.
MachineSource source_of(const RunResult& run, std::size_t machine) {
  return {run.totals[machine], run.machines[machine], run.architecture};
}

std::string machines_table(std::span<const NamedRun> runs, TextForm form) {
  const std::vector<const ArchitectureKey*> differing = differing_keys(runs);
  std::vector<std::string> header{"run"};
  std::ranges::copy(short_names(differing), std::back_inserter(header));
  header.insert(header.end(), {"MACs", "cycles", "util.", "time"});
  TextTable machines(header, 1);
  for (const auto& [name, run] : runs) {
    std::vector<std::string> row{name};
    for (const ArchitectureKey* key : differing) {
      row.push_back(text_of(key->get(run.architecture)));
    }
    const MachineSource source = source_of(run, kMfMacMachine);
    for (const char* column : {"macs", "cycles_total", "utilization"}) {
      row.push_back(text_cell(machine_column(column).get(source)));
    }
    row.push_back(si_time(time_s(source.quantities, source.machine) * 1e9));
    machines.add(std::move(row));
  }
  return machines.text(form);
}

// One table and accounting, as `shown` of the first run has it: all machines of all runs.
std::string energy_table(std::span<const NamedRun> runs, const energy::EnergyReport& shown,
                         TextForm form) {
  TextTable energies({"run", "MF-MAC", "FP32", "less than FP32", "MF-MAC, gated", "FP32, gated"},
                     1);
  std::vector<std::string> rivals;
  for (const auto& [name, run] : runs) {
    const auto figure = [&, &of = run](std::size_t machine) -> const energy::EnergyReport* {
      return energy::find_energy(of.energy, of.machines[machine].id, shown.table, shown.accounting);
    };
    const energy::EnergyRow& mf_mac = figure(kMfMacMachine)->total;
    const energy::EnergyRow& fp32_mac = figure(kFp32Machine)->total;
    const auto gated = [](const energy::EnergyRow& row) {
      const auto pj = row.total_zeros_gated_pj();
      return pj ? si_energy(*pj) : std::string("-");
    };
    energies.add({name, si_energy(mf_mac.total_pj()), si_energy(fp32_mac.total_pj()),
                  percent(energy::reduction_of(mf_mac.total_pj(), fp32_mac.total_pj())),
                  gated(mf_mac), gated(fp32_mac)});
    for (std::size_t machine = kFirstRival; machine < run.machines.size(); ++machine) {
      if (const auto* const rival = figure(machine)) {
        rivals.push_back(fmt::format(
            "{}: {} {}, MF-MAC takes {} less", name, info_of(run.machines[machine].unit).label,
            si_energy(rival->total.total_pj()),
            percent(energy::reduction_of(mf_mac.total_pj(), rival->total.total_pj()))));
      }
    }
  }
  std::string text = paragraph(fmt::format(
      "Energy by table {}, accounting: {}; gated: the arithmetic of MACs with a zero operand taken "
      "off both sides",
      shown.table, shown.accounting));
  text += '\n';
  text += energies.text(form);
  for (const std::string& rival : rivals) {
    text += paragraph(rival);
  }
  return text;
}

// What is flat of a run's totals: names and cells.
using FlatCells = std::vector<std::pair<std::string, Cell>>;

FlatCells machine_cells(const RunResult& run) {
  FlatCells cells;
  for (std::size_t machine = 0; machine < run.machines.size(); ++machine) {
    for (const MachineColumn& column : machine_columns()) {
      if (column.of_totals && !column.names.path.empty()) {
        cells.emplace_back(fmt::format("{}_{}", run.machines[machine].id, column.names.flat()),
                           column.get(source_of(run, machine)));
      }
    }
  }
  return cells;
}

FlatCells energy_cells(const RunResult& run) {
  FlatCells cells;
  for (const energy::EnergyReport& report : run.energy) {
    const EnergySource source = total_source(report, run.machines, run.totals, run.workload.batch);
    for (const EnergyColumn& column : figure_columns()) {
      cells.emplace_back(flat_figure(column, report), column.get(source));
    }
  }
  return cells;
}

// Adds the names that are not there yet.
void add_names(const FlatCells& cells, std::vector<std::string>& names) {
  for (const auto& [name, cell] : cells) {
    if (std::ranges::find(names, name) == names.end()) {
      names.push_back(name);
    }
  }
}

// A cell for each name; empty where the run has none.
void add_cells(const FlatCells& cells, std::span<const std::string> names,
               std::vector<std::string>& row) {
  for (const std::string& name : names) {
    const auto found = std::ranges::find(cells, name, &FlatCells::value_type::first);
    row.push_back(found == cells.end() ? std::string() : csv_cell(found->second));
  }
}

// The Potomac that computed each, where it was not the same one.
std::string programs_text(std::span<const NamedRun> runs) {
  const Program& first = runs.front().run.program;
  if (std::ranges::all_of(runs,
                          [&](const NamedRun& named) { return named.run.program == first; })) {
    return "";
  }
  std::string text = "\n";
  for (const auto& [name, run] : runs) {
    text += paragraph(fmt::format("{}: computed by {}.", name, text_of(run.program)));
  }
  return text;
}

}  // namespace

std::string comparison_table(std::span<const NamedRun> runs, TextForm form) {
  std::string text = machines_table(runs, form);
  const RunResult& first = runs.front().run;
  for (const energy::EnergyReport& report : first.energy) {
    if (report.machine == first.machines[kMfMacMachine].id) {
      text += '\n';
      text += energy_table(runs, report, form);
    }
  }
  text += programs_text(runs);
  for (const auto& [name, run] : runs) {
    if (run.left_out > 0) {
      text += '\n';
      text += paragraph(fmt::format("{}: {} only, {} other passes are left out.", name,
                                    run.selection.text(), run.left_out));
    }
  }
  return text;
}

std::string comparison_csv(std::span<const NamedRun> runs) {
  // What any run has, in order of first appearance.
  std::vector<std::string> of_machines;
  std::vector<std::string> of_energies;
  for (const NamedRun& named : runs) {
    add_names(machine_cells(named.run), of_machines);
    add_names(energy_cells(named.run), of_energies);
  }
  std::vector<std::string> header{"run"};
  for (const ArchitectureKey& key : architecture_keys()) {
    header.emplace_back(key.name);
  }
  header.emplace_back("passes_left_out");
  std::ranges::copy(of_machines, std::back_inserter(header));
  std::ranges::transform(of_energies, std::back_inserter(header), csv_field);
  std::string csv = csv_line(header);
  for (const auto& [name, run] : runs) {
    std::vector<std::string> row{csv_field(name)};
    for (const ArchitectureKey& key : architecture_keys()) {
      row.push_back(csv_field(text_of(key.get(run.architecture))));
    }
    row.push_back(fmt::format("{}", run.left_out));
    add_cells(machine_cells(run), of_machines, row);
    add_cells(energy_cells(run), of_energies, row);
    csv += csv_line(row);
  }
  return csv;
}

}  // namespace potomac::sim
