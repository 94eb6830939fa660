// The whole training step as text: its parts on both machines, and what was assumed.
#pragma once

#include <string>

#include "sim/reports/text_table.hpp"
#include "sim/results/run_result.hpp"

namespace potomac::sim {

// Empty if the run has no step.
std::string step_section(const RunResult& result, TextForm form);

}  // namespace potomac::sim
