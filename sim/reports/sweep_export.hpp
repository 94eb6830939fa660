// sweep.csv: a sweep's points in their order, with the columns that most people want.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>

#include "sim/results/sweep_table.hpp"

namespace potomac::sim {

// Writes the columns that are listed; `each` hears of every point besides. The file is there whole,
// or not at all. Throws InputError or MachineError.
void write_sweep_csv(const SweepSource& sweep, const std::filesystem::path& file,
                     const SweepSource::Visitor& each = {});

}  // namespace potomac::sim
