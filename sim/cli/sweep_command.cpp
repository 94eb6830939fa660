// `potomac sweep`: a workload through every combination of some architecture parameters.
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "sim/cli/commands.hpp"
#include "sim/cli/progress.hpp"
#include "sim/cli/workload_options.hpp"
#include "sim/plan/engine_choice.hpp"
#include "sim/reports/sweep_summary.hpp"
#include "sim/reports/sweep_tables.hpp"
#include "sim/studies/shipped.hpp"
#include "sim/studies/sweep.hpp"
#include "support/folder_lock.hpp"
#include "support/output_files.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {
namespace {

struct SweepArguments {
  std::string spec;
  std::string out;
  WorkloadArguments workload;
  unsigned threads = 0;
};

void execute(const SweepArguments& arguments) {
  SweepSpec spec =
      load_sweep(arguments.spec, {shipped_models(), shipped_architectures(), shipped_tables()},
                 arguments.workload.name, dimensions_of(arguments.workload));
  check_outputs(outputs_in(arguments.out, "--out", {"sweep.csv", "sweep.partial.csv"}),
                spec.inputs);
  const auto workload = workloads::open_workload(spec.workload, spec.dimensions);
  const FolderLock lock(arguments.out);
  const bool steps = engine_for(*workload, spec.engine).steps;
  const auto batch = workloads::batch_of(workload->info().dimensions, workload->layers());
  WorkerPool pool(steps ? 1 : arguments.threads);
  Progress progress;
  // Made with the first row: a sweep that cannot begin leaves nothing.
  std::optional<SweepTables> tables;
  SweepSummary summary(spec.keys());
  run_sweep(*workload, spec, {pool, &progress}, [&](const SweepRow& row) {
    if (!tables) {
      tables.emplace(spec.keys(), batch, arguments.out);
    }
    tables->add(row);
    summary.add(row);
  });
  tables->finish();
  progress.end();
  std::cout << fmt::format("{}\n{} points, {} refused\nresults: {}/sweep.csv\n",
                           summary.text(text_form_of_terminal()), tables->rows(), tables->refused(),
                           printable(arguments.out, kWhole));
}

}  // namespace

void add_sweep_command(CLI::App& app) {
  auto arguments = std::make_shared<SweepArguments>();
  CLI::App* command =
      app.add_subcommand("sweep", "Simulate a workload on every combination of array parameters");
  command->add_option("SPEC", arguments->spec, "sweep file (YAML)")->required();
  command->add_option("--out", arguments->out, "folder for sweep.csv")
      ->required()
      ->option_text("DIR REQUIRED");
  command
      ->add_option("--workload", arguments->workload.name,
                   "the workload to run, instead of the sweep file's")
      ->option_text("WORKLOAD");
  add_dimension_options(*command, arguments->workload);
  command->footer(
      "Example:\n  potomac sweep sim/sweeps/fashion-cnn.yaml --workload trace.h5 --out out");
  command->add_option("--threads", arguments->threads, "0 (default): all cores")
      ->option_text("N")
      ->check(CLI::Range(0, 1024));
  command->callback([arguments] { execute(*arguments); });
}

}  // namespace potomac::sim
