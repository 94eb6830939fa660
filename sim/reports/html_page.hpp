// Runs as a page for people: one HTML file that needs nothing else, neither beside it nor from a
// network. Its numbers are those of the reports, which are in it whole; its scripts draw them.
#pragma once

#include <span>
#include <string>

#include "sim/results/report_json.hpp"

namespace potomac::sim {

// Precondition: at least one run, all priced alike.
std::string html_page(std::span<const NamedRun> runs);

}  // namespace potomac::sim
