#include "support/output_files.hpp"

#include <fmt/format.h>

#include <string>
#include <system_error>

#include "support/atomic_file.hpp"
#include "support/error.hpp"

namespace potomac {
namespace fs = std::filesystem;

namespace {

// The file that a name leads to, there or not: through links, `.` and `..`.
fs::path destination(const fs::path& name) {
  std::error_code error;
  fs::path found = fs::weakly_canonical(fs::absolute(name, error), error);
  return error ? fs::absolute(name).lexically_normal() : found;
}

bool are_same_file(const fs::path& a, const fs::path& b) {
  std::error_code error;
  // They are the same by links of the file system, or by name where one of them is yet to be made.
  return fs::equivalent(a, b, error) || destination(a) == destination(b);
}

void check_folder_of(const Output& output) {
  const fs::path folder = fs::absolute(output.file).parent_path();
  fs::path existing = folder;
  std::error_code error;
  while (!fs::exists(existing, error) && existing.has_relative_path()) {
    existing = existing.parent_path();
  }
  if (!fs::is_directory(existing, error)) {
    throw InputError({output.file.parent_path().string(), output.option,
                      fmt::format("cannot be made a folder ({} is not one)", existing.string()),
                      "name another output folder"});
  }
  const AtomicFile probe(existing / "potomac-probe");
}

}  // namespace

std::vector<Output> outputs_in(const fs::path& folder, const std::string& option,
                               const std::vector<std::string>& names) {
  if (folder.empty()) {
    throw InputError({"", option, "names no folder", "name an output folder"});
  }
  std::vector<Output> outputs;
  outputs.reserve(names.size());
  for (const std::string& name : names) {
    outputs.push_back({folder / name, option});
  }
  return outputs;
}

void check_outputs(std::span<const Output> outputs, std::span<const fs::path> inputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Output& output = outputs[i];
    const auto refuse = [&output](const std::string& problem) {
      throw InputError({output.file.string(), output.option, problem, "name another file"});
    };
    if (!output.file.has_filename()) {
      refuse("names no file");
    }
    for (const fs::path& input : inputs) {
      if (are_same_file(output.file, input)) {
        refuse(fmt::format("is an input of this run ({})", input.string()));
      }
    }
    for (const Output& other : outputs.first(i)) {
      if (are_same_file(output.file, other.file)) {
        refuse(fmt::format("is written by {} too", other.option));
      }
    }
    check_folder_of(output);
    refuse_if_not_regular(output.file);
  }
}

void make_output_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  std::error_code unknown;
  if (error || !fs::is_directory(directory, unknown)) {
    throw InputError({directory.string(), "",
                      fmt::format("cannot be made a folder ({})",
                                  error ? error.message() : "a file has that name"),
                      "name another output folder"});
  }
  // Probes for write permission by reserving (and dropping) a temporary name.
  const AtomicFile probe(directory / "potomac-probe");
}

void make_folder_of(const fs::path& file) {
  if (file.has_parent_path()) {
    make_output_directory(file.parent_path());
  }
}

}  // namespace potomac
