#include <system_error>

#include "sim/cli/commands.hpp"

namespace potomac::sim {

std::vector<std::filesystem::path> unit_energy_table_dirs() {
  std::vector<std::filesystem::path> dirs;
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    dirs.push_back(program.parent_path().parent_path() / "share/potomac/energy");
  }
  dirs.emplace_back(POTOMAC_SOURCE_TABLES);
  return dirs;
}

}  // namespace potomac::sim
