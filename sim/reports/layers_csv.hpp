// DIR/layers.csv: one row per layer and pass, for spreadsheets and plotting. Columns:
// docs/report.md.
#pragma once

#include <string>
#include <string_view>

#include "sim/studies/run.hpp"

namespace potomac::sim {

std::string layers_csv(const RunResult& result);

// A CSV field (RFC 4180): quoted where it holds a comma, a quote or a line end.
std::string csv_field(std::string_view text);

}  // namespace potomac::sim
