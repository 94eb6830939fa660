// `potomac run`: a workload through one machine.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/cli/progress.hpp"
#include "sim/cli/workload_options.hpp"
#include "sim/plan/engine_choice.hpp"
#include "sim/plan/pass_list.hpp"
#include "sim/reports/html_page.hpp"
#include "sim/reports/run_table.hpp"
#include "sim/reports/write_reports.hpp"
#include "sim/results/page_json.hpp"
#include "sim/results/store/result_store.hpp"
#include "sim/results/timeline_json.hpp"
#include "sim/studies/run.hpp"
#include "sim/studies/shipped.hpp"
#include "sim/studies/stored_run.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"
#include "support/folder_lock.hpp"
#include "support/output_files.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {
namespace {

struct RunArguments {
  WorkloadArguments workload;
  MachineArguments machine;
  std::string out;
  std::string engine;
  std::vector<std::string> layers;
  std::vector<std::string> passes;
  std::vector<std::string> tables;
  std::vector<std::string> rivals;
  std::string accounting = "operation";
  std::string step;
  std::string dump_outputs;
  std::string density;
  std::string vcd;
  std::string vcd_gemm;
  std::string vcd_cycles;
  std::string timeline;
  std::string timeline_cycles;
  std::string html;
  std::string store;
  bool keeps_passes = false;
  std::string pe_map;
  bool simulate_baseline = false;
  bool toggles = false;
  unsigned threads = 0;
};

// `text` of `option`: FROM and TO, the cycle behind the last.
CycleWindow cycle_window(const std::string& text, const std::string& option) {
  CycleWindow window;
  const char* const end = text.data() + text.size();
  const auto from = std::from_chars(text.data(), end, window.begin);
  const bool colon = from.ec == std::errc() && from.ptr != end && *from.ptr == ':';
  const auto to = colon ? std::from_chars(from.ptr + 1, end, window.end) : from;
  if (!colon || to.ec != std::errc() || to.ptr != end) {
    throw InputError({"", option, fmt::format("'{}' is not FROM:TO", text),
                      "write two cycle numbers, like 100:200"});
  }
  return window;
}

// `text` of `option`: LAYER/PASS.
std::pair<std::string, workloads::Pass> layer_and_pass(const std::string& text,
                                                       const std::string& option) {
  const std::size_t slash = text.rfind('/');
  const auto names = by_name(workloads::kPasses);
  const auto pass = slash == std::string::npos ? names.end() : names.find(text.substr(slash + 1));
  if (pass == names.end()) {
    throw InputError({"", option, fmt::format("'{}' is not LAYER/PASS", printable(text)),
                      "write it like 000-conv1/forward"});
  }
  return {text.substr(0, slash), pass->second};
}

WaveformRequest waveform_request(const RunArguments& arguments) {
  const auto [layer, pass] = layer_and_pass(arguments.vcd_gemm, "--vcd-gemm");
  const bool verilog = arguments.engine == "verilog";
  if (!arguments.vcd.ends_with(".vcd") && !(verilog && arguments.vcd.ends_with(".fst"))) {
    throw InputError({arguments.vcd, "--vcd", "does not end in .vcd",
                      "name it FILE.vcd, or with --engine verilog FILE.fst"});
  }
  return {arguments.vcd,
          layer,
          pass,
          arguments.vcd_cycles.empty()
              ? std::nullopt
              : std::optional(cycle_window(arguments.vcd_cycles, "--vcd-cycles")),
          !arguments.html.empty() && !verilog,
          verilog};
}

// The timeline that is asked for, or else that of one pass if there is to be a page.
std::optional<TimelineOptions> timeline_options(const RunArguments& arguments) {
  if (arguments.timeline.empty() && arguments.html.empty()) {
    return std::nullopt;
  }
  TimelineOptions options;
  if (arguments.timeline.empty()) {
    options.longest_pass = true;
    options.most_slices = kMostPageSlices;
  } else if (!arguments.timeline_cycles.empty()) {
    options.window = cycle_window(arguments.timeline_cycles, "--timeline-cycles");
    if (options.window->begin >= options.window->end) {
      throw InputError({"", "--timeline-cycles",
                        fmt::format("'{}' has no cycle", arguments.timeline_cycles),
                        "TO is the cycle behind the last"});
    }
  }
  return options;
}

// Before the work: it is held in memory till it is written.
void warn_of_large_report(const workloads::Workload& workload, const Selection& selection) {
  constexpr double kGbOfPass = 22e-6;  // of two machines, measured
  constexpr double kManyGb = 4.0;
  const std::size_t passes = PassList(workload, selection).items().size();
  const double gb = kGbOfPass * static_cast<double>(passes);
  if (gb > kManyGb) {
    std::cerr << fmt::format(
        "potomac: a report of {} passes takes about {:.0f} GB of memory; --layers and --passes "
        "choose some\n",
        passes, gb);
  }
}

void write_for_eyes(const RunArguments& arguments, RunResult result) {
  if (!arguments.timeline.empty()) {
    make_folder_of(arguments.timeline);
    write_file_atomically(arguments.timeline, timeline_json(*result.timeline));
    std::cout << timeline_text(*result.timeline, printable(arguments.timeline, kWhole));
  }
  if (!arguments.html.empty()) {
    const NamedRun named{printable(arguments.out, kWhole), std::move(result)};
    write_page(arguments.html, html_page({&named, 1}));
    std::cout << fmt::format("page: {}\n", printable(arguments.html, kWhole));
  }
}

void execute(const RunArguments& arguments) {
  RunOptions options;
  options.architecture = machine_of(arguments.machine);
  if (!arguments.engine.empty()) {
    options.engine = choose("--engine", arguments.engine, engine_names());
  }
  options.rivals = rivals_named(arguments.rivals, "--against");
  if (!arguments.density.empty()) {
    options.assumed = parse_densities(arguments.density);
  }
  if (!arguments.layers.empty()) {
    options.selection.layers = arguments.layers;
  }
  if (!arguments.passes.empty()) {
    options.selection.passes.clear();
    for (const std::string& pass : arguments.passes) {
      options.selection.passes.push_back(choose("--passes", pass, by_name(workloads::kPasses)));
    }
  }
  options.simulate_baseline = arguments.simulate_baseline;
  options.toggles = arguments.toggles;
  auto tables = arguments.tables;
  if (tables.empty()) {
    tables.emplace_back(kDefaultTable);
  }
  std::vector<std::filesystem::path> inputs = table_files(tables);
  options.prices = {energy::load_unit_energy_tables(inputs),
                    accountings_for(arguments.accounting, "--accounting")};
  if (!arguments.step.empty()) {
    options.step = choose("--step", arguments.step, by_name(kOptimizers));
  }
  std::vector<std::string> files = {"layers.csv", "report.json"};
  if (!arguments.pe_map.empty()) {
    const auto [layer, pass] = layer_and_pass(arguments.pe_map, "--pe-map");
    options.pe_map = {layer, pass};
    files.emplace_back("pe_map.csv");
  }
  std::vector<Output> outputs = outputs_in(arguments.out, "--out", files);
  if (!arguments.dump_outputs.empty()) {
    options.dump_outputs = arguments.dump_outputs;
    outputs.push_back({arguments.dump_outputs, "--dump-outputs"});
  }
  if (!arguments.store.empty()) {
    const auto store = outputs_in(arguments.store, "--store", {kStoreFile});
    outputs.insert(outputs.end(), store.begin(), store.end());
  }
  if (!arguments.vcd.empty()) {
    options.waveform = waveform_request(arguments);
    for (const std::filesystem::path& file : waveform_files(*options.waveform)) {
      outputs.push_back({file, "--vcd"});
    }
  }
  options.timeline = timeline_options(arguments);
  if (!arguments.timeline.empty()) {
    outputs.push_back({arguments.timeline, "--timeline"});
  }
  if (!arguments.html.empty()) {
    outputs.push_back({arguments.html, "--html"});
  }
  const std::filesystem::path file = file_of(arguments.workload);
  inputs.insert(inputs.end(), {architecture_file(arguments.machine.architecture), file});
  check_outputs(outputs, inputs);
  const auto workload = workloads::open_workload(file, dimensions_of(arguments.workload));
  const FolderLock lock(arguments.out);
  warn_of_large_report(*workload, options.selection);
  const bool steps = engine_for(*workload, options.engine).steps;
  WorkerPool pool(steps ? 1 : arguments.threads);
  Progress progress(pool.threads());
  RunResult result = run(*workload, options, {pool, &progress});
  progress.end();
  write_reports(result, arguments.out);
  if (!arguments.store.empty()) {
    // The folder of the reports is locked already.
    std::error_code unknown;
    std::optional<FolderLock> of_store;
    if (!std::filesystem::equivalent(arguments.store, arguments.out, unknown)) {
      of_store.emplace(arguments.store);
    }
    ResultStore store(arguments.store);
    keep_run(store, *workload, options, result, arguments.keeps_passes);
  }
  std::cout << fmt::format("{}\nreport: {}/report.json, {}/layers.csv\n",
                           run_table(result, text_form_of_terminal()),
                           printable(arguments.out, kWhole), printable(arguments.out, kWhole));
  if (result.pe_map) {
    std::cout << fmt::format("PE by PE: {}/pe_map.csv\n", printable(arguments.out, kWhole));
  }
  write_for_eyes(arguments, std::move(result));
}

}  // namespace

