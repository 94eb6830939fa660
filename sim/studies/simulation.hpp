// A workload through one machine: what the engine says of each pass. A run does this once; a sweep
// does it for every design point, and lets all of them use one store of value facts, so that no MAC
// is computed twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "sim/engines/engines.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/results/pass_record.hpp"
#include "sim/results/selection.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

// Takes the results of a pass as they are computed (docs/report.md, --dump-outputs).
class OutputStore {
 public:
  virtual ~OutputStore() = default;
  // Called before a pass is run, which must outlive the results. A result's value is
  // acc * 2^scale_exponent.
  virtual void begin(const workloads::LoweredPass& pass, int scale_exponent) = 0;
  virtual AccumulatorSink accumulators() = 0;
  // Asked for once for each pass that the baseline has. Empty where its values are not wanted.
  virtual Fp32Sink fp32() = 0;
};

// Called again and again with MACs that are done, from any thread.
using WorkDone =
    std::function<void(const std::string& layer, workloads::Pass pass, std::uint64_t macs)>;

// Value facts by layer, pass, lowering and accumulator. They take a hundred bytes a pass.
class FactStore {
 public:
  // Null if they are not known.
  const ValueFacts* find(std::size_t layer, workloads::Pass pass,
                         const workloads::Lowering& lowering,
                         const rtl::Accumulator& accumulator) const;
  const ValueFacts& add(std::size_t layer, workloads::Pass pass,
                        const workloads::Lowering& lowering, const rtl::Accumulator& accumulator,
                        const ValueFacts& facts);

 private:
  using Key = std::tuple<std::size_t, workloads::Pass, workloads::StridedBackwardData, int, int,
                         rtl::Overflow>;
  static Key key_of(std::size_t layer, workloads::Pass pass, const workloads::Lowering& lowering,
                    const rtl::Accumulator& accumulator);
  std::map<Key, ValueFacts> facts_;
};

struct SimulationOptions {
  Selection selection;
  // Runs the FP32 array too. Without it the baseline's counts come in closed form, which the
  // engines' identity test proves against that array.
  bool simulate_baseline = false;
  bool toggles = false;  // of the registers of both arrays
  bool others = false;   // the arrays with narrower operands too (PassRecord::others)
  OutputStore* store = nullptr;
  WorkDone done = {};
};

// Reads the workload layer by layer, and runs the wanted passes of each. Throws InputError: damaged
// values, a PE that cannot hold them, a memory that is too small. `pool` plans the memory.
std::vector<PassRecord> simulate(const workloads::Workload& workload,
                                 const Architecture& architecture, Engine& engine, WorkerPool& pool,
                                 const SimulationOptions& options);

// Computes the facts that the store lacks, layer by layer: as `fast` does, tiles on all threads, or
// as `count` does, without a look at products.
void complete_facts(const workloads::Workload& workload, const Architecture& architecture,
                    const Selection& selection, EngineKind engine, FactStore& facts,
                    WorkerPool& pool, const WorkDone& done);

// The records of the engine whose facts the store holds. Precondition: it is complete for this
// architecture and selection.
std::vector<PassRecord> simulate_from_facts(const workloads::Workload& workload,
                                            const Architecture& architecture,
                                            const Selection& selection, const FactStore& facts);

}  // namespace potomac::sim
