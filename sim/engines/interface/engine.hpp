// What an engine is: it runs one pass of a layer on one array, and yields cycles, action counts and
// results. All engines yield the same, bit for bit, as far as they yield it; they differ in how
// they get there (docs/architecture.md).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "energy/counts/actions.hpp"
#include "energy/counts/register_toggles.hpp"
#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/engines/interface/pace.hpp"
#include "sim/engines/interface/value_facts.hpp"
#include "sim/engines/interface/worker_pool.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/machine/cycles.hpp"
#include "sim/machine/pe_map.hpp"
#include "sim/machine/schedule.hpp"
#include "sim/machine/unit.hpp"
#include "support/count.hpp"
#include "workloads/layers/lowering.hpp"

namespace sc_core {
class sc_clock;
}

namespace potomac::sim {

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

// One pass to be run. What it points at must outlive the run.
struct Job {
  // What the PEs hold. Rivals of FP32 have closed forms only (EngineInfo::closed_forms).
  Unit unit = Unit::kMfMac;
  const Architecture* architecture = nullptr;
  const Schedule* schedule = nullptr;  // of this architecture's array and dataflow

  // The GEMMs of the schedule with their operands, or none: then what depends on values is unknown.
  // MF-MAC multiplies the codes; of other units these only say what is zero, and where the FP32
  // MAC's sums are computed, they have values.
  const workloads::LoweredPass* operands = nullptr;
  rtl::Accumulator accumulator;  // of the operands (require_fit()); MF-MAC only

  // What is known already of these operands under this accumulator: an engine that need not look at
  // the values to count cycles then does not. An engine that steps every PE counts for itself.
  const ValueFacts* facts = nullptr;

  // What may hold the array back, or none.
  Pace* pace = nullptr;

  // For an array that has closed forms, beside one over the same zeros: how many were met there,
  // and that array's counts if its schedule was this one and nothing held it back.
  const ZeroCounts* zeros = nullptr;
  const PassCounts* counted = nullptr;
};

// What is wanted of a run besides its counts. Values and toggles need operands; without them, no
// value is handed on, and toggles are not known.
struct Detail {
  AccumulatorSink accumulators = {};  // MF-MAC
  Fp32Sink fp32 = {};                 // FP32 MAC
  MacsDone done = {};
  bool toggles = false;
  PeMapSink pes = {};  // of engines that step: what each PE did
};

class Engine {
 public:
  virtual ~Engine() = default;

  // Precondition: a job as described above. Throws InputError if this engine cannot build the
  // architecture's array, or if it needs operands and there are none.
  virtual PassCounts run(const Job& job, const Detail& detail) = 0;

  // What the values of a pass decide, as this engine knows it, and its results to `sink`, if there
  // is one. Preconditions: EngineInfo::steps is false; with a sink, computes_sums is true.
  virtual ValueFacts facts(const workloads::LoweredPass& operands,
                           const rtl::Accumulator& accumulator, const AccumulatorSink& sink,
                           const MacsDone& done);
};

// SystemC modules that stand beside an array which is stepped through, like a memory's.
class SystemModules {
 public:
  virtual ~SystemModules() = default;
  // Called before a pass runs, with what holds the array back in it (or null). What is returned
  // holds it back instead.
  virtual Pace* begin(Pace* pace) = 0;
  // Called behind a pass's last cycle; throws std::logic_error if something went wrong in it.
  virtual void end() = 0;
};
using MakeSystemModules = std::function<std::unique_ptr<SystemModules>(sc_core::sc_clock& clock)>;

// Told, in a line, of preparations that take seconds.
using Say = std::function<void(const std::string& line)>;

// What an engine is made with. An engine that has a use for threads shares out its work over the
// pool, which must outlive it; one of SystemC has the modules beside its arrays, if there are any.
struct EngineParts {
  WorkerPool& pool;
  MakeSystemModules modules = {};
  Say say = {};
};

// An engine, as whoever chooses one sees it.
struct EngineInfo {
  std::string_view name;
  std::string_view meaning;    // in a line, for people
  bool needs_values = false;   // refuses a workload that has shapes only
  bool computes_sums = false;  // yields results, and toggles of registers
  bool closed_forms = false;   // cycles and register writes follow from shapes: any unit, at once
  bool steps = false;          // walks every cycle, on one thread, and counts facts for itself
  bool compiles = false;       // each array, when it is first wanted: seconds
  std::int64_t most_pes = 0;   // that an array may have; 0: any number
  std::unique_ptr<Engine> (*make)(const EngineParts& parts) = nullptr;
};

// Throws InputError if the engine cannot build this array (too many PEs to step through).
void require_buildable(const EngineInfo& engine, ArrayShape array);

}  // namespace potomac::sim
