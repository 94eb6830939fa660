#include "sim/studies/simulation.hpp"

#include <optional>
#include <utility>

#include "sim/engines/count/closed_forms.hpp"
#include "sim/engines/count/operand_statistics.hpp"
#include "sim/engines/fast/fast_facts.hpp"
#include "sim/plan/fit.hpp"
#include "sim/plan/memory_plans.hpp"

namespace potomac::sim {
namespace {

using workloads::Pass;

PassRecord record_of(const workloads::Workload& workload, std::size_t layer, Pass pass,
                     const Architecture& architecture) {
  const workloads::LayerShape& shape = workload.layers()[layer];
  PassRecord record;
  record.layer = shape.name;
  record.pass = pass;
  record.gemms = workloads::gemms_of(shape, pass, architecture.lowering);
  record.accumulator = require_fit(architecture, workload, layer, pass);
  record.exponent_bits = rtl::PotFormat(architecture.pe.operand_bits).exponent_bits();
  record.quantities.macs = static_cast<std::uint64_t>(workloads::macs_of(record.gemms));
  record.quantities.baseline_macs = shape.term == 1 ? record.quantities.macs : 0;
  record.quantities.structural_zero_macs =
      static_cast<std::uint64_t>(workloads::structural_macs(shape, pass, architecture.lowering));
  return record;
}

// The FP32 array over a pass that it does not have: nothing, and no unknowns that MF-MAC knows.
PassCounts no_baseline(const PassCounts& of_mf_mac) {
  PassCounts none;
  if (of_mf_mac.toggles.known()) {
    none.toggles = {};
  }
  return none;
}

void fill(PassRecord& record, const PassCounts& counts, const PassCounts& baseline) {
  record.quantities.folds = counts.folds;
  record.quantities.cycles = counts.cycles;
  record.quantities.baseline_cycles = baseline.cycles;
  record.quantities.value_zero_macs = counts.zeros.macs - record.quantities.structural_zero_macs;
  record.quantities.actions = counts.actions;
  record.quantities.baseline_actions = baseline.actions;
  record.quantities.toggles = counts.toggles;
  record.quantities.baseline_toggles = baseline.toggles;
}

// Who is told of a pass's progress.
MacsDone listener(const WorkDone& done, const std::string& layer, Pass pass) {
  if (!done) {
    return {};
  }
  return [&done, &layer, pass](std::int64_t macs) {
    done(layer, pass, static_cast<std::uint64_t>(macs));
  };
}

// What of the memory is known before a pass is run; unknown without one.
void fill(PassRecord& record, const PassPlans* plans) {
  Quantities& quantities = record.quantities;
  if (plans == nullptr) {
    quantities.stall_by = quantities.baseline_stall_by = StallBy::unknown();
    quantities.memory = quantities.baseline_memory = energy::MemoryAccesses::unknown();
    return;
  }
  const auto stall_by = [](const StallCycles& stalls) {
    return StallBy{stalls.first, stalls.second, stalls.results};
  };
  record.tiles = plans->mf_mac.tiles;
  quantities.stall_by = stall_by(plans->mf_mac.stalls);
  quantities.memory = plans->mf_mac.accesses;
  if (plans->baseline) {
    record.baseline_tiles = plans->baseline->tiles;
    quantities.baseline_stall_by = stall_by(plans->baseline->stalls);
    quantities.baseline_memory = plans->baseline->accesses;
  }
}

// One machine's side of a pass. All that it is given must outlive it; `memory` may be null.
class MachinePass {
 public:
  MachinePass(const Architecture& architecture, const workloads::LayerShape& layer,
              const PassRecord& record, const PassMemory* memory)
      : architecture_(architecture),
        schedule_(memory == nullptr
                      ? Schedule(record.gemms, architecture.array, architecture.dataflow)
                      : Schedule(record.gemms, architecture.array, architecture.dataflow,
                                 memory->tiles)) {
    if (memory != nullptr) {
      pace_.emplace(layer, record.pass, architecture, schedule_, *memory);
    }
  }

