#include "sim/cli/option_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>
#include <string_view>

namespace potomac::sim {
namespace {

OptionInfo option_info(const CLI::Option& option) {
  OptionInfo info;
  info.description = option.get_description();
  info.required = option.get_required();
  info.positional = option.nonpositional() ? false : option.get_positional();
  if (info.positional) {
    info.name = option.get_name(true);
    return info;
  }
  info.name = "--" + option.get_lnames().front();
  if (!option.get_snames().empty()) {
    info.short_name = "-" + option.get_snames().front();
  }
  if (option.get_items_expected_max() > 0) {
    // The first word: help adds whether it is required.
    info.value = option.get_option_text().substr(0, option.get_option_text().find(' '));
  }
  if (info.value.find('|') != std::string::npos) {
    std::istringstream words(info.value);
    for (std::string word; std::getline(words, word, '|');) {
      info.choices.push_back(word);
    }
  }
  return info;
}

bool is_hidden(const CLI::App& command) {
  return command.get_group().empty();
}

void add(const CLI::App& app, const std::vector<std::string>& words,
         std::vector<CommandInfo>& table) {
  CommandInfo info;
  info.words = words;
  info.description = app.get_description();
  constexpr std::string_view kExample = "Example:\n  ";
  if (const std::string footer = app.get_footer(); footer.starts_with(kExample)) {
    info.example = footer.substr(kExample.size());
  }
  for (const CLI::Option* option : app.get_options()) {
    info.options.push_back(option_info(*option));
  }
  const std::vector<const CLI::App*> commands =
      app.get_subcommands([](const CLI::App* command) { return !is_hidden(*command); });
  for (const CLI::App* command : commands) {
    info.subcommands.push_back(command->get_name());
  }
  table.push_back(std::move(info));
  for (const CLI::App* command : commands) {
    std::vector<std::string> below = words;
    below.push_back(command->get_name());
    add(*command, below, table);
  }
}

}  // namespace

std::string CommandInfo::path() const {
  return fmt::format("{}", fmt::join(words, " "));
}

std::vector<CommandInfo> command_table(const CLI::App& app) {
  std::vector<CommandInfo> table;
  add(app, {}, table);
  return table;
}

}  // namespace potomac::sim
