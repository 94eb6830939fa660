#include "support/shipped_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <system_error>
#include <utility>

#include "support/error.hpp"
#include "support/nearest_word.hpp"

namespace potomac {
namespace fs = std::filesystem;

fs::path ShippedFiles::find(std::string_view name_or_path) const {
  if (name_or_path.find('/') != std::string_view::npos || name_or_path.ends_with(".yaml") ||
      name_or_path.ends_with(".yml")) {
    return name_or_path;
  }
  for (const fs::path& folder : folders) {
    fs::path candidate = folder / fmt::format("{}.yaml", name_or_path);
    std::error_code ignored;
    if (!name_or_path.empty() && fs::is_regular_file(candidate, ignored)) {
      return candidate;
    }
  }
  const std::vector<std::string> known = names();
  std::string remedy = fmt::format("no {} is installed here: give the path of one", kind);
  if (!known.empty()) {
    const std::string nearest = nearest_word(name_or_path, known);
    remedy = nearest.empty() ? std::string() : fmt::format("did you mean '{}'? ", nearest);
    remedy += fmt::format("use one of {}, or give the path of one", fmt::join(known, ", "));
  }
  throw InputError({"", fmt::format("{} '{}'", kind, name_or_path), "is not known", remedy});
}

std::vector<std::string> ShippedFiles::names() const {
  std::set<std::string> names;
  for (const fs::path& folder : folders) {
    std::error_code ignored;
    for (const fs::directory_entry& file : fs::directory_iterator(folder, ignored)) {
      if (file.path().extension() == ".yaml" && file.is_regular_file(ignored)) {
        names.insert(file.path().stem().string());
      }
    }
  }
  return {names.begin(), names.end()};
}

namespace {

std::vector<fs::path>& added_roots() {
  static std::vector<fs::path> roots;
  return roots;
}

}  // namespace

void add_shipped_root(fs::path root) {
  added_roots().push_back(std::move(root));
}

ShippedFiles shipped_files(std::string kind, const std::string& installed,
                           const std::string& in_source) {
  ShippedFiles files{std::move(kind), {}};
  for (const fs::path& root : added_roots()) {
    files.folders.push_back(root / installed);
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    files.folders.push_back(program.parent_path().parent_path() / "share/potomac" / installed);
  }
  files.folders.push_back(fs::path(POTOMAC_SOURCE_DIR) / in_source);
  return files;
}

}  // namespace potomac
