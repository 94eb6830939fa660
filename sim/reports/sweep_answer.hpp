// What was asked of a sweep, as text.
#pragma once

#include <string>

#include "sim/reports/side_by_side.hpp"
#include "sim/results/sweep_csv.hpp"

namespace potomac::sim {

// Precondition: the format is not kHtml. Of a sweep whose last column is `pareto`, tables have the
// points on the front alone; CSV and JSON have all, marked.
std::string sweep_answer(const SweepTable& sweep, ReportFormat format, TextForm form);

}  // namespace potomac::sim
