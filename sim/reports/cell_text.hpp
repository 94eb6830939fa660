// A column's cell as text.
#pragma once

#include <string>

#include "sim/results/columns.hpp"

namespace potomac::sim {

std::string plain_text(const Cell& cell);  // empty if not known
std::string csv_cell(const Cell& cell);    // the same as a field
void append_csv(std::string& line, const Cell& cell);
std::string text_cell(const Cell& cell);  // for people: "23.1%", "-" if not known

}  // namespace potomac::sim
