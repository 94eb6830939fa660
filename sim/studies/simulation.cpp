#include "sim/studies/simulation.hpp"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "sim/engines/engines.hpp"
#include "sim/engines/interface/multiplied_layer.hpp"
#include "sim/memory/tlm_memory.hpp"

namespace potomac::sim {
namespace {

using workloads::Pass;

// Who is told of a pass's progress; empty if nobody is, and nobody may stop it.
MacsDone teller(const Caller& caller, const PassList& list, const PassItem& item,
                const EngineInfo& engine) {
  if (caller.listener == nullptr && caller.stop == nullptr) {
    return {};
  }
  std::string what = fmt::format("{} {}", list.layer(item).name, workloads::name_of(item.pass));
  // An exception must not pass through a simulation kernel.
  const bool may_throw = !engine.steps;
  return [&caller, what = std::move(what), may_throw](std::int64_t macs) {
    caller.advance(Work::kMacs, static_cast<std::uint64_t>(macs), what);
    if (may_throw) {
      caller.check_stop();
    }
  };
}

// Reads layers as they are asked for, and holds one at a time.
class LayerInHand {
 public:
  explicit LayerInHand(const workloads::Workload& workload) : workload_(workload) {}

  // Nothing where there are shapes only. Good until another layer is asked for.
  const std::optional<workloads::Layer>& read(std::size_t index) {
    if (index_ != index) {
      multiplied_.reset();
      layer_.reset();
      layer_ = workload_.read(index);
      index_ = index;
    }
    return layer_;
  }

  // The layer in hand, which has values, as machines that multiply see it.
  const MultipliedLayer& multiplied() {
    if (!multiplied_) {
      multiplied_.emplace(*layer_);
    }
    return *multiplied_;
  }

 private:
  const workloads::Workload& workload_;
  std::optional<std::size_t> index_;
  std::optional<workloads::Layer> layer_;
  std::optional<MultipliedLayer> multiplied_;
};

// What is known of a pass before its machines are run.
struct PassSource {
  const workloads::LoweredPass* operands = nullptr;    // of MF-MAC
  const workloads::LoweredPass* multiplied = nullptr;  // of the other machines, where it is needed
  const ValueFacts* facts = nullptr;
  const ValueFacts* original_facts = nullptr;
};

// Runs one pass on all machines.
class PassRunner {
 public:
  PassRunner(const Architecture& architecture, Engine& engine, Engine& closed_forms,
             const SimulationOptions& options)
      : architecture_(architecture),
        engine_(engine),
        closed_forms_(closed_forms),
        options_(options) {}

  // Whether it computes the FP32 MAC's sums.
  bool multiplies() const {
    return options_.simulate_baseline || options_.toggles || options_.store != nullptr;
  }

  // Puts a record for each machine behind those that are there.
  void run(std::span<const PlannedPass> planned, const PassSource& source, const MacsDone& done,
           std::vector<MachineRecord>& records) {
    const PlannedPass& mf_mac = planned.front();
    const PassCounts of_mf_mac = counts_of(mf_mac, source, done, mf_mac, {});
    set(records.emplace_back(), mf_mac, of_mf_mac);
    // Machines that multiply all meet the same zeros.
    std::optional<ZeroCounts> zeros = of_mf_mac.zeros;
    if (has_own_zeros(planned.back())) {
      zeros.reset();
    }
    for (const PlannedPass& one : planned.subspan(1)) {
      const PassCounts counts = counts_of(one, source, done, mf_mac, of_mf_mac, zeros);
      set(records.emplace_back(), one, counts);
      zeros = counts.zeros;
    }
  }

 private:
  static bool has_own_zeros(const PlannedPass& planned) {
    return planned.plan.machine->has_originals && planned.plan.runs;
  }

  bool simulates_baseline(const Detail& detail) const {
    return options_.simulate_baseline || options_.toggles || detail.fp32;
  }

  PassCounts counts_of(const PlannedPass& planned, const PassSource& source, const MacsDone& done,
                       const PlannedPass& mf_mac, const PassCounts& of_mf_mac,
                       const std::optional<ZeroCounts>& zeros = {}) {
    const PassPlan& plan = planned.plan;
    std::optional<PlannedPace> pace;
    if (planned.memory) {
      pace.emplace(*plan.layer, plan.pass, architecture_, *plan.schedule, *planned.memory);
    }
    Job job{.unit = plan.machine->unit,
            .architecture = &architecture_,
            .schedule = plan.schedule.get(),
            .operands = source.operands,
            .accumulator = plan.accumulator,
            .facts = source.facts,
            .pace = pace ? &*pace : nullptr};
    Detail detail{.accumulators = {}, .fp32 = {}, .done = done, .toggles = options_.toggles};
    const bool has_store = options_.store != nullptr && source.operands != nullptr;
    if (job.unit == Unit::kMfMac) {
      if (has_store) {
        options_.store->begin(*source.operands,
                              plan.accumulator.lsb + source.operands->scale_exponent());
        detail.accumulators = options_.store->accumulators();
      }
      return engine_.run(job, detail);
    }
    job.operands = source.multiplied;
    if (plan.machine->has_originals) {
      job.facts = source.original_facts;
    }
    if (!plan.runs) {
      if (job.unit == Unit::kFp32Mac && simulates_baseline(detail) && done) {
        done(static_cast<std::int64_t>(mf_mac.plan.macs));  // that whoever waits reckons with
      }
      return nothing_run(of_mf_mac);
    }
    if (job.unit == Unit::kFp32Mac) {
      if (has_store) {
        detail.fp32 = options_.store->fp32();
      }
      if (simulates_baseline(detail)) {
        return engine_.run(job, detail);
      }
    }
    job.zeros = zeros ? &*zeros : nullptr;
    job.counted = !pace && plan.schedule == mf_mac.plan.schedule ? &of_mf_mac : nullptr;
    return closed_forms_.run(job, {});
  }

