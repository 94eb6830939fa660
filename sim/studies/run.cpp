#include "sim/studies/run.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "sim/memory/tlm_memory.hpp"
#include "sim/plan/fit.hpp"
#include "sim/plan/memory_plans.hpp"
#include "sim/studies/output_dump.hpp"
#include "sim/studies/pricing.hpp"
#include "sim/studies/progress.hpp"
#include "sim/studies/simulation.hpp"
#include "support/error.hpp"
#include "support/output_files.hpp"

namespace potomac::sim {
namespace {

// All that can be known to be wrong before the work begins.
void check(const workloads::Workload& workload, const RunOptions& options) {
  require_fit(options.architecture, workload, options.selection);
  require_memory(options.architecture, workload, options.selection);
  engine_for(workload, options.engine);
  if (options.engine == EngineKind::kCount && (options.toggles || options.dump_outputs)) {
    throw InputError({"", options.toggles ? "--toggles" : "--dump-outputs",
                      "takes every sum, and engine count computes none",
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
  require_buildable(options.engine, options.architecture);
  if (options.waveform) {
    check_waveform(workload, options.architecture, *options.waveform);
  }
}

std::vector<TensorOrigins> zero_origins(const workloads::Workload& workload,
                                        const Selection& selection) {
  std::vector<TensorOrigins> origins;
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    const workloads::LayerShape& layer = workload.layers()[i];
    if (!selection.passes_of(layer).empty()) {
      const workloads::LayerFormats& formats = workload.formats()[i];
      origins.push_back({layer.name, "W", formats.w.zeros});
      origins.push_back({layer.name, "A", formats.a.zeros});
      if (layer.uses_gradient()) {
        origins.push_back({layer.name, "G", formats.g.zeros});
      }
    }
  }
  return origins;
}

}  // namespace

RunResult run(const workloads::Workload& workload, const RunOptions& options) {
  check(workload, options);
  RunResult result{.engine = options.engine,
                   .architecture = options.architecture,
                   .trace = workload.path(),
                   .workload = workload.info(),
                   .zeros = zero_origins(workload, options.selection),
                   .not_included = workload.not_included(),
                   .selection = options.selection,
                   .left_out = options.selection.left_out_of(workload.layers()),
                   .passes = {},
                   .totals = {},
                   .energy = {},
                   .structural = {},
                   .step = {},
                   .step_energy = {},
                   .assumed = options.assumed};
  if (options.step) {
    result.step = training_step(workload, options.architecture, options.selection, *options.step);
  }
  std::optional<OutputDump> dump;
  if (options.dump_outputs) {
    make_folder_of(*options.dump_outputs);
    dump.emplace(*options.dump_outputs, options.simulate_baseline);
  }
  {
    WorkerPool pool(options.engine == EngineKind::kSystemC ? 1 : options.threads);
    const auto engine = make_engine_with_memory(options.engine, pool);
    Progress progress(options.selection.macs_of(workload.layers(), options.architecture.lowering) *
                      (options.simulate_baseline || options.toggles ? 2 : 1));
    result.passes =
        simulate(workload, options.architecture, *engine, pool,
                 {.selection = options.selection,
                  .simulate_baseline = options.simulate_baseline,
                  .toggles = options.toggles,
                  .others = options.structural,
                  .store = dump ? &*dump : nullptr,
                  .done = [&](const std::string& layer, workloads::Pass pass, std::uint64_t macs) {
                    progress.advance(macs, fmt::format("{} {}", layer, workloads::name_of(pass)));
                  }});
  }
  if (options.waveform) {
    make_folder_of(options.waveform->file);
    write_waveform(workload, options.architecture, *options.waveform);
  }
  if (dump) {
    dump->finish();
  }
  result.totals = total_of(result.passes);
  price_by(result, options.tables, options.structural);
  return result;
}

void price_by(RunResult& result, const std::vector<energy::UnitEnergyTable>& tables,
              bool structural) {
  result.energy.clear();
  result.structural.clear();
  result.step_energy.clear();
  std::vector<energy::StepEnergy> structural_steps;
  for (const energy::UnitEnergyTable& table : tables) {
    result.energy.push_back(price(table, result.passes));
    if (structural) {
      result.structural.push_back(price_structure(table, result.passes, result.architecture));
    }
    if (result.step) {
      result.step_energy.push_back(
          energy::price_step(table, result.step->parts, result.energy.back()));
    }
    if (result.step && structural) {
      structural_steps.push_back(
          energy::price_step(table, result.step->parts, result.structural.back()));
    }
  }
  result.step_energy.insert(result.step_energy.end(), structural_steps.begin(),
                            structural_steps.end());
}

}  // namespace potomac::sim
