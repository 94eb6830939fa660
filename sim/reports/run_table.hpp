// A run for people: where the cycles go, a row per layer and pass, and what each table of unit
// energies makes of it. Fits 80 columns, but for names that do not.
#pragma once

#include <string>

#include "sim/reports/text_table.hpp"
#include "sim/results/run_result.hpp"

namespace potomac::sim {

std::string run_table(const RunResult& result, TextForm form);

}  // namespace potomac::sim
