#include "sim/studies/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include "sim/engines/systemc/systemc_engine.hpp"
#include "sim/reports/layers_csv.hpp"
#include "sim/reports/report_json.hpp"
#include "sim/studies/output_dump.hpp"
#include "sim/studies/progress.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

using workloads::LayerShape;
using workloads::Pass;

// Position of the layer that a waveform is wanted of.
std::size_t find_waveform_layer(const workloads::TraceReader& trace,
                                const WaveformRequest& request) {
  const auto& layers = trace.layers();
  const auto found = std::ranges::find(layers, request.layer, &LayerShape::name);
  if (found == layers.end() ||
      std::ranges::count(workloads::passes_of(*found), request.pass) == 0) {
    throw InputError(
        {trace.path().string(), "--vcd-gemm",
         fmt::format("there is no GEMM {}/{}", request.layer, workloads::name_of(request.pass)),
         fmt::format("see its layers with: potomac trace info {}", trace.path().string())});
  }
  return static_cast<std::size_t>(std::distance(layers.begin(), found));
}

// A disk that filled leaves a waveform without its last line, and SystemC does not say so.
bool ends_with(const std::filesystem::path& file, std::string_view text) {
  constexpr std::streamoff kTail = 4096;
  std::ifstream stream(file, std::ios::binary | std::ios::ate);
  const std::streamoff size = stream.tellg();
  std::string tail(static_cast<std::size_t>(std::clamp<std::streamoff>(size, 0, kTail)), '\0');
  stream.seekg(size - static_cast<std::streamoff>(tail.size()));
  stream.read(tail.data(), static_cast<std::streamsize>(tail.size()));
  return stream.good() && tail.find(text) != std::string::npos;
}

void write_waveform(const workloads::TraceReader& trace, const RunOptions& options,
                    const WaveformRequest& request) {
  AtomicFile file(request.file);
  {
    const workloads::Layer layer = trace.read(find_waveform_layer(trace, request));
    const auto engine = make_systemc_engine(options.architecture, file.temporary_path());
    engine->run_mf_mac(workloads::lower(layer, request.pass, 0), {});
  }
  if (!ends_with(file.temporary_path(), kWaveformEnd)) {
    throw MachineError({request.file.string(), "", "the waveform could not be written to its end",
                        "free some disk space, or choose a smaller GEMM"});
  }
  file.commit();
}

// All that can be known to be wrong before the work begins.
void check(const workloads::TraceReader& trace, const RunOptions& options) {
  require_fit(options.architecture, trace, options.selection);
  const auto check_output = [&](const std::filesystem::path& file, std::string_view option) {
    refuse_to_overwrite(file, option, options.inputs);
    refuse_to_overwrite(file, option, std::array{options.trace});
    const AtomicFile probe(file);
  };
  if (options.dump_outputs) {
    check_output(*options.dump_outputs, "--dump-outputs");
  }
  if (options.waveform) {
    check_output(options.waveform->file, "--vcd");
    const std::size_t layer = find_waveform_layer(trace, *options.waveform);
    require_fit(options.architecture, trace, layer, options.waveform->pass);
    make_systemc_engine(options.architecture);
  }
}

}  // namespace

std::string_view name_of(EngineKind engine) {
  return engine == EngineKind::kSystemC ? "systemc" : "fast";
}

RunResult run(const RunOptions& options) {
  const workloads::TraceReader trace(options.trace);
  check(trace, options);
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
    Progress progress(options.selection.macs_of(trace.layers()) *
                      (options.simulate_baseline ? 2 : 1));
    const WorkDone advance = [&](const std::string& layer, Pass pass, std::uint64_t macs) {
      progress.advance(macs, fmt::format("{} {}", layer, workloads::name_of(pass)));
    };
    for (std::size_t i = 0; i < trace.layers().size(); ++i) {
      if (!options.selection.passes_of(trace.layers()[i]).empty()) {
        simulation.add(trace.read(i), options.selection, dump ? &*dump : nullptr, advance);
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
  // report.json last: whoever finds it finds a whole run.
  write_files_atomically(
      std::array<NamedContent, 2>{{{directory / "layers.csv", layers_csv(result)},
                                   {directory / "report.json", json_text(report_json(result))}}});
}

}  // namespace potomac::sim