  const Schedule& schedule() const { return schedule_; }
  Pace* pace() { return pace_ ? &*pace_ : nullptr; }

  // With the stalls, where counts come from closed forms.
  PassCounts with_stalls(PassCounts counts) {
    if (pace_) {
      add_stalls(counts, schedule_, architecture_.issue, *pace_);
    }
    return counts;
  }

 private:
  const Architecture& architecture_;
  Schedule schedule_;
  std::optional<PlannedPace> pace_;
};

// The arrays with narrower operands: registers do in them what they do in the baseline.
void add_others(PassRecord& record, const Architecture& architecture,
                const workloads::LayerShape& layer, const PassPlans* plans,
                const ZeroCounts& zeros) {
  for (const int bits : kOtherOperandBits) {
    const PassMemory* const memory = plans == nullptr ? nullptr : &plans->others.at(bits);
    MachinePass machine(architecture, layer, record, memory);
    const PassCounts counts =
        machine.with_stalls(fp32_counts(architecture, machine.schedule(), zeros));
    record.others.push_back(
        {bits, counts.cycles, counts.actions,
         memory == nullptr ? energy::MemoryAccesses::unknown() : memory->accesses});
  }
}

PassRecord run_pass(const workloads::Workload& workload, std::size_t index,
                    const std::optional<workloads::Layer>& layer, Pass pass,
                    const Architecture& architecture, const PassPlans* plans, Engine& engine,
                    const SimulationOptions& options) {
  PassRecord record = record_of(workload, index, pass, architecture);
  const workloads::LayerShape& shape = workload.layers()[index];
  MachinePass mf_mac(architecture, shape, record, plans == nullptr ? nullptr : &plans->mf_mac);
  const bool has_baseline = shape.term == 1;
  Job job{.architecture = &architecture,
          .schedule = &mf_mac.schedule(),
          .accumulator = record.accumulator,
          .pace = mf_mac.pace()};
  std::optional<workloads::LoweredPass> operands;
  Detail detail{.accumulators = {},
                .fp32 = {},
                .done = listener(options.done, record.layer, pass),
                .toggles = options.toggles};
  if (layer) {
    operands.emplace(*layer, pass, architecture.lowering);
    job.operands = &*operands;
    if (options.store != nullptr) {
      options.store->begin(*operands, record.accumulator.lsb + operands->scale_exponent());
      detail.accumulators = options.store->accumulators();
      if (has_baseline) {
        detail.fp32 = options.store->fp32();
      }
    }
  }
  fill(record, plans);
  const PassCounts counts = engine.run(job, detail);
  const bool simulates = options.simulate_baseline || options.toggles || detail.fp32;
  if (!has_baseline) {
    fill(record, counts, no_baseline(counts));
    if (simulates && detail.done) {
      detail.done(workloads::macs_of(record.gemms));  // that whoever waits reckons with
    }
    return record;
  }
  MachinePass fp32(architecture, shape, record, plans == nullptr ? nullptr : &*plans->baseline);
  if (options.others) {
    add_others(record, architecture, shape, plans, counts.zeros);
  }
  if (simulates) {
    job.unit = Unit::kFp32Mac;
    job.schedule = &fp32.schedule();
    job.pace = fp32.pace();
    fill(record, counts, engine.run(job, detail));
  } else {
    fill(record, counts,
         fp32.with_stalls(fp32_counts(architecture, fp32.schedule(), counts.zeros)));
  }
  return record;
}

}  // namespace

FactStore::Key FactStore::key_of(std::size_t layer, Pass pass, const workloads::Lowering& lowering,
                                 const rtl::Accumulator& accumulator) {
  // What the lowering does not touch is shared.
  const auto form = pass == Pass::kBackwardWeight ? workloads::Lowering{}.strided_backward_data
                                                  : lowering.strided_backward_data;
  return {layer, pass, form, accumulator.bits, accumulator.lsb, accumulator.overflow};
}

const ValueFacts* FactStore::find(std::size_t layer, Pass pass, const workloads::Lowering& lowering,
                                  const rtl::Accumulator& accumulator) const {
  const auto found = facts_.find(key_of(layer, pass, lowering, accumulator));
  return found == facts_.end() ? nullptr : &found->second;
}

const ValueFacts& FactStore::add(std::size_t layer, Pass pass, const workloads::Lowering& lowering,
                                 const rtl::Accumulator& accumulator, const ValueFacts& facts) {
  return facts_.emplace(key_of(layer, pass, lowering, accumulator), facts).first->second;
}

std::vector<PassRecord> simulate(const workloads::Workload& workload,
                                 const Architecture& architecture, Engine& engine, WorkerPool& pool,
                                 const SimulationOptions& options) {
  std::vector<PassRecord> records;
  const MemoryPlans plans(workload, architecture, options.selection, pool, options.others);
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    const std::vector<Pass> passes = options.selection.passes_of(workload.layers()[i]);
    if (passes.empty()) {
      continue;
    }
    const std::optional<workloads::Layer> layer = workload.read(i);
    for (const Pass pass : passes) {
      records.push_back(
          run_pass(workload, i, layer, pass, architecture, plans.find(i, pass), engine, options));
    }
  }
  return records;
}

