#include "sim/studies/gemm_waveform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/engines/engines.hpp"
#include "sim/engines/systemc/systemc_engine.hpp"
#include "sim/engines/verilog/verilog_engine.hpp"
#include "sim/machine/cycles.hpp"
#include "sim/machine/schedule.hpp"
#include "sim/memory/memory_pace.hpp"
#include "sim/plan/pass_plans.hpp"
#include "sim/studies/gtkwave.hpp"
#include "sim/studies/waveform_frames.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

using workloads::LayerShape;

// The one pass that a waveform is wanted of.
PassList waveform_pass(const workloads::Workload& workload, const WaveformRequest& request) {
  const auto& layers = workload.layers();
  const auto found = std::ranges::find(layers, request.layer, &LayerShape::name);
  if (found == layers.end() ||
      std::ranges::count(workloads::passes_of(*found), request.pass) == 0) {
    throw InputError(
        {workload.path().string(), "--vcd-gemm",
         fmt::format("there is no pass {}/{}", request.layer, workloads::name_of(request.pass)),
         fmt::format("see its layers with: potomac trace info {}", workload.path().string())});
  }
  std::string pattern;  // the name itself, whatever it holds
  for (const char c : request.layer) {
    pattern += fmt::format("\\{}", c);
  }
  return {workload, {.layers = {pattern}, .passes = {request.pass}}};
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
  FirstGemm(const workloads::Workload& workload, const Architecture& architecture,
            const WaveformRequest& request, WorkerPool& pool)
      : list_(waveform_pass(workload, request)),
        plans_(list_, architecture, {}, pool),
        planned_(plans_.of(item())[kMfMacMachine]) {
    const Schedule& whole = *planned_.plan.schedule;
    if (whole.gemms().empty()) {
      throw InputError({workload.path().string(), "--vcd-gemm",
                        fmt::format("{}/{} has no GEMM: no input pixel meets an output",
                                    request.layer, workloads::name_of(request.pass)),
                        "choose another"});
    }
    workloads::GemmShape gemm = whole.gemms().front();
    gemm.count = 1;
    schedule_.emplace(std::vector{gemm}, architecture.array, architecture.dataflow,
                      std::vector{planned_.memory ? planned_.memory->tiles.front() : uncut(gemm)});
    if (planned_.memory) {
      operands_ = operands_of(list_.layer(item()), request.pass, architecture.lowering);
    }
  }

  const PassItem& item() const { return list_.items().front(); }
  const PassPlan& plan() const { return planned_.plan; }
  const Schedule& schedule() const { return *schedule_; }
  std::uint64_t cycles() {
    const Issue issue = plans_.architecture().issue;
    const std::unique_ptr<Pace> held_back = pace();
    return cycles_of(schedule(), issue).total() +
           (held_back ? held_back->total_stalls(schedule(), issue) : 0);
  }
  // Anew for each run; null if nothing holds the array back.
  std::unique_ptr<Pace> pace() {
    const Architecture& architecture = plans_.architecture();
    if (!architecture.memory || !architecture.memory->dram) {
      return nullptr;
    }
    return std::make_unique<MemoryPace>(architecture, schedule(), std::span(operands_).first(1),
                                        planned_.memory->bits);
  }

 private:
  PassList list_;
  PassPlans plans_;
  const PlannedPass& planned_;
  std::vector<GemmOperands> operands_;  // of the entries of the pass's GEMMs
  std::optional<Schedule> schedule_;
};

}  // namespace

std::vector<std::filesystem::path> waveform_files(const WaveformRequest& request) {
  if (request.verilog) {
    return {request.file};
  }
  std::filesystem::path save = request.file;
  std::filesystem::path codes = request.file;
  return {request.file, save.replace_extension(".gtkw"), codes.replace_extension(".codes.txt")};
}

void check_waveform(const workloads::Workload& workload, const Architecture& architecture,
                    const WaveformRequest& request, WorkerPool& pool) {
  require_buildable(engine_named(request.verilog ? "verilog" : "systemc"), architecture.array);
  if (request.verilog) {
    require_compilable({.shape = architecture.array, .form = ArrayParameters::Form::kVcd});
  }
  FirstGemm first(workload, architecture, request, pool);
  if (request.cycles) {
    const std::uint64_t cycles = first.cycles();
    if (request.cycles->begin >= request.cycles->end || request.cycles->end > cycles) {
      throw InputError({workload.path().string(), "--vcd-cycles",
                        fmt::format("{}:{} is no window of the {} cycles that {}/{} takes",
                                    request.cycles->begin, request.cycles->end, cycles,
                                    request.layer, workloads::name_of(request.pass)),
                        fmt::format("write FROM:TO with FROM < TO <= {}", cycles)});
    }
  }
}

namespace {

void write_of_verilog(FirstGemm& first, const Architecture& architecture, const Job& job,
                      const WaveformRequest& request, const Caller& caller) {
  AtomicFile file(request.file);
  VerilogWaveform waveform{.file = file.temporary_path(),
                           .begin = 0,
                           .end = first.cycles() + 1,  // behind the last, all that it made is there
                           .period_ps = clock_period_ps(architecture.clock_mhz)};
  if (request.cycles) {
    waveform.begin = request.cycles->begin;
    waveform.end = request.cycles->end;
  }
  ArrayCompilation compilation;
  compilation.say = [&caller](const std::string& line) { caller.tell(line); };
  write_verilog_waveform(job, waveform, std::move(compilation));
  file.commit();
}

}  // namespace

std::optional<ArrayFrames> write_waveform(const workloads::Workload& workload,
                                          const Architecture& architecture,
                                          const WaveformRequest& request, const Caller& caller) {
  std::optional<ArrayFrames> frames;
  FirstGemm first(workload, architecture, request, caller.pool);
  const std::optional<workloads::Layer> layer = workload.read(first.item().layer);
  if (!layer) {
    throw InputError(
        {workload.path().string(), "--vcd-gemm", "the workload has no values", "name a trace"});
  }
  const workloads::LoweredPass operands(*layer, request.pass, architecture.lowering);
  const std::unique_ptr<Pace> pace = first.pace();
  const Job job{.architecture = &architecture,
                .schedule = &first.schedule(),
                .operands = &operands,
                .accumulator = first.plan().accumulator,
                .pace = pace.get()};
  if (request.verilog) {
    write_of_verilog(first, architecture, job, request, caller);
    return frames;
  }
  const std::vector<std::filesystem::path> names = waveform_files(request);
  AtomicFile file(names[0]);
  AtomicFile save(names[1]);
  AtomicFile codes(names[2]);
  {
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
    make_systemc_engine(options)->run(job, {});
    if (request.frames) {
      frames = frames_of(file.temporary_path(),
                         fmt::format("{} {}", request.layer, workloads::name_of(request.pass)),
                         architecture, first.plan().accumulator, options.begin);
    }
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
  return frames;
}

}  // namespace potomac::sim