  // The counts of a machine that does not have the pass: nothing, and no unknowns that MF-MAC
  // knows.
  static PassCounts nothing_run(const PassCounts& of_mf_mac) {
    PassCounts none;
    if (of_mf_mac.toggles.known()) {
      none.toggles = {};
    }
    return none;
  }

  void set(MachineRecord& record, const PlannedPass& planned, const PassCounts& counts) const {
    const PassPlan& plan = planned.plan;
    Quantities& q = record.quantities;
    if (plan.machine->unit == Unit::kMfMac) {
      record.accumulator = plan.accumulator;
    }
    q.macs = plan.macs;
    q.folds = counts.folds;
    q.structural_zero_macs = plan.structural_zero_macs;
    q.value_zero_macs = counts.zeros.macs - plan.structural_zero_macs;
    q.cycles = counts.cycles;
    q.actions = counts.actions;
    q.toggles = counts.toggles;
    if (planned.memory) {
      const StallCycles& stalls = planned.memory->stalls;
      record.tiles = planned.memory->tiles;
      record.tiles_costs = costs_of(*planned.memory);
      q.stall_by = {stalls.first, stalls.second, stalls.results};
      q.memory = planned.memory->accesses;
    } else if (!architecture_.memory) {
      q.stall_by = StallBy::unknown();
      q.memory = energy::MemoryAccesses::unknown();
    } else {
      const auto& dram = architecture_.memory->dram;
      if (!dram || !dram->device) {
        q.memory.forget_dram_device();
      }
    }
  }

  TilesCosts costs_of(const PassMemory& plan) const {
    TilesCosts costs;
    if (plan.tiles.empty()) {
      return costs;
    }
    costs.chosen_for = plan.is_mapped ? "given" : name_of(architecture_.memory->objective);
    if (plan.costs) {
      const PassMemory::Costs& known = *plan.costs;
      costs.cycles = known.own.cycles;
      costs.dram_bits = known.own.dram_bits;
      costs.time_cycles = known.time.cycles;
      costs.time_dram_bits = known.time.dram_bits;
      costs.traffic_cycles = known.traffic.cycles;
      costs.traffic_dram_bits = known.traffic.dram_bits;
    }
    return costs;
  }

