#include "sim/studies/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "sim/memory/tlm_memory.hpp"
#include "sim/plan/fit.hpp"
#include "sim/plan/memory_plans.hpp"
#include "sim/studies/pricing.hpp"
#include "sim/studies/progress.hpp"
#include "sim/studies/simulation.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

using workloads::Pass;

// Points that are priced side by side before their rows are given away.
constexpr std::size_t kBatch = 512;

// What of a machine decides which facts it needs, and whether its PE can hold the workload.
using FactsKey =
    std::tuple<int, int, std::optional<int>, rtl::Overflow, workloads::StridedBackwardData>;
FactsKey facts_key(const Architecture& architecture) {
  const PeConfig& pe = architecture.pe;
  return {pe.operand_bits, pe.accumulator.bits, pe.accumulator.lsb, pe.accumulator.overflow,
          architecture.lowering.strided_backward_data};
}

class Sweep {
 public:
  Sweep(const workloads::Workload& workload, const SweepSpec& spec, unsigned threads)
      : workload_(workload),
        spec_(spec),
        kind_(engine_for(workload, spec.engine)),
        pool_(kind_ == EngineKind::kSystemC ? 1 : threads),
        engine_(make_engine_with_memory(kind_, pool_)) {}

  void run(const RowSink& sink) {
    const std::size_t points = spec_.points();
    refuse_if_nothing_runs(points);
    Progress progress(macs_to_compute());
    done_ = [&progress](const std::string& layer, Pass pass, std::uint64_t done) {
      progress.advance(done, fmt::format("{} {}", layer, workloads::name_of(pass)));
    };
    for (std::size_t begin = 0; begin < points;) {
      begin += kind_ == EngineKind::kSystemC ? step_through(begin, sink)
                                             : price_batch(begin, points, sink);
    }
  }

 private:
  // The message of the refusal; empty if the machine can run the workload. Kept by what it depends
  // on, since a sweep has many points of one PE.
  const std::string& refusal(const Architecture& architecture) {
    const auto [found, is_new] = refusals_.try_emplace(facts_key(architecture));
    if (is_new) {
      try {
        require_fit(architecture, workload_, spec_.selection);
      } catch (const InputError& error) {
        found->second = error.what();
      }
    }
    if (!found->second.empty()) {
      return found->second;
    }
    try {
      require_buildable(kind_, architecture);
      require_memory(architecture, workload_, spec_.selection);
      array_refusal_.clear();
    } catch (const InputError& error) {
      array_refusal_ = error.what();
    }
    return array_refusal_;
  }

  void refuse_if_nothing_runs(std::size_t points) {
    if (!spec_.selection.selects_any(workload_.layers())) {
      throw InputError(
          {spec_.file.string(), "",
           fmt::format("{} select nothing of {}", spec_.selection.text(),
                       workload_.path().string()),
           fmt::format("see its layers with: potomac trace info {}", workload_.path().string())});
    }
    for (std::size_t point = 0; point < points; ++point) {
      if (refusal(spec_.architecture_at(point)).empty()) {
        return;
      }
    }
    throw InputError({spec_.file.string(), "", "no point of the sweep can run this workload",
                      fmt::format("the first says: {}", refusal(spec_.architecture_at(0)))});
  }

  // For progress: every point's MACs where it is stepped through, else an upper bound on those
  // whose values are looked at.
  std::uint64_t macs_to_compute() const {
    std::set<FactsKey> seen;
    std::uint64_t macs = 0;
    for (std::size_t point = 0; point < spec_.points(); ++point) {
      const Architecture architecture = spec_.architecture_at(point);
      if (seen.insert(facts_key(architecture)).second || kind_ == EngineKind::kSystemC) {
        macs += spec_.selection.macs_of(workload_.layers(), architecture.lowering);
      }
    }
    return macs;
  }

  SweepRow row_at(std::size_t point) {
    SweepRow row{.point = point,
                 .values = spec_.values_at(point),
                 .architecture = spec_.architecture_at(point),
                 .refusal = {},
                 .totals = {},
                 .energy = {},
                 .structural = {}};
    row.refusal = refusal(row.architecture);
    return row;
  }

  void fill(SweepRow& row, const std::vector<PassRecord>& records) const {
    row.totals = total_of(records);
    for (const energy::UnitEnergyTable& table : spec_.tables) {
      row.energy.push_back(price(table, records));
      if (spec_.structural) {
        row.structural.push_back(price_structure(table, records, row.architecture));
      }
    }
  }

  std::size_t step_through(std::size_t point, const RowSink& sink) {
    SweepRow row = row_at(point);
    if (row.refusal.empty()) {
      fill(row, simulate(workload_, row.architecture, *engine_, pool_,
                         {.selection = spec_.selection, .done = done_}));
    }
    sink(row);
    return 1;
  }

  // The points from `begin` on whose facts are known; if the first one's are not, they are looked
  // for first. So a row is given as early as it can be.
  std::size_t price_batch(std::size_t begin, std::size_t points, const RowSink& sink) {
    std::vector<SweepRow> rows;
    while (begin + rows.size() < points && rows.size() < kBatch) {
      SweepRow row = row_at(begin + rows.size());
      if (row.refusal.empty() && !complete_.contains(facts_key(row.architecture))) {
        if (!rows.empty()) {
          break;
        }
        complete_facts(workload_, row.architecture, spec_.selection, kind_, facts_, pool_, done_);
        complete_.insert(facts_key(row.architecture));
      }
      rows.push_back(std::move(row));
    }
    pool_.for_each(rows.size(), [&](std::size_t i, unsigned /*thread*/) {
      if (rows[i].refusal.empty()) {
        fill(rows[i],
             simulate_from_facts(workload_, rows[i].architecture, spec_.selection, facts_));
      }
    });
    std::ranges::for_each(rows, sink);
    return rows.size();
  }

  const workloads::Workload& workload_;
  const SweepSpec& spec_;
  EngineKind kind_;
  WorkerPool pool_;
  std::unique_ptr<Engine> engine_;
  WorkDone done_;
  FactStore facts_;
  std::set<FactsKey> complete_;
  std::map<FactsKey, std::string> refusals_;
  std::string array_refusal_;
};

}  // namespace

void run_sweep(const workloads::Workload& workload, const SweepSpec& spec, unsigned threads,
               const RowSink& sink) {
  Sweep(workload, spec, threads).run(sink);
}

}  // namespace potomac::sim
