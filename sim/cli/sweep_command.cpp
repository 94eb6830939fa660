// `potomac sweep`: a trace through every combination of some architecture parameters.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "sim/cli/commands.hpp"
#include "sim/studies/sweep.hpp"
#include "support/atomic_file.hpp"

namespace potomac::sim {
namespace {

struct SweepArguments {
  std::string spec;
  std::string out;
  unsigned threads = 0;
};

void execute(const SweepArguments& arguments) {
  const SweepSpec spec = load_sweep(arguments.spec, unit_energy_table_dirs());
  check_output_directory(arguments.out, std::array<std::string_view, 2>{"sweep.csv", "sweep.json"});
  const auto records = run_sweep(spec, arguments.threads);
  write_sweep(spec, records, arguments.out);
  const auto refused = std::ranges::count_if(
      records, [](const SweepRecord& record) { return !record.refusal.empty(); });
  fmt::print("{} points, {} refused\nresults: {}/sweep.csv, {}/sweep.json\n", records.size(),
             refused, arguments.out, arguments.out);
}

}  // namespace

void add_sweep_command(CLI::App& app) {
  auto arguments = std::make_shared<SweepArguments>();
  CLI::App* command =
      app.add_subcommand("sweep", "Simulate a trace on every combination of array parameters");
  command->add_option("SPEC", arguments->spec, "sweep file (YAML)")->required();
  command->add_option("--out", arguments->out, "folder for sweep.csv and sweep.json")->required();
  command->add_option("--threads", arguments->threads, "0 (default): all cores")
      ->option_text("N")
      ->check(CLI::Range(0, 1024));
  command->callback([arguments] { execute(*arguments); });
}

}  // namespace potomac::sim
