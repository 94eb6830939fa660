// The terminal's view of a run: a row per layer and pass, a total, and what each table says.
#pragma once

#include <string>

#include "sim/studies/run.hpp"

namespace potomac::sim {

std::string run_table(const RunResult& result);

}  // namespace potomac::sim
