#include "sim/engines/systemc/systemc_engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "rtl_models/systemc/mac_units.hpp"
#include "rtl_models/systemc/simulation_context.hpp"
#include "rtl_models/systemc/waveform.hpp"
#include "sim/engines/interface/widening.hpp"
#include "sim/engines/stepping/array_run.hpp"
#include "sim/engines/stepping/fold_buffer.hpp"
#include "sim/engines/systemc/output_stationary_system.hpp"
#include "sim/engines/systemc/stationary_system.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

// One elaborated system in a context of its own.
template <typename Unit>
class SystemHolder {
 public:
  using Value = typename Unit::Value;

  // `modules` may be empty.
  SystemHolder(const Architecture& architecture, const MakeSystemModules& modules)
      : shape_(architecture.array),
        dataflow_(architecture.dataflow),
        issue_(architecture.issue),
        clock_mhz_(architecture.clock_mhz) {
    const rtl::SimulationContext::Use use(context_);
    const sc_core::sc_time period(static_cast<double>(clock_period_ps(clock_mhz_)), sc_core::SC_PS);
    if (keeps_sums(dataflow_)) {
      system_ = std::make_unique<OutputStationarySystem<Unit>>("potomac", shape_, issue_, period);
    } else {
      system_ =
          std::make_unique<StationarySystem<Unit>>("potomac", shape_, dataflow_, issue_, period);
    }
    if (modules) {
      modules_ = modules(system_->clock());
    }
  }

  ~SystemHolder() {
    const rtl::SimulationContext::Use use(context_);
    modules_.reset();
    system_.reset();
  }
  SystemHolder(const SystemHolder&) = delete;
  SystemHolder& operator=(const SystemHolder&) = delete;

  // Whether the system is this machine's: all else is set pass by pass.
  bool serves(const Architecture& architecture) const {
    return architecture.array == shape_ && architecture.dataflow == dataflow_ &&
           architecture.issue == issue_ && architecture.clock_mhz == clock_mhz_;
  }

  // Of the pass that ran last.
  PeMap pe_map() const {
    PeMap map(shape_);
    const std::vector<rtl::PeCounters> counters = system_->counters_of_pes();
    std::ranges::transform(counters, map.pes.begin(), [](const rtl::PeCounters& pe) {
      return PeActivity{pe.slots, pe.gated,
                        pe.operand_toggles + pe.stationary_toggles + pe.accumulator_toggles +
                            pe.shadow_toggles + pe.psum_toggles};
    });
    return map;
  }

  // `waveform` may be null.
  ArrayRun run(const Job& job, const WaveformOptions* waveform, const typename Unit::Config& config,
               OperandSource<typename Unit::Operand> first,
               OperandSource<typename Unit::Operand> second,
               const std::function<void(const ResultTile<Value>&)>& sink, const MacsDone& done) {
    if (job.schedule->gemms().empty()) {
      return {};
    }
    const rtl::SimulationContext::Use use(context_);
    FoldBuffer<Value> buffer(sink, done);
    system_->start(
        {.schedule = *job.schedule,
         .config = config,
         .first = std::move(first),
         .second = std::move(second),
         .pace = modules_ ? modules_->begin(job.pace) : job.pace,
         .take = [&buffer](const ResultPlace& place, Value value) { buffer.take(place, value); }});
    if (waveform != nullptr) {
      simulate_with_waveform(*waveform, job);
    }
    if (!system_->finished()) {
      sc_core::sc_start();
    }
    if (modules_) {
      modules_->end();
    }
    require_all_results(job, system_->results_received());
    return {system_->cycles(),
            system_->pe_cycles(),
            system_->counters(),
            system_->skew_register_writes(),
            system_->row_skew_register_writes(),
            system_->skew_register_toggles()};
  }

 private:
  void simulate_with_waveform(const WaveformOptions& options, const Job& job) {
    const std::uint64_t period = clock_period_ps(clock_mhz_);
    // Runs to just before a cycle's clock edge.
    const auto run_to = [&](std::uint64_t cycle) {
      sc_core::sc_start(sc_core::sc_time::from_value(cycle * period - 1) -
                        sc_core::sc_time_stamp());
    };
    if (options.begin > 0) {
      run_to(options.begin);
    } else {
      sc_core::sc_start(sc_core::SC_ZERO_TIME);  // wires can be read once elaboration is over
    }
    // SystemC would tell of the time unit on stdout.
    sc_core::sc_report_handler::set_actions("tracing timescale unit set", sc_core::SC_DO_NOTHING);
    // SystemC appends the extension itself.
    sc_core::sc_trace_file* const file = sc_core::sc_create_vcd_trace_file(
        (options.file.parent_path() / options.file.stem()).c_str());
    file->set_time_unit(1, sc_core::SC_PS);
    const PeConfig& pe = job.architecture->pe;
    const bool moves_down = keeps_first(dataflow_);  // the first operand
    const int first = pe.operand_bits + aligned_bits(pe);
    rtl::Waveform waveform(file, {.row_operand = moves_down ? pe.operand_bits : first,
                                  .column_operand = moves_down ? first : pe.operand_bits,
                                  .value = pe.accumulator.bits});
    system_->trace_registers(waveform);
    if (options.end) {
      run_to(*options.end);
    } else {
      sc_core::sc_start();
    }
    file->write_comment(kWaveformEnd);
    sc_core::sc_close_vcd_trace_file(file);
    options.list(waveform.signals());
  }

