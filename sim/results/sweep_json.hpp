// A sweep's rows as JSON.
#pragma once

#include <string>

#include "sim/results/sweep_table.hpp"

namespace potomac::sim {

// [{"point": 0, "array.rows": 8, ...}]: null where nothing is known.
std::string sweep_json(const SweepTable& sweep);

}  // namespace potomac::sim
