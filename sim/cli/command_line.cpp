#include "sim/cli/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "support/error.hpp"
#include "support/nearest_word.hpp"

namespace potomac::sim {
namespace {

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return names;
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

// The command that the words lead to, and how many of them name it.
struct Route {
  const CLI::App* command;
  std::size_t words;
  std::string name;
};

Route route(const CLI::App& app, const std::vector<std::string>& arguments) {
  Route taken{&app, 0, app.get_name()};
  while (taken.words < arguments.size() &&
         contains(command_names(*taken.command), arguments[taken.words])) {
    taken.command = taken.command->get_subcommand(arguments[taken.words]);
    taken.name += " " + arguments[taken.words];
    ++taken.words;
  }
  return taken;
}

[[noreturn]] void refuse(const std::string& kind, const std::string& word,
                         const std::vector<std::string>& known, const std::string& help) {
  const std::string nearest = nearest_word(word, known);
  throw InputError({"", "", fmt::format("there is no {} '{}'", kind, word),
                    nearest.empty()
                        ? fmt::format("see: {} --help", help)
                        : fmt::format("did you mean '{}'? see: {} --help", nearest, help)});
}

}  // namespace

std::vector<std::string> arguments_of(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  if (!arguments.empty() && arguments.front() == "help") {
    arguments.erase(arguments.begin());
    arguments.emplace_back("--help");
  }
  return arguments;
}

void refuse_unknown_words(const CLI::App& app, const std::vector<std::string>& arguments) {
  const Route taken = route(app, arguments);
  const std::vector<std::string> commands = command_names(*taken.command);
  const std::vector<std::string> options = option_names(*taken.command);
  for (std::size_t i = taken.words; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--") {
      return;  // what follows is no option, whatever it looks like
    }
    if (word.starts_with("--")) {
      const std::string option = word.substr(0, word.find('='));
      if (!contains(options, option)) {
        refuse("option", option, options, taken.name);
      }
    } else if (!commands.empty() && !word.starts_with("-")) {
      refuse("command", word, commands, taken.name);
    }
  }
}

std::string command_of(const CLI::App& app, const std::vector<std::string>& arguments) {
  return route(app, arguments).name;
}

}  // namespace potomac::sim
