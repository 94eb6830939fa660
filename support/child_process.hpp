// Programs that are run, and waited for.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace potomac {

struct ChildResult {
  int status = 0;      // as the program exited; 128 + signal if one ended it
  std::string output;  // standard output and standard error
};

// Runs a program, found on the PATH if it has no '/', with these arguments behind its name, in a
// folder, with nothing to read. Nothing if there is no such program. Throws MachineError if the
// machine gives no process.
std::optional<ChildResult> run_child(const std::string& program,
                                     const std::vector<std::string>& arguments,
                                     const std::filesystem::path& folder);

}  // namespace potomac
