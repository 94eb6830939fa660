// `potomac trace`: what a trace file holds.
#include <iostream>
#include <memory>
#include <string>

#include "sim/cli/commands.hpp"
#include "sim/cli/trace_info.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac::sim {
namespace {

struct InfoArguments {
  std::string trace;
  std::string format = "table";
};

}  // namespace

void add_trace_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("trace", "Look into trace files");
  command->require_subcommand(1);
  auto arguments = std::make_shared<InfoArguments>();
  CLI::App* info = command->add_subcommand(
      "info", "Layers, shapes, GEMMs, exponent histograms and zeros of a trace");
  info->add_option("TRACE", arguments->trace, "trace file (HDF5)")->required();
  info->add_option("--format", arguments->format, "table (default) or json")->option_text("NAME");
  info->callback([arguments] {
    const auto format = choose<TraceInfoFormat>(
        "--format", arguments->format,
        {{"table", TraceInfoFormat::kTable}, {"json", TraceInfoFormat::kJson}});
    print_trace_info(workloads::TraceReader(arguments->trace), format, std::cout);
  });
}

}  // namespace potomac::sim
