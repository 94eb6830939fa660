// The lists of columns as tables in Markdown: what docs/report.md shows.
#pragma once

#include <string>

namespace potomac::sim {

std::string columns_page();

}  // namespace potomac::sim
