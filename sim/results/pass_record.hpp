// What was simulated, pass by pass and machine by machine: cycles and counts. Nothing here knows of
// energy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "energy/counts/actions.hpp"
#include "energy/counts/memory_accesses.hpp"
#include "energy/counts/register_toggles.hpp"
#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/machine/blocking.hpp"
#include "sim/machine/cycles.hpp"
#include "sim/machine/machine.hpp"
#include "workloads/layers/gemm_shape.hpp"
#include "workloads/layers/layer.hpp"

namespace potomac::sim {

// What the stalls of an array were spent waiting for; unknown where it has no memory.
struct StallBy {
  Count first;
  Count second;
  Count results;

  static StallBy unknown() { return {Count::unknown(), Count::unknown(), Count::unknown()}; }
  friend bool operator==(const StallBy&, const StallBy&) = default;
};

// What one machine did over some work. An array runs one pass after the other, so all of it adds
// up.
struct Quantities {
  std::uint64_t macs = 0;
  std::uint64_t folds = 0;
  // MACs with a zero operand, gated or not: structural where it is padding or a hole, whatever the
  // values; the others' is a zero of a tensor.
  std::uint64_t structural_zero_macs = 0;
  Count value_zero_macs;
  Cycles cycles;
  energy::ActionCounts actions;
  energy::RegisterToggles toggles;  // unknown unless asked for
  StallBy stall_by;
  energy::MemoryAccesses memory;

  Count zero_operand_macs() const { return value_zero_macs + structural_zero_macs; }
  Quantities& operator+=(const Quantities& other) { return add(other, 1); }
  // What the same work, done so often, adds.
  Quantities& add(const Quantities& other, std::uint64_t times);
  friend bool operator==(const Quantities&, const Quantities&) = default;
};

// The part of all PE cycles in which a PE had a MAC slot; nothing where there was no cycle.
std::optional<double> utilization(const Quantities& quantities, ArrayShape array);

// The time that the cycles take at the machine's clock.
double time_s(const Quantities& quantities, const Machine& machine);

// One pass of one layer on one machine.
struct MachineRecord {
  std::optional<rtl::Accumulator> accumulator;  // of MF-MAC
  std::vector<Blocking> tiles;                  // with a memory: of each of the pass's GEMMs
  Quantities quantities;
};

// One pass of one layer: all of its GEMMs together, one after the other, on each machine. One that
// does not run the pass stands there with 0.
struct PassRecord {
  std::string layer;
  workloads::Pass pass = workloads::Pass::kForward;
  std::vector<workloads::GemmShape> gemms;
  std::optional<workloads::TrainedSum> trained_with;  // where the workload knows
  std::vector<MachineRecord> machines;                // in the order of the run's machines
};

// The totals of each machine.
std::vector<Quantities> totals_of(std::span<const PassRecord> records, std::size_t machines);

}  // namespace potomac::sim
