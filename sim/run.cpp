#include "sim/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/layers_csv.hpp"
#include "sim/output_dump.hpp"
#include "sim/progress.hpp"
#include "sim/report_json.hpp"
#include "sim/systemc/systemc_engine.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

using workloads::LayerShape;
using workloads::Pass;

std::vector<Pass> selected_passes(const LayerShape& layer, const Selection& selection) {
  std::vector<Pass> passes;
  if (selection.wants_layer(layer.name)) {
    for (const Pass pass : workloads::passes_of(layer)) {
      if (selection.wants(pass)) {
        passes.push_back(pass);
      }
    }
  }
  return passes;
}

std::uint64_t selected_macs(const workloads::TraceReader& trace, const Selection& selection) {
  std::uint64_t macs = 0;
  bool any = false;
  for (const LayerShape& layer : trace.layers()) {
    for (const Pass pass : selected_passes(layer, selection)) {
      macs += static_cast<std::uint64_t>(workloads::gemm_shape(layer, pass).macs());
      any = true;
    }
  }
  if (!any) {
    throw InputError(
        {trace.path().string(), "",
         fmt::format("nothing is selected by --layers '{}' and these passes", selection.layers),
         fmt::format("see its layers with: potomac trace info {}", trace.path().string())});
  }
  return macs;
}

void write_waveform(const workloads::TraceReader& trace, const RunOptions& options,
                    const WaveformRequest& request) {
  const auto& layers = trace.layers();
  const auto found = std::ranges::find(layers, request.layer, &LayerShape::name);
  if (found == layers.end() ||
      std::ranges::count(workloads::passes_of(*found), request.pass) == 0) {
    throw InputError(
        {trace.path().string(), "--vcd",
         fmt::format("there is no GEMM {}/{}", request.layer, workloads::name_of(request.pass)),
         fmt::format("see its layers with: potomac trace info {}", trace.path().string())});
  }
  AtomicFile file(request.file);
  // SystemC insists on its own extension.
  std::filesystem::path temporary = file.temporary_path();
  temporary += ".vcd";
  try {
    const workloads::Layer layer =
        trace.read(static_cast<std::size_t>(std::distance(layers.begin(), found)));
    const auto engine = make_systemc_engine(options.architecture, temporary);
    engine->run_mf_mac(workloads::lower(layer, request.pass, 0), {});
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
  std::filesystem::rename(temporary, file.temporary_path());
  file.commit();
}

}  // namespace

std::string_view name_of(EngineKind engine) {
  return engine == EngineKind::kSystemC ? "systemc" : "fast";
}

RunResult run(const RunOptions& options) {
  const workloads::TraceReader trace(options.trace);
  RunResult result;
  result.engine = options.engine;
  result.architecture = options.architecture;
  result.trace = options.trace;
  result.workload = trace.info();

  std::optional<OutputDump> dump;
  if (options.dump_outputs) {
    dump.emplace(*options.dump_outputs, options.simulate_baseline);
  }
  Simulation simulation(options.architecture,
                        make_engine(options.engine, options.architecture, options.threads),
                        options.simulate_baseline);
  {
    Progress progress(selected_macs(trace, options.selection));
    const GemmDone advance = [&](const std::string& layer, Pass pass, std::uint64_t macs) {
      progress.advance(macs, fmt::format("{} {}", layer, workloads::name_of(pass)));
    };
    for (std::size_t i = 0; i < trace.layers().size(); ++i) {
      if (!selected_passes(trace.layers()[i], options.selection).empty()) {
        try {
          simulation.add(trace.read(i), options.selection, dump ? &*dump : nullptr, advance);
        } catch (const InputError& error) {
          // What is wrong between a machine and a layer does not know the trace's file.
          Fault fault = error.fault();
          fault.file = fault.file.empty() ? options.trace.string() : fault.file;
          throw InputError(fault);
        }
      }
    }
  }
  if (options.waveform) {
    write_waveform(trace, options, *options.waveform);
  }
  if (dump) {
    dump->finish();
  }
  result.gemms = simulation.records();
  result.totals = total_of(result.gemms);
  for (const energy::UnitEnergyTable& table : options.tables) {
    result.energy.push_back(price(table, result.gemms));
  }
  return result;
}

void write_reports(const RunResult& result, const std::filesystem::path& directory) {
  make_output_directory(directory);
  write_file_atomically(directory / "layers.csv", layers_csv(result));
  // Last: whoever finds report.json finds a whole run.
  write_file_atomically(directory / "report.json", report_json(result).dump(1) + "\n");
}

}  // namespace potomac::sim
