// `potomac run` as a library: a trace through one machine, to everything that a report shows.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "energy/operation_accounting.hpp"
#include "energy/unit_energy_table.hpp"
#include "sim/engines/engine.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/studies/simulation.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac::sim {

// A waveform of one GEMM, written by a SystemC simulation of its own.
struct WaveformRequest {
  std::filesystem::path file;  // ends in ".vcd"
  std::string layer;
  workloads::Pass pass = workloads::Pass::kForward;
};

struct RunOptions {
  std::filesystem::path trace;
  Architecture architecture;
  EngineKind engine = EngineKind::kFast;
  unsigned threads = 0;  // 0: all cores
  Selection selection;
  std::vector<energy::UnitEnergyTable> tables;
  bool simulate_baseline = false;
  std::optional<std::filesystem::path> dump_outputs;
  std::optional<WaveformRequest> waveform;
  // Files that were read to make these options: no output may replace them, nor the trace.
  std::vector<std::filesystem::path> inputs;
};

struct RunResult {
  EngineKind engine = EngineKind::kFast;
  Architecture architecture;
  std::filesystem::path trace;
  workloads::TraceInfo workload;
  std::vector<PassRecord> gemms;
  Totals totals;
  std::vector<energy::OperationEnergy> energy;  // one per table
};

std::string_view name_of(EngineKind engine);

// Reads the trace layer by layer and simulates what is selected; what can be known to be wrong is
// refused before that. Shows progress on a terminal.
// Throws InputError: a bad trace, a PE that cannot hold it, a selection that selects nothing, an
// output that cannot be written; MachineError if writing fails.
RunResult run(const RunOptions& options);

// Writes report.json and layers.csv into `directory`, which is made if it is not there.
void write_reports(const RunResult& result, const std::filesystem::path& directory);

}  // namespace potomac::sim
