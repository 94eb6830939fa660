// Reads a file of text whole, if it can be one.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace potomac {

// All that the file holds; a pipe is read to its end. `kind` is what messages call it ("YAML").
// Throws InputError: it cannot be read, is larger than `limit_mib` MiB, or is an HDF5 file.
std::string read_text_file(const std::filesystem::path& path, std::string_view kind,
                           std::size_t limit_mib);

}  // namespace potomac
