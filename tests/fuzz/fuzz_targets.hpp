// What reads files of users, one function a format: a file goes in, and nothing comes out but bad
// input told in a line.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace potomac {

struct FuzzTarget {
  std::string_view name;
  std::string_view extension;  // of its files
  void (*read)(const std::filesystem::path& file);
};

std::span<const FuzzTarget> fuzz_targets();
// Null if there is none of that name.
const FuzzTarget* find_fuzz_target(std::string_view name);

// Reads the file; returns what was wrong with it, and dies where that is a finding: an exception
// that is no InputError, or a message of more than a line.
std::string fuzz(const FuzzTarget& target, const std::filesystem::path& file);

}  // namespace potomac
