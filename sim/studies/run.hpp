// `potomac run` as a library: a workload through its machines, to everything that a report shows.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/results/assumption.hpp"
#include "sim/results/pricing.hpp"
#include "sim/results/run_result.hpp"
#include "sim/results/selection.hpp"
#include "sim/studies/caller.hpp"
#include "sim/studies/gemm_waveform.hpp"
#include "sim/studies/pass_map.hpp"
#include "sim/studies/pass_timeline.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

// The rivals of FP32 that MF-MAC is compared with.
struct Rivals {
  std::vector<Unit> asked;  // each must be priced by every table

  // The units that were asked for; where none was and more than arithmetic is priced, all of them,
  // as far as tables price them.
  std::vector<Unit> units(const Prices& prices) const;
};
// The rivals of these names. Throws InputError that names those there are; `where` says where the
// names were written.
Rivals rivals_named(std::span<const std::string> names, const std::string& where);

struct RunOptions {
  Architecture architecture;
  std::string engine;  // by name; empty: engine_for()
  Selection selection;
  Prices prices;
  Rivals rivals;
  std::optional<Optimizer> step;     // the whole training step, with this
  std::optional<Densities> assumed;  // of a workload without values
  bool simulate_baseline = false;
  bool toggles = false;  // count those of the MF-MAC and the FP32 array's registers
  std::optional<std::filesystem::path> dump_outputs;
  std::optional<WaveformRequest> waveform;
  std::optional<TimelineOptions> timeline;
  std::optional<PeMapRequest> pe_map;  // with toggles, if they are counted
};

// Reads the workload layer by layer and simulates what is selected; what can be known to be wrong
// is refused before that.
// Throws InputError: a bad workload, a PE that cannot hold it, a selection that selects nothing, an
// output that cannot be written; MachineError if writing fails; StoppedError.
RunResult run(const workloads::Workload& workload, const RunOptions& options, const Caller& caller);

}  // namespace potomac::sim
