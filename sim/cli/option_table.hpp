// The commands and options that the parser knows, as data: what shell completions and the manual
// page are made from.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace potomac::sim {

struct OptionInfo {
  std::string name;        // "--engine"; of a positional its metavariable: "TRACE"
  std::string short_name;  // "-o", or empty
  std::string value;       // what follows it: "FILE.h5"; empty: a flag
  std::string description;
  std::vector<std::string> choices;  // the words that may follow, where they are few
  bool positional = false;
  bool required = false;
};

struct CommandInfo {
  std::vector<std::string> words;  // {"trace", "info"}; empty: the program itself
  std::string description;
  std::string example;  // empty: none
  std::vector<OptionInfo> options;
  std::vector<std::string> subcommands;

  std::string path() const;  // "trace info"
};

// The program, then its commands, each with its own ones behind it. Hidden ones are left out.
std::vector<CommandInfo> command_table(const CLI::App& app);

}  // namespace potomac::sim
