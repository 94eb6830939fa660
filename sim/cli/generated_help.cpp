#include "sim/cli/generated_help.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "sim/results/version.hpp"

namespace potomac::sim {
namespace {

// The text as it stands between single quotes of a shell.
std::string in_quotes(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out;
}

// The words that may stand behind a command: its commands, or its options.
std::vector<std::string> words_behind(const CommandInfo& command) {
  std::vector<std::string> words = command.subcommands;
  if (command.words.empty()) {
    words.emplace_back("help");
  }
  for (const OptionInfo& option : command.options) {
    if (!option.positional) {
      words.push_back(option.name);
    }
  }
  return words;
}

// What of a description a zsh spec may hold between its brackets.
std::string in_brackets(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return in_quotes(out);
}

std::string zsh_spec(const OptionInfo& option) {
  if (option.positional) {
    return fmt::format("'*:{}:_files'", in_brackets(option.name));
  }
  const std::string value = option.value.empty() ? ""
                            : option.choices.empty()
                                ? fmt::format(":{}:_files", in_brackets(option.value))
                                : fmt::format(":word:({})", fmt::join(option.choices, " "));
  return fmt::format("'*{}[{}]{}'", option.name, in_brackets(option.description), value);
}

std::string zsh_function(const CommandInfo& command) {
  return fmt::format("_potomac{}{}", command.words.empty() ? "" : "_",
                     fmt::join(command.words, "_"));
}

// Text for a manual page: a hyphen that is one, no line that begins like a request.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string option_head(const OptionInfo& option) {
  std::string head = option.positional ? fmt::format("\\fI{}\\fR", roff(option.name))
                                       : fmt::format("\\fB{}\\fR", roff(option.name));
  if (!option.short_name.empty()) {
    head = fmt::format("\\fB{}\\fR, {}", roff(option.short_name), head);
  }
  return option.value.empty() ? head : fmt::format("{} \\fI{}\\fR", head, roff(option.value));
}

}  // namespace

std::string bash_completion(const std::vector<CommandInfo>& commands) {
  std::string text =
      R"(# Completion of potomac for bash; made from the program's own table of options.
_potomac() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local path= words= i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$path ${COMP_WORDS[i]}" in
)";
  auto out = std::back_inserter(text);
  for (const CommandInfo& command : commands) {
    if (!command.words.empty()) {
      fmt::format_to(out, "      ' {0}') path=' {0}' ;;\n", command.path());
    }
  }
  text += "    esac\n  done\n  case \"$path $previous\" in\n";
  for (const CommandInfo& command : commands) {
    for (const OptionInfo& option : command.options) {
      if (!option.choices.empty()) {
        fmt::format_to(out, "    ' {} {}') words='{}' ;;\n", command.path(), option.name,
                       fmt::join(option.choices, " "));
      } else if (!option.value.empty()) {
        fmt::format_to(out, "    ' {} {}') return ;;\n", command.path(), option.name);
      }
    }
  }
  text += "    *)\n      case \"$path\" in\n";
  for (const CommandInfo& command : commands) {
    const std::string path = command.words.empty() ? "" : fmt::format(" {}", command.path());
    // Files are what most commands begin with: options only where one is begun.
    fmt::format_to(out, "        '{}') {}words='{}' ;;\n", path,
                   command.subcommands.empty() ? "[[ $current == -* ]] && " : "",
                   fmt::join(words_behind(command), " "));
  }
  return text + R"(      esac ;;
  esac
  if [[ -n $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}
complete -o default -F _potomac potomac
)";
}

std::string zsh_completion(const std::vector<CommandInfo>& commands) {
  std::string text =
      "#compdef potomac\n# Completion of potomac for zsh; made from the program's own table of "
      "options.\n";
  auto out = std::back_inserter(text);
  for (const CommandInfo& command : commands) {
    fmt::format_to(out, "\n{}() {{\n", zsh_function(command));
    if (command.subcommands.empty()) {
      text += "  _arguments";
      for (const OptionInfo& option : command.options) {
        fmt::format_to(out, " \\\n    {}", zsh_spec(option));
      }
      text += "\n}\n";
      continue;
    }
    text += "  local state\n  _arguments -C '1: :->command' '*:: :->rest'\n  case $state in\n";
    text += "    command)\n      local -a commands=(\n";
    for (const std::string& name : command.subcommands) {
      const auto below = std::ranges::find_if(commands, [&](const CommandInfo& candidate) {
        return candidate.words.size() == command.words.size() + 1 && candidate.words.back() == name;
      });
      fmt::format_to(out, "        '{}:{}'\n", name, in_brackets(below->description));
    }
    text += "      )\n      _describe command commands ;;\n    rest)\n      case $words[1] in\n";
    for (const std::string& name : command.subcommands) {
      fmt::format_to(out, "        {}) {}_{} ;;\n", name, zsh_function(command), name);
    }
    text += "      esac ;;\n  esac\n}\n";
  }
  return text + "\n_potomac \"$@\"\n";
}

