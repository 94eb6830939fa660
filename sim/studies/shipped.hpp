// What ships with Potomac, found by name: it lies beside an installed program, or in the source
// tree that the program was built from.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/results/model_summary.hpp"
#include "support/shipped_files.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

// What a run is priced by where nothing else is asked for.
inline constexpr std::string_view kDefaultTable = "paper-2302.14458";

ShippedFiles shipped_tables();
ShippedFiles shipped_architectures();
ShippedFiles shipped_models();

// The architecture of that name: shipped, or a file. Throws InputError.
std::filesystem::path architecture_file(const std::string& name);

// The files of the unit-energy tables of these names. Throws InputError.
std::vector<std::filesystem::path> table_files(const std::vector<std::string>& names);

// The networks that ship, at these dimensions where they have them. Throws InputError.
std::vector<ModelSummary> model_summaries(const workloads::Dimensions& dimensions);

}  // namespace potomac::sim
