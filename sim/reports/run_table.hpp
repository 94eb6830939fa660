// The terminal's view of a run: a row per layer and pass, a total, and what each table says.
#pragma once

#include <string>

#include "sim/studies/run.hpp"

namespace potomac::sim {

std::string run_table(const RunResult& result);

// A quantity with an SI prefix, three significant digits: (3.2e9, "J" given in pJ) -> "3.20 mJ".
std::string si_energy(double picojoules);
// The same for times: "1.81 ms".
std::string si_time(double nanoseconds);

}  // namespace potomac::sim
