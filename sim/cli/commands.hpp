// The subcommands of `potomac`. Each adds itself to the parser; what it does runs after parsing.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/reports/text_table.hpp"
#include "support/error.hpp"
#include "support/shipped_files.hpp"

namespace potomac::sim {

void add_generate_command(CLI::App& app);
void add_models_command(CLI::App& app);
void add_report_command(CLI::App& app);
void add_run_command(CLI::App& app);
void add_trace_command(CLI::App& app);
void add_synth_command(CLI::App& trace);  // of `potomac trace`
void add_sweep_command(CLI::App& app);
void add_sensitivity_command(CLI::App& app);
void add_verify_command(CLI::App& app);

// What ships: it lies beside an installed program, or in the source tree that the program was built
// from.
ShippedFiles shipped_tables();
ShippedFiles shipped_architectures();
ShippedFiles shipped_models();

// The architecture that --arch names: shipped, or a file. Throws InputError.
std::filesystem::path architecture_file(const std::string& name);

// A machine on the command line: --arch and --set.
struct MachineArguments {
  std::string architecture;
  std::vector<std::string> settings;
};
// `arguments` must outlive parsing.
void add_machine_options(CLI::App& command, MachineArguments& arguments);
// Throws InputError: a bad file, a key or a value that an architecture cannot have.
Architecture machine_of(const MachineArguments& arguments);

// The files of the tables that --energy names. Throws InputError.
std::vector<std::filesystem::path> table_files(const std::vector<std::string>& names);

// `--accounting`, whose words follow from the table of accountings; `--engine`, from that of
// engines; `--against`, from that of units.
void add_accounting_option(CLI::App& command, std::string& word);
void add_engine_option(CLI::App& command, std::string& word);
void add_against_option(CLI::App& command, std::vector<std::string>& names);

// Bold type only where standard output is a terminal, and the user has not set NO_COLOR.
TextForm text_form_of_terminal();

// What an option's word stands for. Throws InputError that names the words there are.
template <typename Choice>
Choice choose(const std::string& option, const std::string& word,
              const std::map<std::string, Choice>& choices) {
  const auto found = choices.find(word);
  if (found == choices.end()) {
    std::vector<std::string> words;
    std::ranges::transform(choices, std::back_inserter(words),
                           [](const auto& named) { return named.first; });
    throw InputError({"", option, fmt::format("there is no '{}'", word),
                      fmt::format("choose from {}", fmt::join(words, ", "))});
  }
  return found->second;
}

// The same where the word itself is what is chosen.
inline std::string choose(const std::string& option, const std::string& word,
                          const std::vector<std::string_view>& words) {
  std::map<std::string, std::string> choices;
  for (const std::string_view one : words) {
    choices.emplace(one, one);
  }
  return choose<std::string>(option, word, choices);
}

}  // namespace potomac::sim
