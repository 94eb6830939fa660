// `potomac sweep`: a trace through every combination of some architecture parameters.
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "sim/cli/commands.hpp"
#include "sim/reports/sweep_summary.hpp"
#include "sim/reports/sweep_tables.hpp"
#include "sim/studies/sweep.hpp"
#include "support/output_files.hpp"
#include "support/plain_text.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac::sim {
namespace {

struct SweepArguments {
  std::string spec;
  std::string out;
  std::string workload;
  unsigned threads = 0;
};

void execute(const SweepArguments& arguments) {
  const SweepSpec spec = load_sweep(arguments.spec, unit_energy_table_dirs(), arguments.workload);
  check_outputs(
      outputs_in(arguments.out, "--out", {"sweep.csv", "sweep.json", "sweep.partial.csv"}),
      spec.inputs);
  const workloads::TraceReader trace(spec.trace);
  // Made with the first row: a sweep that cannot begin leaves nothing.
  std::optional<SweepTables> tables;
  SweepSummary summary(spec);
  run_sweep(trace, spec, arguments.threads, [&](const SweepRow& row) {
    if (!tables) {
      tables.emplace(spec, arguments.out);
    }
    tables->add(row);
    summary.add(row);
  });
  tables->finish();
  std::cout << fmt::format("{}\n{} points, {} refused\nresults: {}/sweep.csv, {}/sweep.json\n",
                           summary.text(text_form_of_terminal()), tables->rows(), tables->refused(),
                           printable(arguments.out, kWhole), printable(arguments.out, kWhole));
}

}  // namespace

void add_sweep_command(CLI::App& app) {
  auto arguments = std::make_shared<SweepArguments>();
  CLI::App* command =
      app.add_subcommand("sweep", "Simulate a trace on every combination of array parameters");
  command->add_option("SPEC", arguments->spec, "sweep file (YAML)")->required();
  command->add_option("--out", arguments->out, "folder for sweep.csv and sweep.json")
      ->required()
      ->option_text("DIR REQUIRED");
  command
      ->add_option("--workload", arguments->workload,
                   "the trace to run, instead of the sweep file's")
      ->option_text("TRACE");
  command->footer(
      "Example:\n  potomac sweep sim/sweeps/fashion-cnn.yaml --workload trace.h5 --out out");
  command->add_option("--threads", arguments->threads, "0 (default): all cores")
      ->option_text("N")
      ->check(CLI::Range(0, 1024));
  command->callback([arguments] { execute(*arguments); });
}

}  // namespace potomac::sim
