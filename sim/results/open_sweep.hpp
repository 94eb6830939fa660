// Where a sweep lies: a folder with a store, or a CSV file.
#pragma once

#include <filesystem>
#include <memory>

#include "sim/results/sweep_table.hpp"

namespace potomac::sim {

// Whether `path` is a folder with a store, or one with a sweep.csv and no report.json, or a CSV
// file.
bool is_sweep(const std::filesystem::path& path);

// What an answer is read from: the store, or sweep.csv.
std::filesystem::path sweep_file(const std::filesystem::path& path);

// Throws InputError as StoredSweep and SweepCsv do.
std::unique_ptr<SweepSource> open_sweep(const std::filesystem::path& path);

}  // namespace potomac::sim
