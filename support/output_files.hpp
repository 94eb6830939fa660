// Checks of where results are to be written, made before the work.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace potomac {

// A file that a command is to write, and the option that named it or its folder.
struct Output {
  std::filesystem::path file;
  std::string option;
};

// The files of these names in `folder`, which `option` named. Throws InputError if it is empty.
std::vector<Output> outputs_in(const std::filesystem::path& folder, const std::string& option,
                               const std::vector<std::string>& names);

// Checks all that a command is to write, before its work and without leaving anything behind: none
// is an input or another output, whatever name or link leads to it, or a folder or a device, and
// the folder of each can be written or made. Throws InputError.
void check_outputs(std::span<const Output> outputs, std::span<const std::filesystem::path> inputs);

// Makes `directory` (and its parents) and proves that a file can be made in it. Throws InputError.
void make_output_directory(const std::filesystem::path& directory);

// Makes the folder of `file` (and its parents) where it is missing. Throws InputError.
void make_folder_of(const std::filesystem::path& file);

}  // namespace potomac
