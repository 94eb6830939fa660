#include "sim/simulation.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include "sim/fast/closed_forms.hpp"

namespace potomac::sim {

using workloads::Pass;

bool Selection::wants_layer(const std::string& layer) const {
  return ::fnmatch(layers.c_str(), layer.c_str(), 0) == 0;
}

bool Selection::wants(Pass pass) const {
  return std::ranges::find(passes, pass) != passes.end();
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

Simulation::~Simulation() = default;
Simulation::Simulation(Simulation&&) noexcept = default;
Simulation& Simulation::operator=(Simulation&&) noexcept = default;

void Simulation::add(const workloads::Layer& layer, const Selection& selection, OutputStore* store,
                     const GemmDone& done) {
  if (!selection.wants_layer(layer.shape.name)) {
    return;
  }
  for (const Pass pass : workloads::passes_of(layer.shape)) {
    if (!selection.wants(pass)) {
      continue;
    }
    PassRecord record;
    record.layer = layer.shape.name;
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
      if (done) {
        done(record.layer, pass, static_cast<std::uint64_t>(gemm.macs()));
      }
    }
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
