// `potomac sweep`: a workload through every combination of some architecture parameters.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/cli/progress.hpp"
#include "sim/cli/ranks.hpp"
#include "sim/cli/stored_sweep_output.hpp"
#include "sim/cli/workload_options.hpp"
#include "sim/plan/engine_choice.hpp"
#include "sim/results/store/result_store.hpp"
#include "sim/studies/shipped.hpp"
#include "sim/studies/stored_sweep.hpp"
#include "support/cleanup_on_signals.hpp"
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

OpenedSweep load(const SweepArguments& arguments) {
  OpenedSweep sweep;
  sweep.spec =
      load_sweep(arguments.spec, {shipped_models(), shipped_architectures(), shipped_tables()},
                 arguments.workload.name, dimensions_of(arguments.workload));
  for (const std::filesystem::path& workload : sweep.spec.workloads) {
    sweep.workloads.push_back(workloads::open_workload(workload, sweep.spec.dimensions));
  }
  return sweep;
}

// Computes what the store lacks: on this machine's cores, or on the ranks of the job.
StoredSweepCounts compute(const SweepArguments& arguments, Ranks& ranks, const OpenedSweep& sweep) {
  const StoredSweepOptions options{.keeps_passes = arguments.keeps_passes,
                                   .shard = shard_of(arguments.shard),
                                   .begun = say_what_is_there};
  const bool steps = engine_for(*sweep.workloads.front(), sweep.spec.engine).steps;
  WorkerPool pool(steps || ranks.are_several() ? 1 : arguments.threads);
  Progress progress;
  ResultStore store(arguments.out);
  const Caller caller{pool, &progress};
  // By Ctrl-C, or by mpirun where a rank died.
  say_on_signals(
      "potomac: stopped; what was computed is kept, and the same command goes on from there\n");
  return ranks.are_several() ? ranks.own(store, sweep, caller, options)
                             : run_sweep_into(store, sweep.all(), sweep.spec, caller, options);
}

void execute(const SweepArguments& arguments) {
  Ranks ranks;
  if (ranks.serves()) {
    WorkerPool pool(std::max(1U, arguments.threads));
    ranks.serve([&arguments] { return load(arguments); }, {pool});
    return;
  }
  StoredSweepCounts counts;
  std::optional<FolderLock> lock;
  try {
    const OpenedSweep sweep = load(arguments);
    check_outputs(outputs_in(arguments.out, "--out", {"sweep.csv", kStoreFile}), sweep.spec.inputs);
    lock.emplace(arguments.out);
    counts = compute(arguments, ranks, sweep);
  } catch (...) {
    ranks.call_off();
    throw;
  }
  say_on_signals(nullptr);
  export_and_show(arguments.out, text_of(counts));
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
