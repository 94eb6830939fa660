// `potomac sensitivity`: how the saving moves with what is counted, compared and built.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "energy/pricing/structural_accounting.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/workload_options.hpp"
#include "sim/results/si_units.hpp"
#include "sim/studies/sensitivity.hpp"
#include "sim/studies/shipped.hpp"

namespace potomac::sim {
namespace {

struct SensitivityArguments {
  WorkloadArguments workload;
  MachineArguments machine;
  std::string table = "horowitz-45nm";
  unsigned threads = 0;
};

std::string table_of(const std::vector<SensitivityRow>& rows, TextForm form) {
  TextTable table(
      {"change", "MF-MAC", "FP32", "less than FP32", "INT8", "less than INT8", "cycles", "FP32's"},
      1);
  std::string refusals;
  for (const SensitivityRow& row : rows) {
    if (!row.refusal.empty()) {
      table.add({row.change, "refused", "", "", "", "", "", ""});
      refusals += paragraph(fmt::format("{}: {}", row.change, row.refusal));
      continue;
    }
    const auto figure = [&](Unit unit) {
      const auto found =
          std::ranges::find(row.figures, info_of(unit).name, &SensitivityFigure::machine);
      return found == row.figures.end() ? SensitivityFigure{} : *found;
    };
    const auto energy = [](const SensitivityFigure& of) {
      return of.energy_pj ? si_energy(*of.energy_pj) : std::string("-");
    };
    const SensitivityFigure mf_mac = figure(Unit::kMfMac);
    const SensitivityFigure fp32_mac = figure(Unit::kFp32Mac);
    const SensitivityFigure int8_mac = figure(Unit::kInt8Mac);
    const auto less_than = [&](const SensitivityFigure& other) {
      return percent(mf_mac.energy_pj && other.energy_pj
                         ? energy::reduction_of(*mf_mac.energy_pj, *other.energy_pj)
                         : std::nullopt);
    };
    table.add({row.change, energy(mf_mac), energy(fp32_mac), less_than(fp32_mac), energy(int8_mac),
               less_than(int8_mac), si_count(mf_mac.cycles), si_count(fp32_mac.cycles)});
  }
  return table.text(form) + (refusals.empty() ? "" : "\n" + refusals);
}

void execute(const SensitivityArguments& arguments) {
  RunOptions options;
  options.architecture = machine_of(arguments.machine);
  options.prices.tables = energy::load_unit_energy_tables(table_files({arguments.table}));
  WorkerPool pool(arguments.threads);
  const auto workload =
      workloads::open_workload(file_of(arguments.workload), dimensions_of(arguments.workload));
  const std::vector<SensitivityRow> rows = sensitivity(*workload, options, {pool});
  std::cout << paragraph(fmt::format("Energy by table {}, accounting: {}",
                                     options.prices.tables.front().name(),
                                     energy::kStructuralAccounting))
            << '\n'
            << table_of(rows, text_form_of_terminal());
}

}  // namespace

void add_sensitivity_command(CLI::App& app) {
  auto arguments = std::make_shared<SensitivityArguments>();
  CLI::App* command = app.add_subcommand(
      "sensitivity", "How the saving moves with what is counted, compared and built");
  add_workload_options(*command, arguments->workload);
  add_machine_options(*command, arguments->machine);
  command
      ->add_option("--energy", arguments->table,
                   "unit-energy table, by name or file (default: horowitz-45nm)")
      ->option_text("TABLE");
  command->add_option("--threads", arguments->threads, "0 (default): all cores")
      ->option_text("N")
      ->check(CLI::Range(0, 1024));
  command->footer(
      "Example:\n  potomac sensitivity resnet50 --batch 16 --arch os-16x16 "
      "--set memory.dram.bandwidth_gb_s=25.6");
  command->callback([arguments] { execute(*arguments); });
}

}  // namespace potomac::sim
