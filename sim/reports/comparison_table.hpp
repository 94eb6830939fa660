// Several runs side by side: a row a run, with what tells their machines apart.
#pragma once

#include <span>
#include <string>

#include "sim/reports/text_table.hpp"
#include "sim/results/report_json.hpp"
#include "sim/results/run_result.hpp"

namespace potomac::sim {

// Preconditions of both: at least one run, all priced by the same tables and accountings.
std::string comparison_table(std::span<const NamedRun> runs, TextForm form);
// A row a run: its name, every key of its architecture, the totals of each machine, its energies.
std::string comparison_csv(std::span<const NamedRun> runs);

}  // namespace potomac::sim
