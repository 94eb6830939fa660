// DIR/report.json: the machine-readable result of a run, as text. Its keys are documented in
// docs/report.md; a change of their meaning raises kReportVersion.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "sim/results/run_result.hpp"

namespace potomac::sim {

inline constexpr std::string_view kReportFormat = "potomac-report";
inline constexpr int kReportVersion = 3;
// A pass's "trained_with" where results were summed in binary32.
inline constexpr std::string_view kFp32Sums = "fp32";

// `files`: those that belong to it, by name, and their SHA-256.
std::string report_json(const RunResult& result,
                        const std::map<std::string, std::string>& files = {});

struct NamedRun {
  std::string name;  // as the user named it
  RunResult run;
};
// {"format": "potomac-comparison", "version", "runs": [{"name", the report's keys}]}
std::string comparison_json(std::span<const NamedRun> runs);

}  // namespace potomac::sim
