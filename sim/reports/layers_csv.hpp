// DIR/layers.csv: one row per layer and pass, for spreadsheets and plotting. Columns:
// docs/report.md.
#pragma once

#include <string>

#include "sim/results/run_result.hpp"

namespace potomac::sim {

std::string layers_csv(const RunResult& result);

}  // namespace potomac::sim
