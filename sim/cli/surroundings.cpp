#include <unistd.h>

#include <cstdlib>
#include <system_error>

#include "energy/table_search.hpp"
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

std::vector<std::filesystem::path> table_files(const std::vector<std::string>& names) {
  std::vector<std::filesystem::path> files;
  files.reserve(names.size());
  for (const std::string& name : names) {
    files.push_back(energy::find_unit_energy_table(name, unit_energy_table_dirs()));
  }
  return files;
}

TextForm text_form_of_terminal() {
  // No thread of ours changes the environment.
  const char* no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
  const bool plain = no_color != nullptr && *no_color != '\0';
  return !plain && ::isatty(STDOUT_FILENO) == 1 ? TextForm::kTerminal : TextForm::kPlain;
}

}  // namespace potomac::sim