std::string fish_completion(const std::vector<CommandInfo>& commands) {
  std::string text =
      "# Completion of potomac for fish; made from the program's own table of options.\n";
  auto out = std::back_inserter(text);
  for (const CommandInfo& command : commands) {
    std::string here = "__fish_use_subcommand";
    if (!command.words.empty()) {
      here = "__fish_seen_subcommand_from " + command.words.front();
      for (std::size_t i = 1; i < command.words.size(); ++i) {
        here += "; and __fish_seen_subcommand_from " + command.words[i];
      }
    }
    for (const std::string& name : command.subcommands) {
      const std::string not_yet = command.words.empty()
                                      ? here
                                      : fmt::format("{}; and not __fish_seen_subcommand_from {}",
                                                    here, fmt::join(command.subcommands, " "));
      const auto below = std::ranges::find_if(commands, [&](const CommandInfo& candidate) {
        return candidate.words.size() == command.words.size() + 1 && candidate.words.back() == name;
      });
      fmt::format_to(out, "complete -c potomac -f -n '{}' -a {} -d '{}'\n", not_yet, name,
                     in_quotes(below->description));
    }
    for (const OptionInfo& option : command.options) {
      if (option.positional) {
        continue;
      }
      const std::string value = option.value.empty() ? ""
                                : option.choices.empty()
                                    ? " -r"
                                    : fmt::format(" -x -a '{}'", fmt::join(option.choices, " "));
      fmt::format_to(out, "complete -c potomac -n '{}' -l {}{} -d '{}'\n", here,
                     option.name.substr(2), value, in_quotes(option.description));
    }
  }
  return text;
}

std::string manual_page(const std::vector<CommandInfo>& commands) {
  std::string text =
      fmt::format(".TH POTOMAC 1 \"\" \"potomac {}\" \"User Commands\"\n", this_program().version);
  auto out = std::back_inserter(text);
  fmt::format_to(out, ".SH NAME\npotomac \\- {}\n.SH SYNOPSIS\n",
                 roff(commands.front().description));
  bool first = true;
  for (const CommandInfo& command : commands) {
    if (!command.subcommands.empty()) {
      continue;
    }
    fmt::format_to(out, "{}.B potomac {}\n", first ? "" : ".br\n", roff(command.path()));
    first = false;
    for (const OptionInfo& option : command.options) {
      if (option.positional || option.required) {
        fmt::format_to(out, "{}\n", option_head(option));
      }
    }
    text += "[\\fIOPTIONS\\fR]\n";
  }
  text +=
      ".SH DESCRIPTION\nReads traces of quantized training, and reports cycles, action counts and "
      "energy of a\nsystolic array of multiplication\\-free MACs beside the same array of FP32 "
      "MACs."
      "\n.SH COMMANDS\n";
  for (const CommandInfo& command : commands) {
    if (!command.subcommands.empty()) {
      continue;
    }
    fmt::format_to(out, ".SS potomac {}\n{}.\n", roff(command.path()), roff(command.description));
    for (const OptionInfo& option : command.options) {
      fmt::format_to(out, ".TP\n{}\n{}\n", option_head(option), roff(option.description));
    }
    if (!command.example.empty()) {
      fmt::format_to(out, ".PP\nExample:\n.PP\n.nf\n{}\n.fi\n", roff(command.example));
    }
  }
  return text +
         ".SH EXIT STATUS\n.TP\n0\ndone\n.TP\n1\nthe machine failed: a full disk, no "
         "memory\n.TP\n2\n"
         "wrong usage or bad input; one line says where and what to do\n";
}

}  // namespace potomac::sim
