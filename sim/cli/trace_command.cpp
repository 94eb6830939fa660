// `potomac trace`: what a trace file holds, and older ones written anew.
#include <array>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "sim/cli/commands.hpp"
#include "sim/cli/trace_info.hpp"
#include "support/output_files.hpp"
#include "support/plain_text.hpp"
#include "workloads/sources/trace_reader.hpp"
#include "workloads/sources/trace_writer.hpp"

namespace potomac::sim {
namespace {

struct InfoArguments {
  std::string trace;
  std::string format = "table";
};

struct ImportArguments {
  std::string from;
  std::string to;
};

// Memory stays at the largest layer, as in a run.
void import_trace(const ImportArguments& arguments) {
  check_outputs(std::array{Output{arguments.to, "-o"}},
                std::array{std::filesystem::path(arguments.from)});
  const workloads::TraceReader trace(arguments.from, workloads::Hdf5Guard::kNone);
  make_folder_of(arguments.to);
  workloads::TraceWriter writer(arguments.to, trace.info(), trace.not_included());
  for (std::size_t i = 0; i < trace.layers().size(); ++i) {
    writer.write(*trace.read(i));
  }
  writer.finish();
  std::cout << fmt::format("{}: {} layers, every byte under a checksum\n",
                           printable(arguments.to, kWhole), trace.layers().size());
}

void add_import_command(CLI::App& command) {
  auto arguments = std::make_shared<ImportArguments>();
  CLI::App* import = command.add_subcommand(
      "import", "Write an older trace anew, in the form that protects it against damage");
  import->add_option("FILE", arguments->from, "trace file (HDF5, any format version)")->required();
  import->add_option("-o,--output", arguments->to, "the new trace file")
      ->required()
      ->option_text("NEW.h5 REQUIRED");
  import->footer("Example:\n  potomac trace import old.h5 -o new.h5");
  import->callback([arguments] { import_trace(*arguments);
});
}  // namespace

}  // namespace potomac::sim

void add_trace_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("trace", "Look into trace files, convert older ones");
  command->require_subcommand(1);
  add_import_command(*command);
  auto arguments = std::make_shared<InfoArguments>();
  CLI::App* info = command->add_subcommand(
      "info", "Layers, shapes, GEMMs, exponent histograms and zeros of a trace");
  info->add_option("TRACE", arguments->trace, "trace file (HDF5)")->required();
  info->add_option("--format", arguments->format, "table is the default")
      ->option_text("table|json");
  info->footer("Example:\n  potomac trace info workloads/traces/fashion-cnn-b16.h5");
  info->callback([arguments] {
    const auto format = choose<TraceInfoFormat>(
        "--format", arguments->format,
        {{"table", TraceInfoFormat::kTable}, {"json", TraceInfoFormat::kJson}});
    print_trace_info(workloads::TraceReader(arguments->trace), format, std::cout);
  });
}

}  // namespace potomac::sim
