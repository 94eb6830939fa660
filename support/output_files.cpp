#include "support/output_files.hpp"

#include <fmt/format.h>

#include <string>
#include <system_error>

#include "support/atomic_file.hpp"
#include "support/error.hpp"

namespace potomac {
namespace fs = std::filesystem;

void refuse_to_overwrite(const fs::path& output, std::string_view option,
                         std::span<const fs::path> inputs) {
  for (const fs::path& input : inputs) {
    std::error_code error;
    if (fs::equivalent(output, input, error)) {
      throw InputError({output.string(), std::string(option),
                        fmt::format("is an input of this run ({})", input.string()),
                        "name another file"});
    }
  }
}

void check_output_directory(const fs::path& directory, std::span<const std::string_view> names) {
  if (directory.empty()) {
    throw InputError({"", "--out", "names no folder", "name an output folder"});
  }
  fs::path existing = fs::absolute(directory).lexically_normal();
  std::error_code error;
  while (!fs::exists(existing, error) && existing.has_relative_path()) {
    existing = existing.parent_path();
  }
  if (!fs::is_directory(existing, error)) {
    throw InputError({directory.string(), "",
                      fmt::format("cannot be made a folder ({} is not one)", existing.string()),
                      "name another output folder"});
  }
  const AtomicFile probe(existing / "potomac-probe");
  for (const std::string_view name : names) {
    refuse_if_not_regular(directory / name);
  }
}

void make_output_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error || !fs::is_directory(directory)) {
    throw InputError({directory.string(), "",
                      fmt::format("cannot be made a folder ({})",
                                  error ? error.message() : "a file has that name"),
                      "name another output folder"});
  }
  // Probes for write permission by reserving (and dropping) a temporary name.
  const AtomicFile probe(directory / "potomac-probe");
}

}  // namespace potomac
