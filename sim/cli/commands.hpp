// The subcommands of `potomac`. Each adds itself to the parser; what it does runs after parsing.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <vector>

namespace potomac::sim {

void add_run_command(CLI::App& app);
void add_trace_command(CLI::App& app);
void add_sweep_command(CLI::App& app);

// Where shipped unit-energy tables lie: beside an installed program, or in the source tree that it
// was built from.
std::vector<std::filesystem::path> unit_energy_table_dirs();

}  // namespace potomac::sim
