#include "sim/studies/waveform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "sim/engines/systemc/systemc_engine.hpp"
#include "sim/studies/fit.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

using workloads::LayerShape;

// Position of the layer that a waveform is wanted of.
std::size_t find_waveform_layer(const workloads::Workload& workload,
                                const WaveformRequest& request) {
  const auto& layers = workload.layers();
  const auto found = std::ranges::find(layers, request.layer, &LayerShape::name);
  if (found == layers.end() ||
      std::ranges::count(workloads::passes_of(*found), request.pass) == 0) {
    throw InputError(
        {workload.path().string(), "--vcd-gemm",
         fmt::format("there is no pass {}/{}", request.layer, workloads::name_of(request.pass)),
         fmt::format("see its layers with: potomac trace info {}", workload.path().string())});
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

}  // namespace

void check_waveform(const workloads::Workload& workload, const Architecture& architecture,
                    const WaveformRequest& request) {
  const std::size_t layer = find_waveform_layer(workload, request);
  require_fit(architecture, workload, layer, request.pass);
  require_systemc_array(architecture.array);
  if (workloads::gemms_of(workload.layers()[layer], request.pass, architecture.lowering).empty()) {
    throw InputError({workload.path().string(), "--vcd-gemm",
                      fmt::format("{}/{} has no GEMM: no input pixel meets an output",
                                  request.layer, workloads::name_of(request.pass)),
                      "choose another"});
  }
}

void write_waveform(const workloads::Workload& workload, const Architecture& architecture,
                    const WaveformRequest& request) {
  AtomicFile file(request.file);
  {
    const std::size_t index = find_waveform_layer(workload, request);
    const std::optional<workloads::Layer> layer = workload.read(index);
    if (!layer) {
      throw InputError(
          {workload.path().string(), "--vcd-gemm", "the workload has no values", "name a trace"});
    }
    const workloads::LoweredPass operands(*layer, request.pass, architecture.lowering);
    workloads::GemmShape first = operands.shapes().front();
    first.count = 1;
    const Schedule schedule({first}, architecture.array, architecture.dataflow);
    const auto engine = make_systemc_engine(file.temporary_path());
    engine->run({.architecture = &architecture,
                 .schedule = &schedule,
                 .operands = &operands,
                 .accumulator = require_fit(architecture, workload, index, request.pass)},
                {});
  }
  if (!ends_with(file.temporary_path(), kWaveformEnd)) {
    throw MachineError({request.file.string(), "", "the waveform could not be written to its end",
                        "free some disk space, or choose a smaller GEMM"});
  }
  file.commit();
}

}  // namespace potomac::sim
