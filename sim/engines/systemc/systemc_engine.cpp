#include "sim/engines/systemc/systemc_engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "rtl_models/systemc/mac_units.hpp"
#include "rtl_models/systemc/simulation_context.hpp"
#include "sim/engines/dequantize.hpp"
#include "sim/engines/systemc/array_system.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

using MacsDone = std::function<void(std::int64_t macs)>;

// Results of one output row block, gathered as they drain and handed on when the block is complete:
// memory stays at R x n values, whatever m is.
template <typename Value>
class RowBlockBuffer {
 public:
  RowBlockBuffer(const FoldPlan& plan, const std::function<void(const ResultTile<Value>&)>& sink,
                 const MacsDone& done)
      : plan_(plan), sink_(sink), done_(done) {
    if (sink_) {
      values_.resize(static_cast<std::size_t>(plan.array.rows * plan.n));
    }
  }

  void take(std::int64_t m, std::int64_t n, Value value) {
    const std::int64_t begin = m / plan_.array.rows * plan_.array.rows;
    const std::int64_t rows = std::min(plan_.array.rows, plan_.m - begin);
    if (sink_) {
      values_[static_cast<std::size_t>((m - begin) * plan_.n + n)] = value;
    }
    if (++filled_ == rows * plan_.n) {
      if (sink_) {
        sink_({begin, 0, rows, plan_.n, values_.data(), plan_.n});
      }
      done_(rows * plan_.n * plan_.k);
      filled_ = 0;
    }
  }

 private:
  const FoldPlan& plan_;
  const std::function<void(const ResultTile<Value>&)>& sink_;
  const MacsDone& done_;
  std::vector<Value> values_;
  std::int64_t filled_ = 0;
};

sc_core::sc_time clock_period(double clock_mhz) {
  // The kernel's resolution is 1 ps, and a clock needs two different edges.
  return {std::max(2.0, std::round(1e6 / clock_mhz)), sc_core::SC_PS};
}

// One elaborated system in a context of its own.
template <typename Unit>
class SystemHolder {
 public:
  using Value = typename Unit::Value;

  SystemHolder(const Architecture& architecture,
               const std::optional<std::filesystem::path>& waveform)
      : shape_(architecture.array) {
    const rtl::SimulationContext::Use use(context_);
    system_ = std::make_unique<ArraySystem<Unit>>("potomac", shape_,
                                                  clock_period(architecture.clock_mhz));
    if (waveform) {
      // SystemC appends the extension itself.
      trace_file_ =
          sc_core::sc_create_vcd_trace_file((waveform->parent_path() / waveform->stem()).c_str());
      trace_file_->set_time_unit(1, sc_core::SC_PS);
      system_->trace_registers(trace_file_);
    }
  }

  ~SystemHolder() {
    const rtl::SimulationContext::Use use(context_);
    if (trace_file_ != nullptr) {
      trace_file_->write_comment(kWaveformEnd);
      sc_core::sc_close_vcd_trace_file(trace_file_);
    }
    system_.reset();
  }
  SystemHolder(const SystemHolder&) = delete;
  SystemHolder& operator=(const SystemHolder&) = delete;

  struct Run {
    std::uint64_t folds = 0;
    Cycles cycles;
    rtl::PeCounters pe;
    std::uint64_t skew_register_writes = 0;
  };

  Run run(const workloads::Gemm& gemm, const typename Unit::Config& config,
          const OperandSource<typename Unit::Operand>& first,
          const OperandSource<typename Unit::Operand>& second,
          const std::function<void(const ResultTile<Value>&)>& sink, const MacsDone& done) {
    const rtl::SimulationContext::Use use(context_);
    const FoldPlan plan{shape_, gemm.m, gemm.n, gemm.k};
    RowBlockBuffer<Value> buffer(plan, sink, done);
    system_->start(
        plan, config, first, second,
        [&buffer](std::int64_t m, std::int64_t n, Value value) { buffer.take(m, n, value); });
    sc_core::sc_start();
    if (system_->results_received() != gemm.m * gemm.n) {
      throw std::logic_error(
          fmt::format("the array delivered {} of {} results of layer {} ({} x {} x {} on {} x {})",
                      system_->results_received(), gemm.m * gemm.n, gemm.layer, gemm.m, gemm.n,
                      gemm.k, shape_.rows, shape_.cols));
    }
    return {static_cast<std::uint64_t>(plan.folds()), system_->cycles(),
            system_->array().counters(), system_->array().skew_register_writes()};
  }

