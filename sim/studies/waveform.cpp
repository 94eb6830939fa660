#include "sim/studies/waveform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/engines/systemc/systemc_engine.hpp"
#include "sim/machine/cycles.hpp"
#include "sim/machine/schedule.hpp"
#include "sim/memory/pass_memory.hpp"
#include "sim/plan/fit.hpp"
#include "sim/plan/memory_plans.hpp"
#include "sim/studies/gtkwave.hpp"
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

// Blanks the time of day that SystemC writes at the head: the same run gives the same file.
void erase_date(const std::filesystem::path& file) {
  constexpr std::size_t kHead = 256;
  std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
  std::string head(kHead, '\0');
  stream.read(head.data(), static_cast<std::streamsize>(head.size()));
  stream.clear();
  constexpr std::string_view kDate = "$date";
  const std::size_t date = head.find(kDate);
  const std::size_t end = head.find("$end");
  if (date == std::string::npos || end == std::string::npos) {
    return;
  }
  stream.seekp(static_cast<std::streamoff>(date + kDate.size()));
  for (std::size_t i = date + kDate.size(); i < end; ++i) {
    stream.put(head[i] == '\n' ? '\n' : ' ');
  }
}

// The pass's first GEMM, alone: with a memory in its tiles, and held back by it.
class FirstGemm {
 public:
  // Precondition: the pass has a GEMM.
  FirstGemm(const workloads::Workload& workload, std::size_t layer, workloads::Pass pass,
            const Architecture& architecture)
      : architecture_(architecture), schedule_(schedule_of(workload, layer, pass)) {}

  const Schedule& schedule() const { return schedule_; }
  std::uint64_t cycles() {
    const std::unique_ptr<Pace> held_back = pace();
    return cycles_of(schedule_, architecture_.issue).total() +
           (held_back ? held_back->total_stalls(schedule_, architecture_.issue) : 0);
  }
  // Anew for each run; null if nothing holds the array back.
  std::unique_ptr<Pace> pace() {
    if (!architecture_.memory || !architecture_.memory->dram) {
      return nullptr;
    }
    return std::make_unique<MemoryPace>(architecture_, schedule_, first(), bits_);
  }

 private:
  // Of the first entry of the pass's GEMMs.
  std::span<GemmOperands> first() { return std::span(operands_).first(1); }

  Schedule schedule_of(const workloads::Workload& workload, std::size_t layer,
                       workloads::Pass pass) {
    const workloads::LayerShape& shape = workload.layers()[layer];
    workloads::GemmShape gemm = workloads::gemms_of(shape, pass, architecture_.lowering).front();
    gemm.count = 1;
    Blocking tiles = uncut(gemm);
    if (architecture_.memory) {
      operands_ = operands_of(shape, pass, architecture_.lowering);
      bits_ = mf_mac_bits(architecture_, workload, layer, pass);
      tiles = plan_memory(first(), architecture_, bits_, "MF-MAC", shape.name).tiles.front();
    }
    return {{gemm}, architecture_.array, architecture_.dataflow, {tiles}};
  }

  const Architecture& architecture_;
  std::vector<GemmOperands> operands_;
  ElementBits bits_;
  Schedule schedule_;
};

}  // namespace

std::vector<std::filesystem::path> waveform_files(const std::filesystem::path& vcd) {
  std::filesystem::path save = vcd;
  std::filesystem::path codes = vcd;
  return {vcd, save.replace_extension(".gtkw"), codes.replace_extension(".codes.txt")};
}

void check_waveform(const workloads::Workload& workload, const Architecture& architecture,
                    const WaveformRequest& request) {
  const std::size_t layer = find_waveform_layer(workload, request);
  require_fit(architecture, workload, layer, request.pass);
  require_systemc_array(architecture.array);
  const std::vector<workloads::GemmShape> gemms =
      workloads::gemms_of(workload.layers()[layer], request.pass, architecture.lowering);
  if (gemms.empty()) {
    throw InputError({workload.path().string(), "--vcd-gemm",
                      fmt::format("{}/{} has no GEMM: no input pixel meets an output",
                                  request.layer, workloads::name_of(request.pass)),
                      "choose another"});
  }
  if (request.cycles) {
    const std::uint64_t cycles = FirstGemm(workload, layer, request.pass, architecture).cycles();
    if (request.cycles->begin >= request.cycles->end || request.cycles->end > cycles) {
      throw InputError({workload.path().string(), "--vcd-cycles",
                        fmt::format("{}:{} is no window of the {} cycles that {}/{} takes",
                                    request.cycles->begin, request.cycles->end, cycles,
                                    request.layer, workloads::name_of(request.pass)),
                        fmt::format("write FROM:TO with FROM < TO <= {}", cycles)});
    }
  }
}

void write_waveform(const workloads::Workload& workload, const Architecture& architecture,
                    const WaveformRequest& request) {
  const std::vector<std::filesystem::path> names = waveform_files(request.file);
  AtomicFile file(names[0]);
  AtomicFile save(names[1]);
  AtomicFile codes(names[2]);
  {
    const std::size_t index = find_waveform_layer(workload, request);
    const std::optional<workloads::Layer> layer = workload.read(index);
    if (!layer) {
      throw InputError(
          {workload.path().string(), "--vcd-gemm", "the workload has no values", "name a trace"});
    }
    const workloads::LoweredPass operands(*layer, request.pass, architecture.lowering);
    FirstGemm first(workload, index, request.pass, architecture);
    const std::unique_ptr<Pace> pace = first.pace();
    WaveformOptions options{.file = file.temporary_path(), .begin = 0, .end = {}, .list = {}};
    if (request.cycles) {
      options.begin = request.cycles->begin;
      options.end = request.cycles->end;
    }
    options.list = [&](const std::vector<rtl::WaveformSignal>& signals) {
      const std::uint64_t period = clock_period_ps(architecture.clock_mhz);
      save.write(gtkwave_save_file(signals, names[0].filename(), names[2].filename(),
                                   options.begin * period, period));
    };
    const auto engine = make_systemc_engine(options);
    engine->run({.architecture = &architecture,
                 .schedule = &first.schedule(),
                 .operands = &operands,
                 .accumulator = require_fit(architecture, workload, index, request.pass),
                 .pace = pace.get()},
                {});
  }
  if (!ends_with(file.temporary_path(), kWaveformEnd)) {
    throw MachineError({request.file.string(), "", "the waveform could not be written to its end",
                        "free some disk space, or choose a smaller GEMM"});
  }
  erase_date(file.temporary_path());
  codes.write(gtkwave_codes(rtl::PotFormat(architecture.pe.operand_bits)));
  codes.commit();
  save.commit();
  file.commit();
}

}  // namespace potomac::sim
