// Shell completions and the manual page, made from the table of commands and options.
#pragma once

#include <string>
#include <vector>

#include "sim/cli/option_table.hpp"

namespace potomac::sim {

std::string bash_completion(const std::vector<CommandInfo>& commands);
std::string zsh_completion(const std::vector<CommandInfo>& commands);
std::string fish_completion(const std::vector<CommandInfo>& commands);

// potomac.1, in the man macros.
std::string manual_page(const std::vector<CommandInfo>& commands);

}  // namespace potomac::sim
