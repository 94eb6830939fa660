#include "energy/table_search.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <system_error>

#include "support/error.hpp"

namespace potomac::energy {
namespace fs = std::filesystem;

fs::path find_unit_energy_table(std::string_view name_or_path,
                                std::span<const fs::path> search_dirs) {
  if (name_or_path.find('/') != std::string_view::npos || name_or_path.ends_with(".yaml") ||
      name_or_path.ends_with(".yml")) {
    return name_or_path;
  }
  for (const fs::path& folder : search_dirs) {
    fs::path candidate = folder / fmt::format("{}.yaml", name_or_path);
    std::error_code ignored;
    if (!name_or_path.empty() && fs::is_regular_file(candidate, ignored)) {
      return candidate;
    }
  }
  const std::vector<std::string> names = unit_energy_table_names(search_dirs);
  throw InputError({"", fmt::format("energy table '{}'", name_or_path), "is not known",
                    names.empty() ? std::string("no table is installed here: give the path of one")
                                  : fmt::format("use one of {}, or give the path of a table",
                                                fmt::join(names, ", "))});
}

std::vector<std::string> unit_energy_table_names(std::span<const fs::path> search_dirs) {
  std::set<std::string> names;
  for (const fs::path& folder : search_dirs) {
    std::error_code ignored;
    for (const fs::directory_entry& file : fs::directory_iterator(folder, ignored)) {
      if (file.path().extension() == ".yaml" && file.is_regular_file(ignored)) {
        names.insert(file.path().stem().string());
      }
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace potomac::energy
