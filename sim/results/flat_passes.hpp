// A run's passes as a table: a row a pass, a column for all that the lists of columns say of it and
// of its machines, and for what it costs. layers.csv and data frames are this table.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sim/results/columns.hpp"
#include "sim/results/run_result.hpp"

namespace potomac::sim {

std::vector<std::string> flat_pass_names(const RunResult& result);
// The cells of one pass, a cell a name. Precondition: pass < result.passes.size().
std::vector<Cell> flat_pass(const RunResult& result, std::size_t pass);

}  // namespace potomac::sim