  const Architecture& architecture_;
  Engine& engine_;
  Engine& closed_forms_;
  const SimulationOptions& options_;
};

std::optional<workloads::TrainedSum> trained_with(const PassList& list, const PassItem& item) {
  const workloads::LayerOrigin& origin = list.workload().formats()[item.layer].origin;
  return origin.sums ? std::optional(origin.sums->at(static_cast<std::size_t>(item.pass)))
                     : std::nullopt;
}

}  // namespace

FactStore::PassKey FactStore::key_of(const PassItem& item, const workloads::Lowering& lowering) {
  // What the lowering does not touch is shared.
  const auto form = item.pass == Pass::kBackwardWeight ? workloads::Lowering{}.strided_backward_data
                                                       : lowering.strided_backward_data;
  return {item.layer, item.pass, form};
}

FactStore::Key FactStore::key_of(const PassItem& item, const workloads::Lowering& lowering,
                                 const rtl::Accumulator& accumulator) {
  return std::tuple_cat(key_of(item, lowering),
                        std::tuple(accumulator.bits, accumulator.lsb, accumulator.overflow));
}

const ValueFacts* FactStore::find_originals(const PassItem& item,
                                            const workloads::Lowering& lowering) const {
  const auto found = originals_.find(key_of(item, lowering));
  return found == originals_.end() ? nullptr : &found->second;
}

void FactStore::add_originals(const PassItem& item, const workloads::Lowering& lowering,
                              const ValueFacts& facts) {
  originals_.emplace(key_of(item, lowering), facts);
}

const ValueFacts* FactStore::find(const PassItem& item, const workloads::Lowering& lowering,
                                  const rtl::Accumulator& accumulator) const {
  const auto found = facts_.find(key_of(item, lowering, accumulator));
  return found == facts_.end() ? nullptr : &found->second;
}

void FactStore::add(const PassItem& item, const workloads::Lowering& lowering,
                    const rtl::Accumulator& accumulator, const ValueFacts& facts) {
  facts_.emplace(key_of(item, lowering, accumulator), facts);
}

std::vector<PassRecord> simulate(const PassPlans& plans, const EngineInfo& engine,
                                 const SimulationOptions& options, const Caller& caller) {
  const PassList& list = plans.list();
  const auto runs = engine.make(
      {caller.pool, memory_modules(), [&caller](const std::string& line) { caller.tell(line); }});
  const auto closed_forms = closed_form_engine().make({caller.pool, {}});
  PassRunner runner(plans.architecture(), *runs, *closed_forms, options);
  std::vector<PassRecord> records;
  records.reserve(list.items().size());
  LayerInHand in_hand(list.workload());
  for (const PassItem& item : list.items()) {
    caller.check_stop();
    const auto& layer = in_hand.read(item.layer);
    const workloads::Lowering& lowering = plans.architecture().lowering;
    std::optional<workloads::LoweredPass> operands;
    std::optional<workloads::LoweredPass> multiplied;
    if (layer) {
      operands.emplace(*layer, item.pass, lowering);
      if (layer->originals || runner.multiplies()) {
        multiplied = in_hand.multiplied().pass(item.pass, lowering);
      }
    }
    PassRecord& record = records.emplace_back(PassRecord{list.layer(item).name,
                                                         item.pass,
                                                         list.shape(item, lowering).gemms,
                                                         trained_with(list, item),
                                                         {}});
    runner.run(plans.of(item),
               {.operands = operands ? &*operands : nullptr,
                .multiplied = multiplied ? &*multiplied : nullptr},
               teller(caller, list, item, engine), record.machines);
  }
  return records;
}

void complete_facts(const PassPlans& plans, const EngineInfo& engine, FactStore& facts,
                    const Caller& caller) {
  const PassList& list = plans.list();
  const workloads::Lowering& lowering = plans.architecture().lowering;
  const auto looks = engine.make({caller.pool, {}});
  const auto closed_forms = closed_form_engine().make({caller.pool, {}});
  LayerInHand in_hand(list.workload());
  for (const PassItem& item : list.items()) {
    const rtl::Accumulator& accumulator = plans.of(item)[kMfMacMachine].plan.accumulator;
    if (facts.find(item, lowering, accumulator) != nullptr) {
      continue;
    }
    caller.check_stop();
    const auto& layer = in_hand.read(item.layer);
    if (!layer) {
      continue;  // shapes only: what depends on values stays unknown
    }
    const workloads::LoweredPass operands(*layer, item.pass, lowering);
    facts.add(item, lowering, accumulator,
              looks->facts(operands, accumulator, {}, teller(caller, list, item, engine)));
    if (layer->originals && facts.find_originals(item, lowering) == nullptr) {
      const workloads::LoweredPass multiplied = in_hand.multiplied().pass(item.pass, lowering);
      const rtl::Accumulator any{
          .bits = rtl::kMaxAccumulatorBits,
          .lsb = rtl::exact_lsb(multiplied.first().format(), multiplied.second().format())};
      facts.add_originals(item, lowering, closed_forms->facts(multiplied, any, {}, {}));
    }
  }
}

std::vector<Quantities> CountedPasses::totals() const {
  std::vector<Quantities> totals(machines);
  for (std::size_t pass = 0; pass < size(); ++pass) {
    for (std::size_t i = 0; i < machines; ++i) {
      totals[i].add(record(pass, i).quantities, times[pass]);
    }
  }
  return totals;
}

CountedPasses count_passes(const PassPlans& plans, const FactStore& facts,
                           const std::function<void()>& before_each) {
  const PassList& list = plans.list();
  const workloads::Lowering& lowering = plans.architecture().lowering;
  WorkerPool alone(1);
  const auto closed_forms = closed_form_engine().make({alone, {}});
  const SimulationOptions options;
  PassRunner runner(plans.architecture(), *closed_forms, *closed_forms, options);
  CountedPasses counted;
  counted.machines = plans.machines().size();
  const std::size_t distinct = list.distinct(lowering).size();
  counted.records.reserve(distinct * counted.machines);
  counted.order.reserve(list.items().size());
  constexpr std::size_t kNone = ~std::size_t{0};
  std::vector<std::size_t> without_values(distinct, kNone);
  for (const PassItem& item : list.items()) {
    const ValueFacts* const known =
        facts.find(item, lowering, plans.of(item)[kMfMacMachine].plan.accumulator);
    std::size_t& alike = without_values[item.distinct];
    if (known == nullptr && alike != kNone) {
      counted.order.push_back(alike);
      counted.times[alike] += 1;
      continue;
    }
    if (known == nullptr) {
      alike = counted.size();
    }
    if (before_each) {
      before_each();
    }
    counted.order.push_back(counted.size());
    counted.times.push_back(1);
    runner.run(plans.of(item),
               {.facts = known, .original_facts = facts.find_originals(item, lowering)}, {},
               counted.records);
  }
  return counted;
}

}  // namespace potomac::sim
