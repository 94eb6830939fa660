// Names of architecture keys that are short enough for the head of a table.
#pragma once

#include <string>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/machine/architecture_keys.hpp"

namespace potomac::sim {

// The last word of each key ("rows"), or the whole name where two keys end in the same one.
std::vector<std::string> short_names(const std::vector<const ArchitectureKey*>& keys);

}  // namespace potomac::sim
