// What a memory did to a run, for people: a row for each pass.
#pragma once

#include <string>

#include "sim/reports/text_table.hpp"
#include "sim/results/run_result.hpp"

namespace potomac::sim {

// Empty if the machine has no memory.
std::string memory_table(const RunResult& result, TextForm form);

}  // namespace potomac::sim
