#include "sim/studies/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/machine/architecture_keys.hpp"
#include "sim/plan/engine_choice.hpp"
#include "sim/plan/pass_plans.hpp"
#include "sim/results/pricing.hpp"
#include "sim/results/si_units.hpp"
#include "sim/studies/simulation.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

// Points that are looked at together: their rows are given away while the next ones are priced.
// With a memory a point takes a good part of a second: fewer then, for each thread.
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
  // `keeper`: null if the sink alone hears of rows.
  Sweep(const PassList& list, const SweepSpec& spec, const Caller& caller, SweepKeeper* keeper,
        const RowSink& sink)
      : list_(list),
        spec_(spec),
        engine_(engine_for(list.workload(), spec.engine)),
        rivals_(spec.rivals.units(spec.prices)),
        has_values_(list.workload().info().values != workloads::ValueSource::kNone),
        batch_(workloads::batch_of(list.workload().info().dimensions, list.workload().layers())),
        caller_(caller),
        keeper_(keeper),
        sink_(sink) {}

  void refuse_if_nothing_runs() const {
    for (std::size_t point = 0; point < spec_.points(); ++point) {
      if (refusal(spec_.architecture_at(point)).empty()) {
        return;
      }
    }
    throw InputError({spec_.file.string(), "", "no point of the sweep can run this workload",
                      fmt::format("the first says: {}", refusal(spec_.architecture_at(0)))});
  }

  void run() {
    const std::size_t points = spec_.points();
    refuse_if_nothing_runs();
    caller_.begin(Work::kMacs, macs_to_compute(points));
    caller_.begin(Work::kPoints, points);
    while (const auto wanted = next_points()) {
      std::vector<SweepRow> rows = identified(*wanted);
      for (std::size_t i = 0; i < rows.size();) {
        caller_.check_stop();
        i = engine_.steps ? step_through(rows, i) : price_some(rows, i);
      }
    }
    give_pending();
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

  // Every point's MACs where it is stepped through, else an upper bound on those whose values are
  // looked at. Nobody else wants to know.
  std::uint64_t macs_to_compute(std::size_t points) const {
    std::set<FactsKey> seen;
    std::uint64_t macs = 0;
    const bool is_wanted = caller_.listener != nullptr && (has_values_ || engine_.steps);
    for (std::size_t point = 0; is_wanted && point < points; ++point) {
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
    if (keeper_ != nullptr) {
      row.stored.emplace().key = keeper_->keys().of(row.architecture);
    }
    return row;
  }

  // The points that come next; those before them that nobody has to look at are done. Nothing: no
  // more.
  std::optional<std::vector<std::size_t>> next_points() {
    std::vector<std::size_t> points;
    if (keeper_ != nullptr) {
      points = keeper_->next(kBatch);
    } else {
      points.resize(std::min(kBatch, spec_.points() - position_));
      std::iota(points.begin(), points.end(), position_);
    }
    const std::size_t position = points.empty() ? spec_.points() : points.back() + 1;
    caller_.advance(Work::kPoints, position - position_ - points.size(), best_text_);
    position_ = position;
    return points.empty() ? std::nullopt : std::optional(std::move(points));
  }

  // The machines of the points, and whether the keeper has them.
  std::vector<SweepRow> identified(std::span<const std::size_t> points) {
    std::vector<SweepRow> rows(points.size());
    caller_.pool.for_each(rows.size(),
                          [&](std::size_t i, unsigned /*thread*/) { rows[i] = row_at(points[i]); });
    if (keeper_ != nullptr) {
      // Of points that are alike the first is simulated: the keeper has it when it meets the next.
      std::set<PointKey> ahead;
      for (const SweepRow& row : pending_) {
        ahead.insert(row.stored->key);
      }
      for (SweepRow& row : rows) {
        row.is_known = !ahead.insert(row.stored->key).second || keeper_->has(row.stored->key);
      }
    }
    return rows;
  }

  std::function<void()> check_stop() const {
    return [this] { caller_.check_stop(); };
  }

  PlanningOptions planning() { return {.check_stop = check_stop(), .known = &known_}; }

  static bool is_simulated(const SweepRow& row) { return row.refusal.empty() && !row.is_known; }

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

  std::vector<PassRecord> pass_records(const PassPlans& plans, const CountedPasses& counted) const {
    std::vector<PassRecord> passes;
    for (const PassItem& item : list_.items()) {
      PassRecord& pass = passes.emplace_back(
          PassRecord{.layer = list_.layer(item).name,
                     .pass = item.pass,
                     .gemms = list_.shape(item, plans.architecture().lowering).gemms,
                     .trained_with = {},
                     .machines = {}});
      for (std::size_t i = 0; i < counted.machines; ++i) {
        pass.machines.push_back(counted.record(counted.order[item.number], i));
      }
    }
    return passes;
  }

  void write_stored(SweepRow& row, std::span<const PassRecord> passes) const {
    if (keeper_ != nullptr) {
      row.stored = stored_point(row.stored->key,
                                {.architecture = row.architecture,
                                 .refusal = row.refusal,
                                 .machines = row.machines,
                                 .totals = row.totals,
                                 .energy = row.energy,
                                 .passes = passes,
                                 .batch = batch_},
                                keeper_->prices());
    }
  }

  void write_result(SweepRow& row, const PassPlans& plans, const CountedPasses& counted) const {
    row.machines = plans.machines();
    write_counts(row, counted);
    const bool keeps_passes = keeper_ != nullptr && keeper_->keeps_passes();
    write_stored(row, keeps_passes ? pass_records(plans, counted) : std::vector<PassRecord>());
  }

  void give_pending() {
    for (const SweepRow& row : pending_) {
      if (keeper_ != nullptr) {
        keeper_->keep(row);
      }
      if (sink_) {
        sink_(row);
      }
      if (is_simulated(row)) {
        note_best(row);
      }
      caller_.advance(Work::kPoints, 1, best_text_);
    }
    pending_.clear();
  }

  void note_best(const SweepRow& row) {
    const double seconds = time_s(row.totals[kMfMacMachine], row.machines[kMfMacMachine]);
    if (best_text_.empty() || seconds < best_s_) {
      best_s_ = seconds;
      best_text_ = fmt::format("best: {}, point {}", si_time(seconds * 1e9), row.point);
    }
  }

  std::size_t step_through(std::vector<SweepRow>& rows, std::size_t place) {
    SweepRow& row = rows[place];
    if (is_simulated(row)) {
      const PassPlans plans(list_, row.architecture, rivals_, caller_.pool, planning());
      CountedPasses counted;
      counted.machines = plans.machines().size();
      for (PassRecord& record : simulate(plans, engine_, {}, caller_)) {
        counted.order.push_back(counted.size());
        counted.times.push_back(1);
        std::ranges::move(record.machines, std::back_inserter(counted.records));
      }
      write_result(row, plans, counted);
    } else if (!row.is_known) {
      write_stored(row, {});
    }
    pending_.push_back(std::move(row));
    give_pending();
    return place + 1;
  }

  bool lacks_facts(const SweepRow& row) const {
    return has_values_ && is_simulated(row) && !complete_.contains(facts_key(row.architecture));
  }

  // Of the rows from `begin` on those whose facts are known; if the first one's are not, they are
  // looked for first. What was simulated before is given meanwhile, and so as early as it can be.
  // Where the rest begins.
  std::size_t price_some(std::vector<SweepRow>& rows, std::size_t begin) {
    if (lacks_facts(rows[begin])) {
      give_pending();
      const PassPlans plans(list_, rows[begin].architecture, {}, caller_.pool, planning());
      complete_facts(plans, engine_, facts_, caller_);
      complete_.insert(facts_key(rows[begin].architecture));
    }
    std::size_t end = begin;
    std::size_t most = kBatch;
    for (; end < rows.size() && end - begin < most && !lacks_facts(rows[end]); ++end) {
      const auto& memory = rows[end].architecture.memory;
      if (memory && memory->dram && is_simulated(rows[end])) {
        most = std::min(most, kBatchOfThread * caller_.pool.threads());
      }
    }
    caller_.pool.for_each(end - begin + 1, [&](std::size_t i, unsigned /*thread*/) {
      if (i == 0) {
        give_pending();
      } else {
        price(rows[begin + i - 1]);
      }
    });
    pending_.assign(std::make_move_iterator(rows.begin() + static_cast<std::ptrdiff_t>(begin)),
                    std::make_move_iterator(rows.begin() + static_cast<std::ptrdiff_t>(end)));
    return end;
  }

  void price(SweepRow& row) {
    if (is_simulated(row)) {
      WorkerPool alone(1);
      const PassPlans plans(list_, row.architecture, rivals_, alone, planning());
      write_result(row, plans, count_passes(plans, facts_, check_stop()));
    } else if (!row.is_known) {
      write_stored(row, {});
    }
  }

  const PassList& list_;
  const SweepSpec& spec_;
  const EngineInfo& engine_;
  std::vector<Unit> rivals_;
  bool has_values_;
  std::optional<std::int64_t> batch_;
  const Caller& caller_;
  SweepKeeper* keeper_;
  const RowSink& sink_;
  FactStore facts_;
  KnownTiles known_;
  std::set<FactsKey> complete_;
  std::size_t position_ = 0;       // behind the points that were looked at
  std::vector<SweepRow> pending_;  // ready, and not given yet
  double best_s_ = 0.0;
  std::string best_text_;
};

PassList list_of(const workloads::Workload& workload, const SweepSpec& spec) {
  if (!spec.selection.selects_any(workload.layers())) {
    throw InputError(
        {spec.file.string(), "",
         fmt::format("{} select nothing of {}", spec.selection.text(), workload.path().string()),
         fmt::format("see its layers with: potomac trace info {}", workload.path().string())});
  }
  require_priceable(spec.prices.tables, spec.rivals.asked);
  return {workload, spec.selection};
}

void run(const workloads::Workload& workload, const SweepSpec& spec, const Caller& caller,
         SweepKeeper* keeper, const RowSink& sink) {
  const PassList list = list_of(workload, spec);
  Sweep(list, spec, caller, keeper, sink).run();
}

}  // namespace

void require_runnable(const workloads::Workload& workload, const SweepSpec& spec) {
  const PassList list = list_of(workload, spec);
  WorkerPool alone(1);
  const Caller nobody{alone};
  const RowSink none;
  Sweep(list, spec, nobody, nullptr, none).refuse_if_nothing_runs();
}

StudyContext context_of(const workloads::Workload& workload, const SweepSpec& spec) {
  std::vector<std::string> machines = {std::string(info_of(Unit::kMfMac).name),
                                       std::string(info_of(Unit::kFp32Mac).name)};
  for (const Unit unit : spec.rivals.units(spec.prices)) {
    machines.emplace_back(info_of(unit).name);
  }
  return context_of(workload, engine_for(workload, spec.engine).name, spec.selection, machines);
}

void run_sweep(const workloads::Workload& workload, const SweepSpec& spec, const Caller& caller,
               const RowSink& sink) {
  run(workload, spec, caller, nullptr, sink);
}

void run_sweep(const workloads::Workload& workload, const SweepSpec& spec, const Caller& caller,
               SweepKeeper& keeper) {
  run(workload, spec, caller, &keeper, {});
}

}  // namespace potomac::sim
