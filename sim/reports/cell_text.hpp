// A column's cell as text.
#pragma once

#include <string>

#include "sim/results/columns.hpp"

namespace potomac::sim {

std::string csv_cell(const Cell& cell);
std::string text_cell(const Cell& cell);  // for people: "23.1%", "-" if not known

}  // namespace potomac::sim
