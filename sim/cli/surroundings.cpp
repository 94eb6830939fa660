#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "energy/pricing/accounting.hpp"
#include "sim/cli/commands.hpp"
#include "sim/engines/engines.hpp"
#include "sim/machine/architecture_file.hpp"
#include "sim/machine/importers/scalesim_config.hpp"
#include "sim/machine/unit.hpp"
#include "sim/studies/shipped.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {

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
  const std::filesystem::path file = architecture_file(arguments.architecture);
  Architecture architecture = load_architecture(file);
  if (file.extension() == ".cfg") {
    const ScalesimConfig config = load_scalesim_config(file);
    if (!config.left_out.empty()) {
      std::cerr << fmt::format(
          "potomac: note: {}: nothing is made of {}\n", printable(file.string(), kWhole),
          printable(fmt::format("{}", fmt::join(config.left_out, ", ")), kWhole));
    }
  }
  for (const std::string& assignment : arguments.settings) {
    set_key(architecture, assignment);
  }
  return architecture;
}

void add_accounting_option(CLI::App& command, std::string& word) {
  std::string meanings;
  for (const energy::Accounting* const accounting : energy::accountings()) {
    meanings += fmt::format("{}{}{}: {}", meanings.empty() ? "" : "; ", accounting->name(),
                            accounting->name() == word ? " (default)" : "", accounting->meaning());
  }
  command.add_option("--accounting", word, meanings)
      ->option_text(fmt::format("{}", fmt::join(energy::accounting_names(), "|")));
}

void add_engine_option(CLI::App& command, std::string& word) {
  std::string meanings;
  for (const EngineInfo& engine : engines()) {
    meanings += fmt::format("{}{}: {}", meanings.empty() ? "" : "; ", engine.name, engine.meaning);
  }
  command.add_option("--engine", word, meanings)
      ->option_text(fmt::format("{}", fmt::join(engine_names(), "|")));
}

void add_against_option(CLI::App& command, std::vector<std::string>& names) {
  std::vector<std::string_view> units;
  for (std::size_t i = kFirstRival; i < kUnits.size(); ++i) {
    units.push_back(kUnits.at(i).name);
  }
  command
      .add_option(
          "--against", names,
          "an array of this unit beside the FP32 array; may be repeated (default: none; all "
          "if more than arithmetic is priced)")
      ->option_text(fmt::format("{}", fmt::join(units, "|")))
      ->take_all()
      ->expected(1);
}

TextForm text_form_of_terminal() {
  // No thread of ours changes the environment.
  const char* no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
  const bool plain = no_color != nullptr && *no_color != '\0';
  return !plain && ::isatty(STDOUT_FILENO) == 1 ? TextForm::kTerminal : TextForm::kPlain;
}

}  // namespace potomac::sim
