// `potomac run` as a library: a workload through one machine, to everything that a report shows.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "energy/pricing/operation_accounting.hpp"
#include "energy/pricing/structural_accounting.hpp"
#include "energy/pricing/unit_energy_table.hpp"
#include "sim/engines/engines.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/results/assumption.hpp"
#include "sim/results/pass_record.hpp"
#include "sim/results/selection.hpp"
#include "sim/studies/training_step.hpp"
#include "sim/studies/waveform.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

struct RunOptions {
  Architecture architecture;
  EngineKind engine = EngineKind::kFast;
  unsigned threads = 0;  // 0: all cores
  Selection selection;
  std::vector<energy::UnitEnergyTable> tables;
  bool structural = false;           // price by the `structural` accounting too
  std::optional<Optimizer> step;     // the whole training step, with this
  std::optional<Densities> assumed;  // of a workload without values
  bool simulate_baseline = false;
  bool toggles = false;  // count those of both arrays' registers
  std::optional<std::filesystem::path> dump_outputs;
  std::optional<WaveformRequest> waveform;
};

// Where the zeros of one tensor come from, as far as the workload knows.
struct TensorOrigins {
  std::string layer;
  std::string tensor;  // "W", "A" or "G"
  std::optional<workloads::ZeroOrigins> zeros;
};

struct RunResult {
  EngineKind engine = EngineKind::kFast;
  Architecture architecture;
  std::filesystem::path trace;
  workloads::WorkloadInfo workload;
  std::vector<TensorOrigins> zeros;  // of the selected layers' tensors
  std::vector<workloads::NotIncluded> not_included;
  Selection selection;
  std::int64_t left_out = 0;  // passes of the workload that the selection leaves out
  std::vector<PassRecord> passes;
  Quantities totals;
  std::vector<energy::OperationEnergy> energy;       // one per table
  std::vector<energy::StructuralEnergy> structural;  // one per table, or none
  std::optional<TrainingStep> step;
  std::vector<energy::StepEnergy> step_energy;  // of each of `energy`, then of each of `structural`
  std::optional<Densities> assumed;
};

// Prices a result by these tables instead of those that it was priced by. Throws InputError if one
// lacks an entry.
void price_by(RunResult& result, const std::vector<energy::UnitEnergyTable>& tables,
              bool structural);

// Reads the workload layer by layer and simulates what is selected; what can be known to be wrong
// is refused before that. Shows progress on a terminal.
// Throws InputError: a bad workload, a PE that cannot hold it, a selection that selects nothing, an
// output that cannot be written; MachineError if writing fails.
RunResult run(const workloads::Workload& workload, const RunOptions& options);

}  // namespace potomac::sim
