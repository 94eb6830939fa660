#include "sim/studies/simulation.hpp"

#include <fnmatch.h>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "sim/engines/count/closed_forms.hpp"
#include "support/error.hpp"

namespace potomac::sim {

using workloads::Pass;

std::vector<Pass> Selection::passes_of(const workloads::LayerShape& layer) const {
  std::vector<Pass> wanted;
  if (::fnmatch(layers.c_str(), layer.name.c_str(), 0) == 0) {
    std::ranges::copy_if(workloads::passes_of(layer), std::back_inserter(wanted), [&](Pass pass) {
      return std::ranges::find(passes, pass) != passes.end();
    });
  }
  return wanted;
}

std::uint64_t Selection::macs_of(const workloads::LayerShape& layer) const {
  std::uint64_t macs = 0;
  for (const Pass pass : passes_of(layer)) {
    macs += static_cast<std::uint64_t>(workloads::gemm_shape(layer, pass).macs());
  }
  return macs;
}

std::uint64_t Selection::macs_of(const std::vector<workloads::LayerShape>& all) const {
  std::uint64_t macs = 0;
  for (const workloads::LayerShape& layer : all) {
    macs += macs_of(layer);
  }
  return macs;
}

void require_fit(const Architecture& architecture, const workloads::TraceReader& trace,
                 std::size_t layer, Pass pass) {
  const workloads::LayerFormats& formats = trace.formats()[layer];
  const workloads::TensorFormat& first = pass == Pass::kForward ? formats.a : formats.g;
  const workloads::TensorFormat& second = pass == Pass::kBackwardWeight ? formats.a : formats.w;
  try {
    require_fit(architecture, trace.layers()[layer].name, rtl::PotFormat(first.bits),
                rtl::PotFormat(second.bits));
  } catch (const InputError& error) {
    // What is wrong between a machine and a layer does not know the trace's file.
    Fault fault = error.fault();
    fault.file = trace.path().string();
    throw InputError(fault);
  }
}

void require_fit(const Architecture& architecture, const workloads::TraceReader& trace,
                 const Selection& selection) {
  bool any = false;
  for (std::size_t i = 0; i < trace.layers().size(); ++i) {
    for (const Pass pass : selection.passes_of(trace.layers()[i])) {
      any = true;
      require_fit(architecture, trace, i, pass);
    }
  }
  if (!any) {
    throw InputError(
        {trace.path().string(), "",
         fmt::format("nothing is selected by layers '{}' and these passes", selection.layers),
         fmt::format("see its layers with: potomac trace info {}", trace.path().string())});
  }
}

double PassRecord::utilization(ArrayShape array) const {
  return static_cast<double>(macs()) /
         (static_cast<double>(array.pes()) * static_cast<double>(cycles.total()));
}

Totals total_of(const std::vector<PassRecord>& records) {
  Totals totals;
  for (const PassRecord& record : records) {
    totals.macs += record.macs();
    totals.folds += record.folds;
    totals.zero_operand_macs += record.zero_operand_macs;
    totals.cycles += record.cycles;
    totals.actions += record.actions;
    totals.baseline_actions += record.baseline_actions;
  }
  return totals;
}

Simulation::Simulation(const Architecture& architecture, std::unique_ptr<Engine> engine,
                       bool simulate_baseline)
    : architecture_(architecture),
      engine_(std::move(engine)),
      simulate_baseline_(simulate_baseline) {}

void Simulation::add(const workloads::Layer& layer, const Selection& selection, OutputStore* store,
                     const WorkDone& done) {
  for (const Pass pass : selection.passes_of(layer.shape)) {
    PassRecord record;
    record.layer = layer.shape.name;
    engine_->on_work_done(
        !done ? std::function<void(std::uint64_t)>()
              : [&done, &record, pass](std::uint64_t macs) { done(record.layer, pass, macs); });
    record.pass = pass;
    record.shape = workloads::gemm_shape(layer.shape, pass);
    record.exponent_bits = rtl::PotFormat(architecture_.pe.operand_bits).exponent_bits();
    for (std::int64_t index = 0; index < record.shape.count; ++index) {
      const workloads::Gemm gemm = workloads::lower(layer, pass, index);
      if (index == 0) {
        record.accumulator = require_fit(architecture_, gemm);
        if (store != nullptr) {
          store->begin(layer, pass, record.shape, record.accumulator.lsb + gemm.scale_exponent());
        }
      }
      const GemmResult result = engine_->run_mf_mac(
          gemm, store != nullptr ? store->accumulators(index) : AccumulatorSink());
      const Fp32Sink fp32_sink = store != nullptr ? store->fp32(index) : Fp32Sink();
      const GemmResult baseline = simulate_baseline_ || fp32_sink
                                      ? engine_->run_fp32(gemm, fp32_sink)
                                      : fp32_result(architecture_, gemm, result.zeros);
      record.folds += result.folds;
      record.cycles += result.cycles;
      record.actions += result.actions;
      record.baseline_actions += baseline.actions;
      record.zero_operand_macs += result.zeros.macs;
    }
    engine_->on_work_done({});
    records_.push_back(std::move(record));
  }
}

energy::OperationEnergy price(const energy::UnitEnergyTable& table,
                              const std::vector<PassRecord>& records) {
  std::vector<energy::GemmActivity> activity;
  activity.reserve(records.size());
  for (const PassRecord& record : records) {
    activity.push_back({.layer = record.layer,
                        .pass = std::string(workloads::name_of(record.pass)),
                        .macs = record.macs(),
                        .zero_operand_macs = record.zero_operand_macs,
                        .exponent_bits = record.exponent_bits,
                        .accumulator_bits = record.accumulator.bits,
                        .mf_mac = record.actions,
                        .fp32_mac = record.baseline_actions});
  }
  return energy::price_operations(table, activity);
}

}  // namespace potomac::sim
