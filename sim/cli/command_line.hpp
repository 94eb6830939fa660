// What was typed, before it is parsed: asked for help in words, or with a word that there is not.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace potomac::sim {

// The arguments behind the program's name. `help` and `help COMMAND` become `--help`.
std::vector<std::string> arguments_of(int argc, const char* const* argv);

// Throws InputError for the first word that is no command and the first --option that its command
// does not know, and names the nearest; the parser itself would name what is missing instead.
void refuse_unknown_words(const CLI::App& app, const std::vector<std::string>& arguments);

// "potomac run": the command that the words lead to, as somebody would type it.
std::string command_of(const CLI::App& app, const std::vector<std::string>& arguments);

}  // namespace potomac::sim
