// Several runs side by side: a row a run, with what tells their machines apart.
#pragma once

#include <span>
#include <string>

#include "sim/reports/text_table.hpp"
#include "sim/studies/run.hpp"

namespace potomac::sim {

struct NamedRun {
  std::string name;  // as the user named it
  RunResult run;
};

// Preconditions of all: at least one run, all priced by the same tables.
std::string comparison_table(std::span<const NamedRun> runs, TextForm form);
// A row a run: its name, every key of its architecture, its totals, and its energies.
std::string comparison_csv(std::span<const NamedRun> runs);
// {"format": "potomac-comparison", "version", "runs": [{"name", the report's keys}]}
std::string comparison_json(std::span<const NamedRun> runs);

}  // namespace potomac::sim
