// The workload that a command is given, and what binds a description's dimensions.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workloads/sources/open_workload.hpp"

namespace potomac::sim {

struct WorkloadArguments {
  std::string name;
  std::optional<std::int64_t> batch;
  std::optional<std::int64_t> length;
  std::vector<std::string> dimensions;  // NAME=N
};

// Adds the positional WORKLOAD, and --batch, --length and --dim. `arguments` must outlive parsing.
void add_workload_options(CLI::App& command, WorkloadArguments& arguments);
// The latter alone.
void add_dimension_options(CLI::App& command, WorkloadArguments& arguments);

// What --batch, --length and --dim bind. Throws InputError: not NAME=N, one bound twice.
workloads::Dimensions dimensions_of(const WorkloadArguments& arguments);

// The file that the name stands for.
std::filesystem::path file_of(const WorkloadArguments& arguments);

}  // namespace potomac::sim
