// `potomac sweep`: a workload through every combination of some architecture parameters.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/cli/progress.hpp"
#include "sim/cli/workload_options.hpp"
#include "sim/plan/engine_choice.hpp"
#include "sim/reports/sweep_export.hpp"
#include "sim/reports/sweep_summary.hpp"
#include "sim/results/store/result_store.hpp"
#include "sim/results/store/stored_sweep.hpp"
#include "sim/studies/shipped.hpp"
#include "sim/studies/stored_sweep.hpp"
#include "support/error.hpp"
#include "support/folder_lock.hpp"
#include "support/output_files.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {
namespace {

struct SweepArguments {
  std::string spec;
  std::string out;
  WorkloadArguments workload;
  std::string shard;
  bool keeps_passes = false;
  unsigned threads = 0;
};

// "2/8".
Shard shard_of(const std::string& text) {
  Shard shard;
  if (text.empty()) {
    return shard;
  }
  const char* const end = text.data() + text.size();
  const auto number = std::from_chars(text.data(), end, shard.number);
  const auto of = number.ptr != end ? std::from_chars(number.ptr + 1, end, shard.of) : number;
  if (number.ec != std::errc() || *number.ptr != '/' || of.ec != std::errc() || of.ptr != end ||
      shard.number < 1 || shard.number > shard.of) {
    throw InputError({"", "--shard", fmt::format("'{}' is no part of a sweep", printable(text)),
                      "write I/N, the I-th of N parts: 1/8, 2/8, ... 8/8"});
  }
  return shard;
}

// How many of the points were there.
std::string text_of(const StoredSweepCounts& counts) {
  const std::size_t there = counts.done + counts.reused;
  return there == 0 ? "" : fmt::format("; {} computed, {} from the store", counts.computed, there);
}

// What a sweep goes on from, and what it does not.
void say_what_is_there(const std::vector<std::string>& changes, std::size_t done) {
  if (!changes.empty()) {
    std::fputs(fmt::format("potomac: since this sweep was here last: {}; points that this changes "
                           "are computed anew\n",
                           fmt::join(changes, "; "))
                   .c_str(),
               stderr);
  } else if (done > 0) {
    std::fputs(fmt::format("potomac: goes on: {} points are there\n", done).c_str(), stderr);
  }
}

void execute(const SweepArguments& arguments) {
  const Shard shard = shard_of(arguments.shard);
  SweepSpec spec =
      load_sweep(arguments.spec, {shipped_models(), shipped_architectures(), shipped_tables()},
                 arguments.workload.name, dimensions_of(arguments.workload));
  const std::filesystem::path csv = std::filesystem::path(arguments.out) / "sweep.csv";
  check_outputs(outputs_in(arguments.out, "--out",
                           {"sweep.csv", store_in(arguments.out).filename().string()}),
                spec.inputs);
  const auto workload = workloads::open_workload(spec.workload, spec.dimensions);
  const FolderLock lock(arguments.out);
  const bool steps = engine_for(*workload, spec.engine).steps;
  WorkerPool pool(steps ? 1 : arguments.threads);
  StoredSweepCounts counts;
  {
    Progress progress;
    ResultStore store(arguments.out);
    counts = run_sweep_into(
        store, *workload, spec, {pool, &progress},
        {.keeps_passes = arguments.keeps_passes, .shard = shard, .begun = say_what_is_there});
  }
  const StoredSweep swept(arguments.out);
  SweepSummary summary(swept);
  write_sweep_csv(swept, csv, [&](std::size_t point, std::span<const Cell> cells) {
    summary.add(point, cells);
  });
  std::cout << fmt::format("{}\n{} points, {} refused{}\nresults: {}/sweep.csv\n",
                           summary.text(text_form_of_terminal()), summary.points(),
                           summary.refused(), text_of(counts), printable(arguments.out, kWhole));
}

}  // namespace

void add_sweep_command(CLI::App& app) {
  auto arguments = std::make_shared<SweepArguments>();
  CLI::App* command =
      app.add_subcommand("sweep", "Simulate a workload on every combination of array parameters");
  command->add_option("SPEC", arguments->spec, "sweep file (YAML)")->required();
  command
      ->add_option("--out", arguments->out,
                   "folder for results.sqlite, the store, and sweep.csv; a sweep that is "
                   "there goes on")
      ->required()
      ->option_text("DIR REQUIRED");
  command
      ->add_option("--workload", arguments->workload.name,
                   "the workload to run, instead of the sweep file's")
      ->option_text("WORKLOAD");
  add_dimension_options(*command, arguments->workload);
  command
      ->add_option("--shard", arguments->shard,
                   "only the I-th of N parts, for machines that share no disk; `potomac merge` "
                   "puts them together")
      ->option_text("I/N");
  command->add_flag("--keep-passes", arguments->keeps_passes,
                    "store every pass of every point besides its totals");
  command->footer(
      "Example:\n  potomac sweep sim/sweeps/fashion-cnn.yaml --workload trace.h5 --out out");
  command->add_option("--threads", arguments->threads, "0 (default): all cores")
      ->option_text("N")
      ->check(CLI::Range(0, 1024));
  command->callback([arguments] { execute(*arguments); });
}

}  // namespace potomac::sim