 private:
  rtl::SimulationContext context_;
  ArrayShape shape_;
  std::unique_ptr<ArraySystem<Unit>> system_;
  sc_core::sc_trace_file* trace_file_ = nullptr;
};

template <typename Run>
GemmResult structural_result(const Run& run, ArrayShape array) {
  GemmResult result;
  result.folds = run.folds;
  result.cycles = run.cycles;
  result.zeros = {run.pe.zero_operand, run.pe.zero_starts};
  energy::ActionCounts& actions = result.actions;
  actions.gated_mac = run.pe.gated;
  actions.operand_register_write = run.pe.operand_writes;
  actions.skew_register_write = run.skew_register_writes;
  actions.accumulator_write = run.pe.accumulator_writes;
  actions.drain_hop = run.pe.shadow_writes;
  actions.idle_pe_cycle =
      static_cast<std::uint64_t>(array.pes()) * run.cycles.total() - run.pe.slots;
  return result;
}

class SystemCEngine : public Engine {
 public:
  SystemCEngine(const Architecture& architecture, std::optional<std::filesystem::path> waveform)
      : architecture_(architecture), waveform_(std::move(waveform)) {}

  GemmResult run_mf_mac(const workloads::Gemm& gemm, const AccumulatorSink& sink) override {
    const rtl::PotFormat format(architecture_.pe.operand_bits);
    const rtl::MfMacUnit::Config config{format, require_fit(architecture_, gemm),
                                        architecture_.pe.zero_gating};
    const OperandSource<rtl::PotCode> first(gemm.first, widening(gemm.first.format(), format));
    const OperandSource<rtl::PotCode> second(gemm.second, widening(gemm.second.format(), format));
    if (!mf_mac_) {
      mf_mac_ = std::make_unique<SystemHolder<rtl::MfMacUnit>>(architecture_, waveform_);
    }
    const auto run = mf_mac_->run(gemm, config, first, second, sink, done_);
    GemmResult result = structural_result(run, architecture_.array);
    result.actions.exponent_add = run.pe.multiplied;
    result.actions.sign_xor = run.pe.multiplied;
    result.actions.accumulate = run.pe.accumulated;
    result.actions.overflow = run.pe.overflowed;
    result.actions.dropped_product = run.pe.dropped;
    return result;
  }

  GemmResult run_fp32(const workloads::Gemm& gemm, const Fp32Sink& sink) override {
    const rtl::Fp32MacUnit::Config config{architecture_.baseline.zero_gating};
    const OperandSource<float> first(gemm.first,
                                     dequantized_values(gemm.first.format(), gemm.first_beta));
    const OperandSource<float> second(gemm.second,
                                      dequantized_values(gemm.second.format(), gemm.second_beta));
    if (!fp32_) {
      fp32_ = std::make_unique<SystemHolder<rtl::Fp32MacUnit>>(architecture_, std::nullopt);
    }
    const auto run = fp32_->run(gemm, config, first, second, sink, done_);
    GemmResult result = structural_result(run, architecture_.array);
    result.actions.fp32_multiply = run.pe.multiplied;
    result.actions.fp32_add = run.pe.accumulated;
    return result;
  }

 private:
  Architecture architecture_;
  std::optional<std::filesystem::path> waveform_;
  MacsDone done_ = [this](std::int64_t macs) { work_done(macs); };
  std::unique_ptr<SystemHolder<rtl::MfMacUnit>> mf_mac_;
  std::unique_ptr<SystemHolder<rtl::Fp32MacUnit>> fp32_;
};

}  // namespace

std::unique_ptr<Engine> make_systemc_engine(const Architecture& architecture,
                                            const std::optional<std::filesystem::path>& waveform) {
  if (architecture.array.pes() > kMaxSystemCPes) {
    throw InputError(
        {"", "array",
         fmt::format("{} x {} PEs are too many for one SystemC module each (at most {})",
                     architecture.array.rows, architecture.array.cols, kMaxSystemCPes),
         "use --engine fast, which gives the same result, or a smaller array"});
  }
  return std::make_unique<SystemCEngine>(architecture, waveform);
}

}  // namespace potomac::sim
