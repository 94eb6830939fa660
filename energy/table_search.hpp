// Where a unit-energy table's file lies: a shipped table is asked for by its name, any other by its
// path.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace potomac::energy {

// What has a '/' or ends in .yaml or .yml is a path and is returned as it is, found or not.
// Anything else is a name: the first of `search_dirs` that holds NAME.yaml. Throws InputError that
// lists the names there are.
std::filesystem::path find_unit_energy_table(std::string_view name_or_path,
                                             std::span<const std::filesystem::path> search_dirs);

// The names that find_unit_energy_table knows, sorted. Folders that do not exist hold none.
std::vector<std::string> unit_energy_table_names(
    std::span<const std::filesystem::path> search_dirs);

}  // namespace potomac::energy
