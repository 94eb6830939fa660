// Simulates layers on one machine and gathers what the engine says of each pass. A run feeds it all
// layers of a trace; a sweep feeds each layer to one Simulation per design point. Nothing here
// knows about energy: pricing comes afterwards (price()).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "energy/actions.hpp"
#include "energy/operation_accounting.hpp"
#include "energy/unit_energy_table.hpp"
#include "sim/engines/engine.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/machine/cycles.hpp"
#include "workloads/layers/layer.hpp"
#include "workloads/layers/lowering.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac::sim {

// Which GEMMs of a workload are wanted.
struct Selection {
  std::string layers = "*";  // a shell pattern over layer names
  std::vector<workloads::Pass> passes{workloads::kPasses.begin(), workloads::kPasses.end()};

  // The wanted ones of a layer's passes, in their order.
  std::vector<workloads::Pass> passes_of(const workloads::LayerShape& layer) const;
  // The MACs of the wanted passes of one layer, or of all.
  std::uint64_t macs_of(const workloads::LayerShape& layer) const;
  std::uint64_t macs_of(const std::vector<workloads::LayerShape>& all) const;
};

// Before long work: throws InputError unless the PE can hold one pass of a trace's layer, or unless
// something is selected of the trace and the PE can hold all of it.
void require_fit(const Architecture& architecture, const workloads::TraceReader& trace,
                 std::size_t layer, workloads::Pass pass);
void require_fit(const Architecture& architecture, const workloads::TraceReader& trace,
                 const Selection& selection);

// One pass of one layer: all of its GEMMs (groups, batches) together, one after the other.
struct PassRecord {
  std::string layer;
  workloads::Pass pass = workloads::Pass::kForward;
  workloads::GemmShape shape;
  rtl::Accumulator accumulator;
  int exponent_bits = 0;  // of the PE's exponent adder
  std::uint64_t folds = 0;
  Cycles cycles;
  energy::ActionCounts actions;           // of the MF-MAC array
  energy::ActionCounts baseline_actions;  // of the FP32 array; its cycles are the same
  std::uint64_t zero_operand_macs = 0;

  std::uint64_t macs() const { return static_cast<std::uint64_t>(shape.macs()); }
  // The part of all PE cycles in which a PE had a MAC slot.
  double utilization(ArrayShape array) const;
};

// Totals over some records; `cycles` adds them up, as one array runs one GEMM after the other.
struct Totals {
  std::uint64_t macs = 0;
  std::uint64_t folds = 0;
  std::uint64_t zero_operand_macs = 0;
  Cycles cycles;
  energy::ActionCounts actions;
  energy::ActionCounts baseline_actions;
};
Totals total_of(const std::vector<PassRecord>& records);

// Takes the results of a pass as they are computed (docs/report.md, --dump-outputs).
class OutputStore {
 public:
  virtual ~OutputStore() = default;
  // Called before a pass's first GEMM. A result's value is acc * 2^scale_exponent.
  virtual void begin(const workloads::Layer& layer, workloads::Pass pass,
                     const workloads::GemmShape& shape, int scale_exponent) = 0;
  virtual AccumulatorSink accumulators(std::int64_t gemm_index) = 0;
  // Empty where the baseline's values are not wanted.
  virtual Fp32Sink fp32(std::int64_t gemm_index) = 0;
};

// Called again and again with MACs that are done, from any thread.
using WorkDone =
    std::function<void(const std::string& layer, workloads::Pass pass, std::uint64_t macs)>;

class Simulation {
 public:
  // The engine simulates the MF-MAC array. The baseline's counts come in closed form, which the
  // engines' identity test proves against the FP32 array; with `simulate_baseline` (or a store that
  // wants its values) the engine runs that array too.
  Simulation(const Architecture& architecture, std::unique_ptr<Engine> engine,
             bool simulate_baseline);

  // Runs the wanted passes of a layer. Throws InputError if the PE cannot hold its operands.
  void add(const workloads::Layer& layer, const Selection& selection, OutputStore* store = nullptr,
           const WorkDone& done = {});

  const Architecture& architecture() const { return architecture_; }
  const std::vector<PassRecord>& records() const { return records_; }

 private:
  Architecture architecture_;
  std::unique_ptr<Engine> engine_;
  bool simulate_baseline_;
  std::vector<PassRecord> records_;
};

// The records' energy by one table, `operation` accounting.
energy::OperationEnergy price(const energy::UnitEnergyTable& table,
                              const std::vector<PassRecord>& records);

}  // namespace potomac::sim
