// `potomac merge`: the stores of several folders put together, as those that shards of a sweep
// wrote.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/reports/sweep_export.hpp"
#include "sim/reports/sweep_summary.hpp"
#include "sim/results/open_sweep.hpp"
#include "sim/results/store/result_store.hpp"
#include "support/error.hpp"
#include "support/folder_lock.hpp"
#include "support/output_files.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {
namespace {

struct MergeArguments {
  std::vector<std::string> folders;
  std::string out;
};

void execute(const MergeArguments& arguments) {
  std::vector<std::filesystem::path> inputs;
  for (const std::string& folder : arguments.folders) {
    inputs.push_back(store_in(folder));
    std::error_code unknown;
    if (!std::filesystem::exists(inputs.back(), unknown)) {
      throw InputError({printable(inputs.back().string(), kWhole), "", "is not there",
                        "name folders that `potomac sweep` or `potomac run --store` wrote"});
    }
  }
  check_outputs(outputs_in(arguments.out, "--out", {"sweep.csv", "results.sqlite"}), inputs);
  const FolderLock lock(arguments.out);
  {
    ResultStore store(arguments.out);
    for (const std::string& folder : arguments.folders) {
      store.merge(folder);
    }
  }
  const auto sweep = open_sweep(arguments.out);
  SweepSummary summary(*sweep);
  write_sweep_csv(
      *sweep, std::filesystem::path(arguments.out) / "sweep.csv",
      [&](std::size_t point, std::span<const Cell> cells) { summary.add(point, cells); });
  std::cout << fmt::format("{}\n{} points, {} refused\nresults: {}/sweep.csv\n",
                           summary.text(text_form_of_terminal()), summary.points(),
                           summary.refused(), printable(arguments.out, kWhole));
}

}  // namespace

void add_merge_command(CLI::App& app) {
  auto arguments = std::make_shared<MergeArguments>();
  CLI::App* command = app.add_subcommand(
      "merge", "Put the stores of several folders together: shards of a sweep, or others");
  command
      ->add_option("DIR", arguments->folders,
                   "folders that `potomac sweep` or `potomac run --store` wrote")
      ->required();
  command->add_option("--out", arguments->out, "folder for results.sqlite and sweep.csv")
      ->required()
      ->option_text("DIR REQUIRED");
  command->footer("Example:\n  potomac merge out/1 out/2 out/3 --out out/all");
  command->callback([arguments] { execute(*arguments); });
}

}  // namespace potomac::sim
