// Architectures read from files and from `--set`, and written (docs/architecture-file.md).
#pragma once

#include <filesystem>
#include <string>

#include "sim/machine/architecture.hpp"
#include "support/yaml_reader.hpp"

namespace potomac::sim {

// Throws InputError naming file, line and key: unknown keys, wrong types, values out of range.
// Keys that are left out keep their defaults.
Architecture parse_architecture(const YamlValue& root);
Architecture load_architecture(const std::filesystem::path& path);
// The text of a file that parses to this architecture, every key written out.
std::string architecture_text(const Architecture& architecture);

// Sets one key from a text "KEY=VALUE" (`--set`). Throws InputError that names option and key.
void set_key(Architecture& architecture, const std::string& assignment);

// Reads the DRAM preset that the architecture's keys name. A key itself only keeps the name:
// whoever sets keys through their table calls this behind the last one. Throws InputError as
// load_dram_preset() does.
void load_dram_device(Architecture& architecture);

}  // namespace potomac::sim
