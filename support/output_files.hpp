// Checks of where results are to be written, made before the work.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

namespace potomac {

// Refuses an output that is one of the program's inputs, whatever name or link leads to it. Throws
// InputError; `option` says where the output was named.
void refuse_to_overwrite(const std::filesystem::path& output, std::string_view option,
                         std::span<const std::filesystem::path> inputs);

// Proves, without leaving anything behind, that `directory` is or can become a folder in which
// files of these names can be written: before long work, not after it. Throws InputError.
void check_output_directory(const std::filesystem::path& directory,
                            std::span<const std::string_view> names);

// Makes `directory` (and its parents) and proves that a file can be made in it. Throws InputError.
void make_output_directory(const std::filesystem::path& directory);

}  // namespace potomac
