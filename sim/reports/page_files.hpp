// What is the same in every page, as it stands in sim/reports/page: part of the program.
#pragma once

#include <string_view>

namespace potomac::sim {

std::string_view page_skeleton();  // HTML, with {{names}} where the rest goes
std::string_view page_style();     // CSS
std::string_view page_script();    // our own JavaScript
std::string_view page_charts();    // Apache ECharts
std::string_view page_notice();    // its NOTICE

}  // namespace potomac::sim
