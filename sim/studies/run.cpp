#include "sim/studies/run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "energy/pricing/operation_accounting.hpp"
#include "sim/plan/engine_choice.hpp"
#include "sim/plan/pass_plans.hpp"
#include "sim/studies/output_dump.hpp"
#include "sim/studies/simulation.hpp"
#include "sim/studies/training_step.hpp"
#include "support/error.hpp"
#include "support/output_files.hpp"

namespace potomac::sim {
namespace {

// All that can be known to be wrong before the work begins, but for what planning finds.
void check(const workloads::Workload& workload, const RunOptions& options,
           const EngineInfo& engine) {
  if (!engine.computes_sums && (options.toggles || options.dump_outputs)) {
    throw InputError({"", options.toggles ? "--toggles" : "--dump-outputs",
                      fmt::format("takes every sum, and engine {} computes none", engine.name),
                      "use engine fast, which counts the same"});
  }
  const bool has_values = workload.info().values != workloads::ValueSource::kNone;
  if (options.assumed && has_values) {
    throw InputError({workload.path().string(), "--density",
                      "the workload has values: its zeros are counted, not assumed",
                      "leave out --density"});
  }
  if (options.waveform && !has_values) {
    throw InputError({workload.path().string(), "--vcd", "there are no values to show",
                      "draw some: potomac trace synth"});
  }
  require_buildable(engine, options.architecture.array);
  require_priceable(options.prices.tables, options.rivals.asked);
}

std::vector<TensorOrigins> zero_origins(const PassList& list) {
  std::vector<TensorOrigins> origins;
  std::optional<std::size_t> last;
  for (const PassItem& item : list.items()) {
    if (last == item.layer) {
      continue;
    }
    last = item.layer;
    const workloads::LayerShape& layer = list.layer(item);
    const workloads::LayerFormats& formats = list.workload().formats()[item.layer];
    origins.push_back({layer.name, "W", formats.w.zeros});
    origins.push_back({layer.name, "A", formats.a.zeros});
    if (layer.uses_gradient()) {
      origins.push_back({layer.name, "G", formats.g.zeros});
    }
  }
  return origins;
}

}  // namespace

std::vector<Unit> Rivals::units(const Prices& prices) const {
  const bool all =
      asked.empty() && std::ranges::any_of(prices.accountings, [](const energy::Accounting* one) {
        return one != &energy::operation_accounting();
      });
  if (!all) {
    return asked;
  }
  std::vector<Unit> units;
  for (std::size_t i = kFirstRival; i < kUnits.size(); ++i) {
    units.push_back(kUnits.at(i).unit);
  }
  return units;
}

Rivals rivals_named(std::span<const std::string> names, const std::string& where) {
  Rivals rivals;
  for (const std::string& name : names) {
    const std::optional<Unit> unit = unit_named(name);
    if (!unit || static_cast<std::size_t>(*unit) < kFirstRival) {
      std::vector<std::string_view> known;
      for (std::size_t i = kFirstRival; i < kUnits.size(); ++i) {
        known.push_back(kUnits.at(i).name);
      }
      throw InputError(
          {"", where,
           unit ? fmt::format("{} is always there", name) : fmt::format("there is no '{}'", name),
           fmt::format("choose from {}", fmt::join(known, ", "))});
    }
    if (std::ranges::find(rivals.asked, *unit) == rivals.asked.end()) {
      rivals.asked.push_back(*unit);
    }
  }
  return rivals;
}

RunResult run(const workloads::Workload& workload, const RunOptions& options,
              const Caller& caller) {
  const PassList list(workload, options.selection);
  const EngineInfo& engine = engine_for(workload, options.engine);
  const std::vector<Unit> rivals = options.rivals.units(options.prices);
  require_fit(list, options.architecture, rivals);
  check(workload, options, engine);
  if (options.pe_map) {
    check_pe_map(list, options.architecture, *options.pe_map);
  }
  const PassPlans plans(list, options.architecture, rivals, caller.pool,
                        {.check_stop = [&] { caller.check_stop(); },
                         .with_costs = true,
                         .listener = caller.listener});
  if (options.waveform) {
    check_waveform(workload, options.architecture, *options.waveform, caller.pool);
  }
  RunResult result;
  result.program = this_program();
  result.engine = engine.name;
  result.architecture = options.architecture;
  result.machines = plans.machines();
  result.trace = workload.path();
  result.workload = workload.info();
  result.workload.batch = workloads::batch_of(workload.info().dimensions, workload.layers());
  result.zeros = zero_origins(list);
  result.not_included = workload.not_included();
  result.selection = options.selection;
  result.left_out = options.selection.left_out_of(workload.layers());
  result.assumed = options.assumed;
  if (options.step) {
    result.step = training_step(list, options.architecture, *options.step);
  }
  std::optional<OutputDump> dump;
  if (options.dump_outputs) {
    make_folder_of(*options.dump_outputs);
    dump.emplace(*options.dump_outputs, options.simulate_baseline);
  }
  caller.begin(Work::kMacs, list.macs(options.architecture.lowering) *
                                (options.simulate_baseline || options.toggles ? 2 : 1));
  result.passes = simulate(plans, engine,
                           {.simulate_baseline = options.simulate_baseline,
                            .toggles = options.toggles,
                            .store = dump ? &*dump : nullptr},
                           caller);
  if (options.waveform) {
    make_folder_of(options.waveform->file);
    result.frames = write_waveform(workload, options.architecture, *options.waveform, caller);
  }
  if (options.timeline) {
    TimelineOptions timeline = *options.timeline;
    timeline.check_stop = [&] { caller.check_stop(); };
    result.timeline = timeline_of(plans, timeline);
  }
  if (options.pe_map) {
    result.pe_map =
        pe_map_of_pass(plans, *options.pe_map, options.toggles, [&] { caller.check_stop(); });
  }
  if (dump) {
    dump->finish();
  }
  result.totals = totals_of(result.passes, result.machines.size());
  price(result, options.prices);
  return result;
}

}  // namespace potomac::sim