  rtl::SimulationContext context_;
  ArrayShape shape_;
  Dataflow dataflow_;
  Issue issue_;
  double clock_mhz_;
  std::unique_ptr<ArraySystem<Unit>> system_;
  std::unique_ptr<SystemModules> modules_;
};

class SystemCEngine : public Engine {
 public:
  SystemCEngine(std::optional<WaveformOptions> waveform, MakeSystemModules modules)
      : waveform_(std::move(waveform)), modules_(std::move(modules)) {}

  PassCounts run(const Job& job, const Detail& detail) override {
    assert(job.unit == Unit::kMfMac || job.unit == Unit::kFp32Mac);
    require_systemc_array(job.architecture->array);
    if (job.operands == nullptr) {
      throw InputError({"", "--engine systemc", "needs values, and this workload has shapes only",
                        "use --engine fast"});
    }
    try {
      return job.unit == Unit::kMfMac ? run_mf_mac(job, detail) : run_fp32(job, detail);
    } catch (...) {
      // An array that stands still amid a pass is of no use to the next.
      mf_mac_.reset();
      aligned_.reset();
      fp32_.reset();
      throw;
    }
  }

 private:
  template <typename U>
  SystemHolder<U>& system_for(std::unique_ptr<SystemHolder<U>>& holder,
                              const Architecture& architecture) const {
    if (!holder || !holder->serves(architecture)) {
      holder.reset();
      holder = std::make_unique<SystemHolder<U>>(architecture, modules_);
    }
    return *holder;
  }

  template <typename Operand>
  static OperandSource<Operand> source(const Job& job, WhichOperand which,
                                       const std::array<Operand, 256>& translation) {
    return {*job.operands, which, translation};
  }

  PassCounts run_mf_mac(const Job& job, const Detail& detail) {
    const PeConfig& pe = job.architecture->pe;
    const rtl::PotFormat format(pe.operand_bits);
    const rtl::MfMacUnit::Config unit{format, job.accumulator, pe.zero_gating};
    const auto first = widening(job.operands->first().format(), format);
    const auto second = widening(job.operands->second().format(), format);
    const auto waveform = std::exchange(waveform_, std::nullopt);
    const WaveformOptions* const wave = waveform ? &*waveform : nullptr;
    if (pe.overrides.empty() && !pe.accumulator.lsb.is_auto()) {
      auto& system = system_for(mf_mac_, *job.architecture);
      const auto run =
          system.run(job, wave, unit, source(job, WhichOperand::kFirst, first),
                     source(job, WhichOperand::kSecond, second), detail.accumulators, detail.done);
      tell_pes(system, job, detail);
      return counts_of(run, job, detail);
    }
    const rtl::AlignedFormat plain(format);
    const rtl::AlignedFormat aligned = aligned_format(job);
    const bool moves_down = keeps_first(job.architecture->dataflow);  // the first operand
    const rtl::AlignedMacUnit::Config config{.unit = unit,
                                             .along_rows = moves_down ? plain : aligned,
                                             .along_columns = moves_down ? aligned : plain,
                                             .sum_bits = pe.accumulator.bits};
    auto& system = system_for(aligned_, *job.architecture);
    const auto run = system.run(job, wave, config,
                                source(job, WhichOperand::kFirst, aligned_words(aligned, first)),
                                source(job, WhichOperand::kSecond, aligned_words(plain, second)),
                                detail.accumulators, detail.done);
    tell_pes(system, job, detail);
    return counts_of(run, job, detail);
  }

  template <typename System>
  static void tell_pes(const System& system, const Job& job, const Detail& detail) {
    if (detail.pes) {
      // A pass without a GEMM did not run.
      detail.pes(job.schedule->gemms().empty() ? PeMap(job.schedule->array()) : system.pe_map());
    }
  }

  PassCounts run_fp32(const Job& job, const Detail& detail) {
    const rtl::Fp32MacUnit::Config config{job.architecture->baseline.zero_gating};
    auto& system = system_for(fp32_, *job.architecture);
    const auto run = system.run(job, nullptr, config, {*job.operands, WhichOperand::kFirst},
                                {*job.operands, WhichOperand::kSecond}, detail.fp32, detail.done);
    tell_pes(system, job, detail);
    return counts_of(run, job, detail);
  }

  std::optional<WaveformOptions> waveform_;  // until it is written
  MakeSystemModules modules_;
  std::unique_ptr<SystemHolder<rtl::MfMacUnit>> mf_mac_;
  std::unique_ptr<SystemHolder<rtl::AlignedMacUnit>> aligned_;
  std::unique_ptr<SystemHolder<rtl::Fp32MacUnit>> fp32_;
};

}  // namespace

std::uint64_t clock_period_ps(double clock_mhz) {
  return static_cast<std::uint64_t>(std::max(2.0, std::round(1e6 / clock_mhz)));
}

void require_systemc_array(ArrayShape array) {
  EngineInfo limits;
  limits.most_pes = kMaxSystemCPes;
  require_buildable(limits, array);
}

std::unique_ptr<Engine> make_systemc_engine(const std::optional<WaveformOptions>& waveform,
                                            const MakeSystemModules& modules) {
  return std::make_unique<SystemCEngine>(waveform, modules);
}

}  // namespace potomac::sim
