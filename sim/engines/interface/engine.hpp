// What an engine is: it runs one pass of a layer on one array, and yields cycles, action counts and
// results. All engines yield the same, bit for bit, as far as they yield it; they differ in how
// they get there (docs/architecture.md).
#pragma once

#include <cstdint>

#include "energy/counts/actions.hpp"
#include "energy/counts/register_toggles.hpp"
#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/engines/interface/pace.hpp"
#include "sim/engines/interface/value_facts.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/machine/cycles.hpp"
#include "sim/machine/schedule.hpp"
#include "support/count.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

// The arithmetic in the PEs: MF-MAC, or FP32 MAC for the baseline, an array of the same shape whose
// operands are the dequantized values.
enum class Unit { kMfMac, kFp32Mac };

// One pass to be run. What it points at must outlive the run.
struct Job {
  Unit unit = Unit::kMfMac;
  const Architecture* architecture = nullptr;
  const Schedule* schedule = nullptr;  // of this architecture's array and dataflow

  // The GEMMs of the schedule with their values, or none: then what depends on values is unknown.
  const workloads::LoweredPass* operands = nullptr;
  rtl::Accumulator accumulator;  // of the operands (require_fit()); MF-MAC only

  // What is known already of these operands under this accumulator: an engine that need not look at
  // the values to count cycles then does not. An engine that steps every PE counts for itself.
  const ValueFacts* facts = nullptr;

  // What may hold the array back, or none.
  Pace* pace = nullptr;
};

// What is wanted of a run besides its counts. Values and toggles need operands; without them, no
// value is handed on, and toggles are not known.
struct Detail {
  AccumulatorSink accumulators = {};  // MF-MAC
  Fp32Sink fp32 = {};                 // FP32 MAC
  MacsDone done = {};
  bool toggles = false;
};

// Zeros that a pass's MACs meet, whether the PE gates them or not.
struct ZeroCounts {
  Count macs;    // with at least one zero operand
  Count starts;  // of these: the first MAC of an output

  friend bool operator==(const ZeroCounts&, const ZeroCounts&) = default;
};

struct PassCounts {
  std::uint64_t folds = 0;
  Cycles cycles;
  energy::ActionCounts actions;
  ZeroCounts zeros;
  energy::RegisterToggles toggles = energy::RegisterToggles::unknown();  // unless asked for

  friend bool operator==(const PassCounts&, const PassCounts&) = default;
};

class Engine {
 public:
  virtual ~Engine() = default;

  // Precondition: a job as described above. Throws InputError if this engine cannot build the
  // architecture's array, or if it needs operands and there are none.
  virtual PassCounts run(const Job& job, const Detail& detail) = 0;
};

}  // namespace potomac::sim
