// `potomac generate`: prints what a package installs beside the program. For builders, and hidden.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/cli/generated_help.hpp"
#include "sim/reports/columns_page.hpp"
#include "sim/reports/keys_page.hpp"

namespace potomac::sim {

void add_generate_command(CLI::App& app) {
  auto what = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "generate",
      "Print a shell's completion (bash, zsh, fish), the manual page (man), or tables of the "
      "documentation (columns, keys)");
  command->group("");  // hidden
  command->add_option("WHAT", *what, "bash, zsh, fish, man, columns or keys")->required();
  command->callback([what, &app] {
    using Generator = std::string (*)(const std::vector<CommandInfo>&);
    const auto generator = choose<Generator>(
        "WHAT", *what,
        {{"bash", bash_completion},
         {"zsh", zsh_completion},
         {"fish", fish_completion},
         {"man", manual_page},
         {"columns", [](const std::vector<CommandInfo>&) { return columns_page(); }},
         {"keys", [](const std::vector<CommandInfo>&) { return keys_page(); }}});
    std::cout << generator(command_table(app));
  });
}

}  // namespace potomac::sim
