// The one walk over a list of planned passes: what the engine says of each, on each machine. A run
// does it once; a sweep does it for every design point, and lets all of them use one store of value
// facts, so that no MAC is computed twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <tuple>
#include <vector>

#include "sim/engines/interface/engine.hpp"
#include "sim/plan/pass_plans.hpp"
#include "sim/results/pass_record.hpp"
#include "sim/studies/caller.hpp"

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

// Value facts by layer, pass, lowering and accumulator, and those of the layers' originals, of
// which only zeros count. They take a hundred bytes a pass.
class FactStore {
 public:
  // Null if they are not known.
  const ValueFacts* find(const PassItem& item, const workloads::Lowering& lowering,
                         const rtl::Accumulator& accumulator) const;
  void add(const PassItem& item, const workloads::Lowering& lowering,
           const rtl::Accumulator& accumulator, const ValueFacts& facts);

  const ValueFacts* find_originals(const PassItem& item, const workloads::Lowering& lowering) const;
  void add_originals(const PassItem& item, const workloads::Lowering& lowering,
                     const ValueFacts& facts);

 private:
  using PassKey = std::tuple<std::size_t, workloads::Pass, workloads::StridedBackwardData>;
  using Key = std::tuple<std::size_t, workloads::Pass, workloads::StridedBackwardData, int, int,
                         rtl::Overflow>;
  static PassKey key_of(const PassItem& item, const workloads::Lowering& lowering);
  static Key key_of(const PassItem& item, const workloads::Lowering& lowering,
                    const rtl::Accumulator& accumulator);
  std::map<Key, ValueFacts> facts_;
  std::map<PassKey, ValueFacts> originals_;
};

struct SimulationOptions {
  // Runs the FP32 array too. Without it the baseline's counts come in closed form, which the
  // engines' identity test proves against that array.
  bool simulate_baseline = false;
  bool toggles = false;  // of the registers of the MF-MAC and the FP32 array
  OutputStore* store = nullptr;
};

// Reads the workload layer by layer, and runs the passes of each, by that engine. Throws
// InputError: damaged values.
std::vector<PassRecord> simulate(const PassPlans& plans, const EngineInfo& engine,
                                 const SimulationOptions& options, const Caller& caller);

// Computes the facts that the store lacks, layer by layer, as that engine does.
// Precondition: the engine does not step.
void complete_facts(const PassPlans& plans, const EngineInfo& engine, FactStore& facts,
                    const Caller& caller);

// Passes of which those that are alike, and of whose values nothing is known, are counted once.
struct CountedPasses {
  std::size_t machines = 0;
  std::vector<MachineRecord> records;  // of each pass that is counted, by machine
  std::vector<std::size_t> order;      // of each pass of the list, which it is
  std::vector<std::uint64_t> times;    // that each of them is in the list

  std::size_t size() const { return times.size(); }
  const MachineRecord& record(std::size_t pass, std::size_t machine) const {
    return records[pass * machines + machine];
  }
  // The totals of each machine.
  std::vector<Quantities> totals() const;
};

// What the engine whose facts the store holds says, from these alone. Precondition: the store is
// complete for these plans. To be called from any thread. `before_each` is called before each pass
// is counted: what it throws ends it.
CountedPasses count_passes(const PassPlans& plans, const FactStore& facts,
                           const std::function<void()>& before_each = {});

}  // namespace potomac::sim
