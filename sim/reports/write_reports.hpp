// Writes a run's files: report.json, layers.csv and, where it was asked for, pe_map.csv.
#pragma once

#include <filesystem>

#include "sim/results/run_result.hpp"

namespace potomac::sim {

// Into `directory`, which is made if it is not there. Throws InputError or MachineError.
void write_reports(const RunResult& result, const std::filesystem::path& directory);

}  // namespace potomac::sim
