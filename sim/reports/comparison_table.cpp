#include "sim/reports/comparison_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "sim/reports/report_json.hpp"
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

std::string text_of_total(const char* flat, const RunResult& run) {
  return text_cell(column_named(flat).get({nullptr, run.totals, run.architecture}));
}

}  // namespace

std::string comparison_table(std::span<const NamedRun> runs, TextForm form) {
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
    row.insert(row.end(), {text_of_total("macs", run), text_of_total("cycles_total", run),
                           text_of_total("utilization", run),
                           si_time(time_s(run.totals, run.architecture) * 1e9)});
    machines.add(std::move(row));
  }
  std::string text = machines.text(form);
  for (std::size_t table = 0; table < runs.front().run.energy.size(); ++table) {
    TextTable energies({"run", "MF-MAC", "FP32", "less than FP32", "MF-MAC, gated", "FP32, gated"},
                       1);
    for (const auto& [name, run] : runs) {
      const energy::EnergyRow& total = run.energy[table].total;
      const auto gated = [&](double energy::Comparison::*machine) {
        return total.zeros_gated ? si_energy((*total.zeros_gated).*machine) : std::string("-");
      };
      energies.add({name, si_energy(total.every_mac.mf_mac_pj),
                    si_energy(total.every_mac.fp32_mac_pj), percent(total.every_mac.reduction),
                    gated(&energy::Comparison::mf_mac_pj),
                    gated(&energy::Comparison::fp32_mac_pj)});
    }
    const energy::OperationEnergy& energy = runs.front().run.energy[table];
    text += '\n';
    text +=
        paragraph(fmt::format("Energy by table {}, accounting: {}; gated: MACs with a zero operand "
                              "taken off both sides",
                              energy.table, energy.accounting));
    text += '\n';
    text += energies.text(form);
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
  std::string csv = "run";
  auto out = std::back_inserter(csv);
  for (const ArchitectureKey& key : architecture_keys()) {
    fmt::format_to(out, ",{}", key.name);
  }
  csv += ",passes_left_out,time_s";
  for (const Column& column : columns()) {
    if (column.of_totals && !column.flat.empty()) {
      fmt::format_to(out, ",{}", column.flat);
    }
  }
  for (const energy::OperationEnergy& energy : runs.front().run.energy) {
    for (const char* column : {"mf_mac", "fp32_mac"}) {
      fmt::format_to(out, ",{}",
                     csv_field(fmt::format("{}_{}_{}_{}", energy.table, energy.accounting, column,
                                           energy.unit)));
    }
  }
  csv += '\n';
  for (const auto& [name, run] : runs) {
    csv += csv_field(name);
    for (const ArchitectureKey& key : architecture_keys()) {
      fmt::format_to(out, ",{}", csv_field(text_of(key.get(run.architecture))));
    }
    fmt::format_to(out, ",{},{}", run.left_out, time_s(run.totals, run.architecture));
    for (const Column& column : columns()) {
      if (column.of_totals && !column.flat.empty()) {
        fmt::format_to(out, ",{}", csv_cell(column.get({nullptr, run.totals, run.architecture})));
      }
    }
    for (const energy::OperationEnergy& energy : run.energy) {
      fmt::format_to(out, ",{},{}", energy.total.every_mac.mf_mac_pj,
                     energy.total.every_mac.fp32_mac_pj);
    }
    csv += '\n';
  }
  return csv;
}

std::string comparison_json(std::span<const NamedRun> runs) {
  nlohmann::ordered_json json{{"format", "potomac-comparison"}, {"version", kReportVersion}};
  for (const auto& [name, run] : runs) {
    nlohmann::ordered_json entry{{"name", name}};
    entry.update(report_json(run));
    json["runs"].push_back(std::move(entry));
  }
  return json_text(json);
}

}  // namespace potomac::sim
