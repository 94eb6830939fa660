// The subcommands of `potomac`. Each adds itself to the parser; what it does runs after parsing.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/reports/text_table.hpp"
#include "support/choice.hpp"

namespace potomac::sim {

void add_generate_command(CLI::App& app);
void add_merge_command(CLI::App& app);
void add_models_command(CLI::App& app);
void add_report_command(CLI::App& app);
void add_run_command(CLI::App& app);
void add_trace_command(CLI::App& app);
void add_synth_command(CLI::App& trace);  // of `potomac trace`
void add_sweep_command(CLI::App& app);
void add_sensitivity_command(CLI::App& app);
void add_verify_command(CLI::App& app);

// A machine on the command line: --arch and --set.
struct MachineArguments {
  std::string architecture;
  std::vector<std::string> settings;
};
// `arguments` must outlive parsing.
void add_machine_options(CLI::App& command, MachineArguments& arguments);
// Throws InputError: a bad file, a key or a value that an architecture cannot have.
Architecture machine_of(const MachineArguments& arguments);

// `--accounting`, whose words follow from the table of accountings; `--engine`, from that of
// engines; `--against`, from that of units.
void add_accounting_option(CLI::App& command, std::string& word);
void add_engine_option(CLI::App& command, std::string& word);
void add_against_option(CLI::App& command, std::vector<std::string>& names);

// Bold type only where standard output is a terminal, and the user has not set NO_COLOR.
TextForm text_form_of_terminal();

}  // namespace potomac::sim
