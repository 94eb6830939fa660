#include "sim/reports/comparison_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

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
  // The units of any run, and all that any run was priced by.
  std::vector<std::string> machines;
  std::vector<std::string> figures;
  const auto keep = [](std::vector<std::string>& names, const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) {
      names.push_back(name);
    }
  };
  const auto flat_figures = [](const RunResult& run) {
    std::vector<std::pair<std::string, Cell>> cells;
    for (const energy::EnergyReport& report : run.energy) {
      const EnergySource source =
          total_source(report, run.machines, run.totals, run.workload.batch);
      for (const EnergyColumn& column : figure_columns()) {
        cells.emplace_back(flat_figure(column, report), column.get(source));
      }
    }
    return cells;
  };
  for (const auto& [name, run] : runs) {
    for (const Machine& machine : run.machines) {
      keep(machines, machine.id);
    }
    for (const auto& [figure, cell] : flat_figures(run)) {
      keep(figures, figure);
    }
  }
  std::vector<std::string> header{"run"};
  for (const ArchitectureKey& key : architecture_keys()) {
    header.emplace_back(key.name);
  }
  header.emplace_back("passes_left_out");
  for (const std::string& machine : machines) {
    for (const MachineColumn& column : machine_columns()) {
      if (column.of_totals && !column.names.path.empty()) {
        header.push_back(fmt::format("{}_{}", machine, column.names.flat()));
      }
    }
  }
  std::ranges::transform(figures, std::back_inserter(header), csv_field);
  std::string csv = csv_line(header);
  for (const auto& [name, run] : runs) {
    std::vector<std::string> row{csv_field(name)};
    for (const ArchitectureKey& key : architecture_keys()) {
      row.push_back(csv_field(text_of(key.get(run.architecture))));
    }
    row.push_back(fmt::format("{}", run.left_out));
    for (const std::string& id : machines) {
      const auto machine = std::ranges::find(run.machines, id, &Machine::id);
      for (const MachineColumn& column : machine_columns()) {
        if (column.of_totals && !column.names.path.empty()) {
          row.push_back(machine == run.machines.end()
                            ? std::string()
                            : csv_cell(column.get(source_of(
                                  run, static_cast<std::size_t>(machine - run.machines.begin())))));
        }
      }
    }
    const auto cells = flat_figures(run);
    for (const std::string& figure : figures) {
      const auto cell = std::ranges::find(cells, figure, &std::pair<std::string, Cell>::first);
      row.push_back(cell == cells.end() ? std::string() : csv_cell(cell->second));
    }
    csv += csv_line(row);
  }
  return csv;
}

}  // namespace potomac::sim
