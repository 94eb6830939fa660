// `potomac merge`: the stores of several folders put together, as those that shards of a sweep
// wrote.
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/cli/stored_sweep_output.hpp"
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
  check_outputs(outputs_in(arguments.out, "--out", {"sweep.csv", kStoreFile}), inputs);
  const FolderLock lock(arguments.out);
  {
    ResultStore store(arguments.out);
    for (const std::string& folder : arguments.folders) {
      store.merge(folder);
    }
  }
  export_and_show(arguments.out, "");
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
