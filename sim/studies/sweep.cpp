#include "sim/studies/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "sim/machine/architecture_keys.hpp"
#include "sim/plan/engine_choice.hpp"
#include "sim/plan/pass_plans.hpp"
#include "sim/results/pricing.hpp"
#include "sim/studies/simulation.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

// Points that are priced side by side before their rows are given away. With a memory a point takes
// a good part of a second: fewer then, for each thread.
constexpr std::size_t kBatch = 512;
constexpr std::size_t kBatchOfThread = 8;

// What of a machine decides which facts it needs.
using FactsKey =
    std::tuple<int, rtl::Lsb, rtl::Overflow, std::string, workloads::StridedBackwardData>;
FactsKey facts_key(const Architecture& architecture) {
  const PeConfig& pe = architecture.pe;
  const KeyValue overrides = find_architecture_key("pe.accumulator.overrides")->get(architecture);
  return {pe.accumulator.bits, pe.accumulator.lsb, pe.accumulator.overflow, text_of(overrides),
          architecture.lowering.strided_backward_data};
}

class Sweep {
 public:
  Sweep(const PassList& list, const SweepSpec& spec, const Caller& caller)
      : list_(list),
        spec_(spec),
        engine_(engine_for(list.workload(), spec.engine)),
        rivals_(spec.rivals.units(spec.prices)),
        caller_(caller) {}

  void run(const RowSink& sink) {
    const std::size_t points = spec_.points();
    refuse_if_nothing_runs(points);
    caller_.begin(Work::kMacs, macs_to_compute(points));
    for (std::size_t begin = 0; begin < points;) {
      caller_.check_stop();
      begin += engine_.steps ? step_through(begin, sink) : price_batch(begin, points, sink);
    }
  }

 private:
  // Why the machine cannot run the workload; empty if it can.
  std::string refusal(const Architecture& architecture) const {
    try {
      require_buildable(engine_, architecture.array);
      require_fit(list_, architecture, rivals_);
    } catch (const InputError& error) {
      return error.what();
    }
    return {};
  }

  void refuse_if_nothing_runs(std::size_t points) const {
    for (std::size_t point = 0; point < points; ++point) {
      if (refusal(spec_.architecture_at(point)).empty()) {
        return;
      }
    }
    throw InputError({spec_.file.string(), "", "no point of the sweep can run this workload",
                      fmt::format("the first says: {}", refusal(spec_.architecture_at(0)))});
  }

  // Every point's MACs where it is stepped through, else an upper bound on those whose values are
  // looked at. Nobody else wants to know.
  std::uint64_t macs_to_compute(std::size_t points) const {
    std::set<FactsKey> seen;
    std::uint64_t macs = 0;
    for (std::size_t point = 0; caller_.listener != nullptr && point < points; ++point) {
      const Architecture architecture = spec_.architecture_at(point);
      if (seen.insert(facts_key(architecture)).second || engine_.steps) {
        macs += list_.macs(architecture.lowering);
      }
    }
    return macs;
  }

  SweepRow row_at(std::size_t point) const {
    SweepRow row{.point = point,
                 .values = spec_.values_at(point),
                 .architecture = {},
                 .refusal = {},
                 .machines = {},
                 .totals = {},
                 .energy = {}};
    row.architecture = spec_.architecture_of(row.values);
    row.refusal = refusal(row.architecture);
    return row;
  }

  std::function<void()> check_stop() const {
    return [this] { caller_.check_stop(); };
  }

  PlanningOptions planning() { return {.check_stop = check_stop(), .known = &known_}; }

  void write_counts(SweepRow& row, const CountedPasses& counted) const {
    row.totals = counted.totals();
    std::vector<const MachineRecord*> records(counted.size());
    std::vector<energy::MachineWork> work;
    for (std::size_t i = 0; i < row.machines.size(); ++i) {
      for (std::size_t pass = 0; pass < records.size(); ++pass) {
        records[pass] = &counted.record(pass, i);
      }
      work.push_back(work_of(row.machines[i], row.architecture, records));
    }
    row.energy = energy_of(row.machines, work, {counted.order, {}}, spec_.prices);
  }

  std::size_t step_through(std::size_t point, const RowSink& sink) {
    SweepRow row = row_at(point);
    if (row.refusal.empty()) {
      const PassPlans plans(list_, row.architecture, rivals_, caller_.pool, planning());
      row.machines = plans.machines();
      CountedPasses counted;
      counted.machines = row.machines.size();
      for (PassRecord& record : simulate(plans, engine_, {}, caller_)) {
        counted.order.push_back(counted.size());
        counted.times.push_back(1);
        std::ranges::move(record.machines, std::back_inserter(counted.records));
      }
      write_counts(row, counted);
    }
    sink(row);
    return 1;
  }

  // The points from `begin` on whose facts are known; if the first one's are not, they are looked
  // for first. So a row is given as early as it can be.
  std::size_t price_batch(std::size_t begin, std::size_t points, const RowSink& sink) {
    const bool has_values = list_.workload().info().values != workloads::ValueSource::kNone;
    std::vector<SweepRow> rows;
    std::size_t most = kBatch;
    while (begin + rows.size() < points && rows.size() < most) {
      SweepRow row = row_at(begin + rows.size());
      if (row.architecture.memory && row.architecture.memory->dram) {
        most = std::min(most, kBatchOfThread * caller_.pool.threads());
      }
      if (has_values && row.refusal.empty() && !complete_.contains(facts_key(row.architecture))) {
        if (!rows.empty()) {
          break;
        }
        const PassPlans plans(list_, row.architecture, {}, caller_.pool, planning());
        complete_facts(plans, engine_, facts_, caller_);
        complete_.insert(facts_key(row.architecture));
      }
      rows.push_back(std::move(row));
    }
    caller_.pool.for_each(rows.size(), [&](std::size_t i, unsigned /*thread*/) {
      if (rows[i].refusal.empty()) {
        WorkerPool alone(1);
        const PassPlans plans(list_, rows[i].architecture, rivals_, alone, planning());
        rows[i].machines = plans.machines();
        write_counts(rows[i], count_passes(plans, facts_, check_stop()));
      }
    });
    std::ranges::for_each(rows, sink);
    return rows.size();
  }

  const PassList& list_;
  const SweepSpec& spec_;
  const EngineInfo& engine_;
  std::vector<Unit> rivals_;
  const Caller& caller_;
  FactStore facts_;
  KnownTiles known_;
  std::set<FactsKey> complete_;
};

}  // namespace

void run_sweep(const workloads::Workload& workload, const SweepSpec& spec, const Caller& caller,
               const RowSink& sink) {
  if (!spec.selection.selects_any(workload.layers())) {
    throw InputError(
        {spec.file.string(), "",
         fmt::format("{} select nothing of {}", spec.selection.text(), workload.path().string()),
         fmt::format("see its layers with: potomac trace info {}", workload.path().string())});
  }
  const PassList list(workload, spec.selection);
  require_priceable(spec.prices.tables, spec.rivals.asked);
  Sweep(list, spec, caller).run(sink);
}

}  // namespace potomac::sim
