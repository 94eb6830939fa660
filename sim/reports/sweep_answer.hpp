// What was asked of a sweep, as text.
#pragma once

#include <string>

#include "sim/reports/side_by_side.hpp"
#include "sim/results/sweep_table.hpp"

namespace potomac::sim {

// Precondition: the format is not kHtml. Of a sweep whose last column is `pareto`, tables leave
// that column out: they are of a front alone.
std::string sweep_answer(const SweepTable& sweep, ReportFormat format, TextForm form);

}  // namespace potomac::sim