void add_run_command(CLI::App& app) {
  auto arguments = std::make_shared<RunArguments>();
  CLI::App* command = app.add_subcommand("run", "Simulate a workload: cycles, actions, energy");
  add_workload_options(*command, arguments->workload);
  add_machine_options(*command, arguments->machine);
  command->add_option("--out", arguments->out, "folder for report.json and layers.csv")
      ->required()
      ->option_text("DIR REQUIRED");
  add_engine_option(*command, arguments->engine);
  command
      ->add_option("--layers", arguments->layers, "only layers whose name matches; may be repeated")
      ->option_text("GLOB")
      ->take_all()
      ->expected(1);
  command
      ->add_option("--passes", arguments->passes,
                   "only these: forward,backward-data,backward-weight")
      ->delimiter(',')
      ->option_text("LIST");
  command
      ->add_option("--energy", arguments->tables,
                   fmt::format("unit-energy table, by name or file; may be repeated (default: {})",
                               kDefaultTable))
      ->option_text("TABLE")
      ->take_all()
      ->expected(1);
  add_accounting_option(*command, arguments->accounting);
  add_against_option(*command, arguments->rivals);
  command
      ->add_option("--step", arguments->step,
                   "the whole training step with this optimizer: quantizing and updating weights "
                   "besides")
      ->option_text("sgd-momentum|adam");
  command
      ->add_option("--dump-outputs", arguments->dump_outputs,
                   "write every GEMM's accumulators to this HDF5 file")
      ->option_text("FILE.h5");
  command->add_flag("--simulate-baseline", arguments->simulate_baseline,
                    "run the FP32 array too, instead of counting its actions in closed form; its "
                    "results go to --dump-outputs");
  command->add_flag("--toggles", arguments->toggles,
                    "count the register bits that change, in both arrays (several times slower)");
  command
      ->add_option("--density", arguments->density,
                   "where there are no values, assume this part of each tensor not to be zero; "
                   "reported apart")
      ->option_text("W=X,A=X,G=X");
  CLI::Option* vcd = command->add_option("--vcd", arguments->vcd,
                                         "write a waveform of one GEMM's array: SystemC's, or "
                                         "with --engine verilog the one in SystemVerilog");
  vcd->option_text("FILE.vcd|FILE.fst");
  command->add_option("--vcd-gemm", arguments->vcd_gemm, "which GEMM, as LAYER/PASS")
      ->needs(vcd)
      ->option_text("LAYER/PASS");
  vcd->needs(command->get_option("--vcd-gemm"));
  command
      ->add_option("--vcd-cycles", arguments->vcd_cycles,
                   "only cycles FROM to TO - 1 of it (default: all)")
      ->needs(vcd)
      ->option_text("FROM:TO");
  command
      ->add_option("--pe-map", arguments->pe_map,
                   "count one pass PE by PE (MACs, zero-gated; with --toggles bits that change): "
                   "DIR/pe_map.csv, and the page's heat map")
      ->option_text("LAYER/PASS");
  CLI::Option* timeline =
      command->add_option("--timeline", arguments->timeline,
                          "write what arrays, DMA engines and DRAM do, cycle by cycle, as Chrome "
                          "trace events (Perfetto)");
  timeline->option_text("FILE.json");
  command
      ->add_option(
          "--timeline-cycles", arguments->timeline_cycles,
          fmt::format("only what has a part in a machine's cycles FROM to TO - 1 (default: "
                      "from 0 on, up to {} slices a machine)",
                      TimelineOptions{}.most_slices))
      ->needs(timeline)
      ->option_text("FROM:TO");
  CLI::Option* store = command->add_option(
      "--store", arguments->store,
      "put the run into the store of this folder too, beside others and sweeps: "
      "DIR/results.sqlite");
  store->option_text("DIR");
  command->add_flag("--keep-passes", arguments->keeps_passes, "store every pass besides the totals")
      ->needs(store);
  command
      ->add_option("--html", arguments->html,
                   "write a page to look at, one file that needs nothing else")
      ->option_text("FILE.html");
  command->add_option("--threads", arguments->threads, "0 (default): all cores")
      ->option_text("N")
      ->check(CLI::Range(0, 1024));
  command->footer(
      "Example:\n  potomac run workloads/traces/fashion-cnn-b16.h5 "
      "--arch sim/architectures/os-16x16.yaml --out out");
  command->callback([arguments] { execute(*arguments); });
}

}  // namespace potomac::sim
