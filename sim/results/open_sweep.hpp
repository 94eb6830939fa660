// Where a sweep lies: a folder with a store, or a CSV file.
#pragma once

#include <filesystem>
#include <memory>

#include "sim/results/sweep_table.hpp"

namespace potomac::sim {

// Whether `path` is a CSV file, or a folder with a store or a sweep.csv. One with a report.json too
// is a run's, unless something is asked of it.
bool is_sweep(const std::filesystem::path& path, bool is_asked);

// What an answer is read from: the store, or sweep.csv.
std::filesystem::path sweep_file(const std::filesystem::path& path);

// Throws InputError as StoredSweep and SweepCsv do.
std::unique_ptr<SweepSource> open_sweep(const std::filesystem::path& path);

}  // namespace potomac::sim
