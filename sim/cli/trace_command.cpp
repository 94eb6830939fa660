// `potomac trace`: what a trace file holds, and older ones written anew.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>

#include "sim/cli/commands.hpp"
#include "sim/cli/workload_options.hpp"
#include "sim/machine/architecture_file.hpp"
#include "sim/machine/importers/scalesim_config.hpp"
#include "sim/reports/trace_info.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"
#include "support/output_files.hpp"
#include "support/plain_text.hpp"
#include "workloads/sources/description_writer.hpp"
#include "workloads/sources/open_workload.hpp"
#include "workloads/sources/trace_reader.hpp"
#include "workloads/sources/trace_writer.hpp"

namespace potomac::sim {
namespace {

struct InfoArguments {
  WorkloadArguments workload;
  std::string format = "table";
};

struct ImportArguments {
  WorkloadArguments workload;
  std::string to;
};

// A configuration becomes an architecture file.
void import_config(const ImportArguments& arguments) {
  const ScalesimConfig config = load_scalesim_config(arguments.workload.name);
  make_folder_of(arguments.to);
  write_file_atomically(arguments.to, architecture_text(config.architecture));
  std::cout << fmt::format("{}: an architecture of {} x {} PEs, {}\n",
                           printable(arguments.to, kWhole), config.architecture.array.rows,
                           config.architecture.array.cols, name_of(config.architecture.dataflow));
  if (!config.left_out.empty()) {
    std::cout << fmt::format("not carried over: {}\n", fmt::join(config.left_out, ", "));
  }
}

// Shapes become a model description.
void import_shapes(const ImportArguments& arguments) {
  const auto workload =
      workloads::open_workload(file_of(arguments.workload), dimensions_of(arguments.workload));
  make_folder_of(arguments.to);
  write_file_atomically(arguments.to, workloads::model_description_text(*workload));
  std::cout << fmt::format("{}: a model description of {} layers\n",
                           printable(arguments.to, kWhole), workload->layers().size());
}

// To what a sound file of this size may need: its tensors, which zlib makes at most about a
// thousand times smaller, and what there is besides. A damaged one may ask for anything.
void limit_memory(const std::string& file) {
  constexpr std::uintmax_t kBesides = std::uintmax_t{1} << 30U;
  constexpr std::uintmax_t kTimesTheFile = 4096;
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  rlimit limit{};
  if (!error && ::getrlimit(RLIMIT_DATA, &limit) == 0) {
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, kBesides + kTimesTheFile * size);
    ::setrlimit(RLIMIT_DATA, &limit);
  }
}

// Does the work in a process of its own, which a damaged file may end: libhdf5 trusts files whose
// metadata has no checksums.
void in_a_process(const std::string& file, const std::string& target,
                  const std::function<void()>& work) {
  std::cout.flush();
  const pid_t child = ::fork();
  if (child < 0) {
    throw MachineError({file, "", "no process can be made to read it", "try again later"});
  }
  if (child == 0) {
    limit_memory(file);
    work();
    return;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) {
    // It has said what there is to say.
    std::exit(WEXITSTATUS(status));  // NOLINT(concurrency-mt-unsafe)
  }
  { const AtomicFile sweeps_up_behind_it(target); }
  throw InputError({file, "",
                    fmt::format("libhdf5 broke off as it read it (signal {})", WTERMSIG(status)),
                    "the file is damaged; make it again"});
}

// Memory stays at the largest layer, as in a run.
void copy_trace(const ImportArguments& arguments) {
  const workloads::TraceReader trace(arguments.workload.name, Hdf5Guard::kNone);
  make_folder_of(arguments.to);
  workloads::TraceWriter writer(arguments.to, trace.info(), trace.not_included());
  for (std::size_t i = 0; i < trace.layers().size(); ++i) {
    writer.write(*trace.read(i), trace.formats()[i].origin);
  }
  writer.finish();
  std::cout << fmt::format("{}: {} layers, every byte under a checksum\n",
                           printable(arguments.to, kWhole), trace.layers().size());
}

void import_trace(const ImportArguments& arguments) {
  in_a_process(arguments.workload.name, arguments.to, [&] { copy_trace(arguments); });
}

void import_file(const ImportArguments& arguments) {
  const std::filesystem::path from = file_of(arguments.workload);
  check_outputs(std::array{Output{arguments.to, "-o"}}, std::array{from});
  if (from.extension() == ".cfg") {
    import_config(arguments);
  } else if (workloads::is_yaml_file(arguments.to)) {
    import_shapes(arguments);
  } else if (workloads::is_shape_file(from)) {
    throw InputError({arguments.to, "-o",
                      fmt::format("{} has shapes without values, which a trace cannot hold",
                                  printable(from.string())),
                      "name a .yaml file, or draw values: potomac trace synth"});
  } else {
    import_trace(arguments);
  }
}

void add_import_command(CLI::App& command) {
  auto arguments = std::make_shared<ImportArguments>();
  CLI::App* import = command.add_subcommand(
      "import", "Make another tool's file, or an older trace, one of Potomac's");
  import
      ->add_option("FILE", arguments->workload.name,
                   "SCALE-Sim topology (.csv) or configuration (.cfg), ONNX model (.onnx), or an "
                   "older trace (.h5)")
      ->required();
  import
      ->add_option("-o,--output", arguments->to,
                   "a model description or an architecture (.yaml), or a trace (.h5)")
      ->required()
      ->option_text("NEW REQUIRED");
  add_dimension_options(*import, arguments->workload);
  import->footer("Example:\n  potomac trace import Resnet18.csv -o resnet18.yaml");
  import->callback([arguments] { import_file(*arguments);
});
}  // namespace

}  // namespace potomac::sim

void add_trace_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("trace", "Look into workloads, convert other files");
  command->require_subcommand(1);
  add_import_command(*command);
  add_synth_command(*command);
  auto arguments = std::make_shared<InfoArguments>();
  CLI::App* info = command->add_subcommand(
      "info", "Layers, shapes, GEMMs, exponent histograms and zeros of a workload");
  add_workload_options(*info, arguments->workload);
  info->add_option("--format", arguments->format, "table is the default")
      ->option_text("table|json");
  info->footer("Example:\n  potomac trace info workloads/traces/fashion-cnn-b16.h5");
  info->callback([arguments] {
    const auto format = choose<TraceInfoFormat>(
        "--format", arguments->format,
        {{"table", TraceInfoFormat::kTable}, {"json", TraceInfoFormat::kJson}});
    print_trace_info(
        *workloads::open_workload(file_of(arguments->workload), dimensions_of(arguments->workload)),
        format, std::cout);
  });
}

}  // namespace potomac::sim
