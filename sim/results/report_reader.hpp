// Reads a stored report back, so that it can be shown, compared and priced again without
// simulating.
#pragma once

#include <filesystem>

#include "sim/results/run_result.hpp"

namespace potomac::sim {

// The report that `path` names: a report.json, or the folder that holds one.
std::filesystem::path report_file(const std::filesystem::path& path);

// The report that `path` names. What it says is checked: every sum, share
// and energy that follows from its counts is made anew, and must be what stands there. Throws
// InputError: no report, of another version, or one that contradicts itself (where).
RunResult load_report(const std::filesystem::path& path);

}  // namespace potomac::sim
