// `potomac`: the command line. Results go to standard output and to files, messages to standard
// error. Exit status: 0 done, 1 failed, 2 wrong usage or bad input.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string>

#include "sim/cli/commands.hpp"
#include "sim/reports/version.hpp"
#include "support/cleanup_on_signals.hpp"
#include "support/error.hpp"

namespace {

constexpr int kFailed = 1;
constexpr int kBadInput = 2;

int report(int status, const char* message) {
  fmt::print(stderr, "potomac: error: {}\n", message);
  return status;
}

// What CLI11 says of a wrong command line, with the help that would have told.
std::string one_line(std::string message, const CLI::App& app) {
  std::ranges::replace(message, '\n', ' ');
  std::string command = "potomac";
  for (const CLI::App* used = &app; !used->get_subcommands().empty();) {
    used = used->get_subcommands().front();
    command += " " + used->get_name();
  }
  return fmt::format("{}; see: {} --help", message, command);
}

}  // namespace

int main(int argc, char** argv) {
  potomac::remove_temporary_files_on_signals();
  try {
    CLI::App app{
        "Potomac: cycles and energy of quantized training on multiplication-free systolic "
        "arrays",
        "potomac"};
    app.set_version_flag("--version",
                         std::string("potomac ") + std::string(potomac::sim::kVersion));
    app.require_subcommand(1);
    potomac::sim::add_run_command(app);
    potomac::sim::add_trace_command(app);
    potomac::sim::add_sweep_command(app);
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& help_or_version) {
      return app.exit(help_or_version);
    } catch (const CLI::ParseError& error) {
      return report(kBadInput, one_line(error.what(), app).c_str());
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
    return report(kFailed, (std::string("internal fault: ") + error.what()).c_str());
  }
}