void complete_facts(const workloads::Workload& workload, const Architecture& architecture,
                    const Selection& selection, EngineKind engine, FactStore& facts,
                    WorkerPool& pool, const WorkDone& done) {
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    std::vector<std::pair<Pass, rtl::Accumulator>> missing;
    for (const Pass pass : selection.passes_of(workload.layers()[i])) {
      const rtl::Accumulator accumulator = require_fit(architecture, workload, i, pass);
      if (facts.find(i, pass, architecture.lowering, accumulator) == nullptr) {
        missing.emplace_back(pass, accumulator);
      }
    }
    if (missing.empty()) {
      continue;
    }
    const std::optional<workloads::Layer> layer = workload.read(i);
    if (!layer) {
      continue;  // shapes only: what depends on values stays unknown
    }
    for (const auto& [pass, accumulator] : missing) {
      const workloads::LoweredPass operands(*layer, pass, architecture.lowering);
      const MacsDone tell = listener(done, layer->shape.name, pass);
      if (engine == EngineKind::kFast) {
        facts.add(i, pass, architecture.lowering, accumulator,
                  value_facts(operands, accumulator, {}, tell, pool));
        continue;
      }
      facts.add(i, pass, architecture.lowering, accumulator,
                counted_facts(operands, accumulator, pool));
      if (tell) {
        tell(workloads::macs_of(operands.shapes()));
      }
    }
  }
}

std::vector<PassRecord> simulate_from_facts(const workloads::Workload& workload,
                                            const Architecture& architecture,
                                            const Selection& selection, const FactStore& facts) {
  std::vector<PassRecord> records;
  WorkerPool alone(1);
  const MemoryPlans plans(workload, architecture, selection, alone);
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    for (const Pass pass : selection.passes_of(workload.layers()[i])) {
      PassRecord record = record_of(workload, i, pass, architecture);
      const PassPlans* const found = plans.find(i, pass);
      fill(record, found);
      const workloads::LayerShape& shape = workload.layers()[i];
      MachinePass mf_mac(architecture, shape, record, found == nullptr ? nullptr : &found->mf_mac);
      const PassCounts counts = mf_mac.with_stalls(
          mf_mac_counts(architecture, mf_mac.schedule(),
                        facts.find(i, pass, architecture.lowering, record.accumulator)));
      if (shape.term > 1) {
        fill(record, counts, no_baseline(counts));
      } else {
        MachinePass fp32(architecture, shape, record,
                         found == nullptr ? nullptr : &*found->baseline);
        fill(record, counts,
             fp32.with_stalls(fp32_counts(architecture, fp32.schedule(), counts.zeros)));
      }
      records.push_back(std::move(record));
    }
  }
  return records;
}

}  // namespace potomac::sim
