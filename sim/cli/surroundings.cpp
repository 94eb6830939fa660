#include <unistd.h>

#include <cstdlib>
#include <system_error>

#include "sim/cli/commands.hpp"

namespace potomac::sim {

ShippedFiles shipped_tables() {
  return shipped_files("energy table", "energy", "energy/tables");
}

ShippedFiles shipped_architectures() {
  return shipped_files("architecture", "architectures", "sim/architectures");
}

ShippedFiles shipped_models() {
  return shipped_files("model", "models", "workloads/models");
}

std::filesystem::path architecture_file(const std::string& name) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(name, ignored) ? std::filesystem::path(name)
                                                         : shipped_architectures().find(name);
}

void add_machine_options(CLI::App& command, MachineArguments& arguments) {
  command
      .add_option("--arch", arguments.architecture,
                  "architecture file (YAML, or SCALE-Sim's .cfg), or the name of a shipped one")
      ->required()
      ->option_text("FILE REQUIRED");
  command
      .add_option("--set", arguments.settings,
                  "an architecture key, over the file's value (array.rows=32); may be repeated")
      ->option_text("KEY=VALUE")
      ->take_all()
      ->expected(1);
}

Architecture machine_of(const MachineArguments& arguments) {
  Architecture architecture = load_architecture(architecture_file(arguments.architecture));
  for (const std::string& assignment : arguments.settings) {
    set_key(architecture, assignment);
  }
  return architecture;
}

std::vector<std::filesystem::path> table_files(const std::vector<std::string>& names) {
  const ShippedFiles shipped = shipped_tables();
  std::vector<std::filesystem::path> files;
  files.reserve(names.size());
  for (const std::string& name : names) {
    files.push_back(shipped.find(name));
  }
  return files;
}

void add_accounting_option(CLI::App& command, std::string& word) {
  command
      .add_option("--accounting", word,
                  "operation (default): arithmetic only; structural: registers, clock, scratchpads "
                  "and DRAM besides")
      ->option_text("operation|structural");
}

bool wants_structural(const std::string& word) {
  return choose<bool>("--accounting", word, {{"operation", false}, {"structural", true}});
}

TextForm text_form_of_terminal() {
  // No thread of ours changes the environment.
  const char* no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
  const bool plain = no_color != nullptr && *no_color != '\0';
  return !plain && ::isatty(STDOUT_FILENO) == 1 ? TextForm::kTerminal : TextForm::kPlain;
}

}  // namespace potomac::sim
