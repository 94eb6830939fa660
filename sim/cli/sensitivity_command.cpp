// `potomac sensitivity`: how the saving moves with what is counted, compared and built.
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/cli/workload_options.hpp"
#include "sim/results/si_units.hpp"
#include "sim/studies/sensitivity.hpp"

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
    const auto less =
        row.int8_pj ? energy::reduction_of(row.energy.mf_mac_pj, *row.int8_pj) : std::nullopt;
    table.add({row.change, si_energy(row.energy.mf_mac_pj), si_energy(row.energy.fp32_mac_pj),
               percent(row.energy.reduction()), row.int8_pj ? si_energy(*row.int8_pj) : "-",
               percent(less), si_count(row.cycles), si_count(row.baseline_cycles)});
  }
  return table.text(form) + (refusals.empty() ? "" : "\n" + refusals);
}

void execute(const SensitivityArguments& arguments) {
  RunOptions options;
  options.architecture = machine_of(arguments.machine);
  options.tables = energy::load_unit_energy_tables(table_files({arguments.table}));
  options.threads = arguments.threads;
  const auto workload =
      workloads::open_workload(file_of(arguments.workload), dimensions_of(arguments.workload));
  const std::vector<SensitivityRow> rows = sensitivity(*workload, options);
  std::cout << paragraph(fmt::format("Energy by table {}, accounting: {}",
                                     options.tables.front().name(), energy::kStructuralAccounting))
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
