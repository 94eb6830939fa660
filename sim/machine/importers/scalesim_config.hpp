// Configurations of SCALE-Sim (.cfg): what of one is an architecture of Potomac's.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/machine/architecture.hpp"

namespace potomac::sim {

struct ScalesimConfig {
  Architecture architecture;          // serial issue, which is what SCALE-Sim counts
  std::vector<std::string> left_out;  // keys that nothing was made of
};

// The array; and where memory is simulated (InterfaceBandwidth: USER) scratchpads and the bandwidth
// of DRAM, of three interfaces together, a word being a byte and a cycle one of the default clock.
// Throws InputError (file and line): not such a file, a section or key twice, ArrayHeight,
// ArrayWidth or Dataflow missing or impossible, sparsity asked for.
ScalesimConfig load_scalesim_config(const std::filesystem::path& path);
ScalesimConfig parse_scalesim_config(const std::string& text, const std::string& file);

}  // namespace potomac::sim
