// `potomac`: the command line. Results go to standard output and to files, messages to standard
// error. Exit status: 0 done, 1 failed, 2 wrong usage or bad input.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "sim/cli/command_line.hpp"
#include "sim/cli/commands.hpp"
#include "sim/results/version.hpp"
#include "support/cleanup_on_signals.hpp"
#include "support/error.hpp"
#include "support/plain_text.hpp"

namespace {

constexpr int kFailed = 1;
constexpr int kBadInput = 2;

// One readable line, whatever the message quotes. A standard error that is full or closed takes the
// line with it, not the status.
int report(int status, std::string_view message) {
  try {
    const std::string line =
        "potomac: error: " + potomac::printable(message, potomac::kWhole) + "\n";
    std::fputs(line.c_str(), stderr);
  } catch (const std::bad_alloc&) {
    std::fputs("potomac: error: out of memory\n", stderr);
  }
  return status;
}

// Where the shell closed a standard stream (2>&-), the next file opened would take its number, and
// messages would be written into that file. The other direction of /dev/null holds the place: what
// is written there fails, as it does on a closed stream.
void hold_places_of_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) == -1) {
      ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // takes the lowest number
    }
  }
}

// What CLI11 says of a wrong command line, with the help that would have told.
std::string one_line(std::string message, const std::string& command) {
  std::ranges::replace(message, '\n', ' ');
  return fmt::format("{}; see: {} --help", message, command);
}

}  // namespace

int main(int argc, char** argv) {
  hold_places_of_closed_streams();
  potomac::remove_temporary_files_on_signals();
  try {
    CLI::App app{"Cycles and energy of quantized training on multiplication-free systolic arrays",
                 "potomac"};
    app.set_version_flag("--version", text_of(potomac::sim::this_program()));
    app.require_subcommand(1);
    potomac::sim::add_run_command(app);
    potomac::sim::add_report_command(app);
    potomac::sim::add_models_command(app);
    potomac::sim::add_trace_command(app);
    potomac::sim::add_sweep_command(app);
    potomac::sim::add_merge_command(app);
    potomac::sim::add_sensitivity_command(app);
    potomac::sim::add_verify_command(app);
    potomac::sim::add_generate_command(app);
    const std::vector<std::string> arguments = potomac::sim::arguments_of(argc, argv);
    potomac::sim::refuse_unknown_words(app, arguments);
    try {
      // The parser takes them from the back.
      app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::Success& help_or_version) {
      app.exit(help_or_version);  // prints it
    } catch (const CLI::ParseError& error) {
      return report(kBadInput, one_line(error.what(), potomac::sim::command_of(app, arguments)));
    }
    // What was printed is a result too: a full disk behind a redirection must not pass for success.
    std::cout.flush();
    if (!std::cout || std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      throw potomac::MachineError(
          {"", "standard output", "write failed", "free some disk space and run again"});
    }
    return 0;
  } catch (const potomac::InputError& error) {
    return report(kBadInput, error.what());
  } catch (const potomac::MachineError& error) {
    return report(kFailed, error.what());
  } catch (const std::bad_alloc&) {
    return report(kFailed, "out of memory; close other programs, or use a smaller workload");
  } catch (const std::exception& error) {
    return report(kFailed, std::string("internal fault: ") + error.what());
  }
}
