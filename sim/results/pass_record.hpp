// What was simulated, pass by pass and machine by machine: cycles and counts. Nothing here knows of
// energy.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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

// What a machine's tiles cost by themselves, and what other tiles would have: each of the pass's
// GEMMs judged alone, a device as its bandwidth and latency (docs/memory.md). Not known where
// nobody asked.
struct TilesCosts {
  std::string chosen_for;  // an objective, or "given": the user's own; empty: there are no tiles
  Count cycles = Count::unknown();
  Count dram_bits = Count::unknown();
  Count time_cycles = Count::unknown();  // of the tiles that are done first
  Count time_dram_bits = Count::unknown();
  Count traffic_cycles = Count::unknown();  // of those with the least traffic
  Count traffic_dram_bits = Count::unknown();
};
struct TilesCostInfo {
  std::string_view path;
  std::string_view unit;
  std::string_view meaning;
  Count TilesCosts::*member;
};
inline constexpr auto kTilesCosts = std::to_array<TilesCostInfo>({
    {"tiles_cost.cycles", "cycle",
     "of these tiles, each GEMM judged alone, a device as its bandwidth and latency",
     &TilesCosts::cycles},
    {"tiles_cost.dram_bits", "bit", "DRAM traffic of these tiles", &TilesCosts::dram_bits},
    {"tiles_cost.time.cycles", "cycle", "of the tiles that are done first, likewise",
     &TilesCosts::time_cycles},
    {"tiles_cost.time.dram_bits", "bit", "DRAM traffic of the tiles that are done first",
     &TilesCosts::time_dram_bits},
    {"tiles_cost.traffic.cycles", "cycle", "of the tiles with the least traffic, likewise",
     &TilesCosts::traffic_cycles},
    {"tiles_cost.traffic.dram_bits", "bit", "DRAM traffic of the tiles with the least of it",
     &TilesCosts::traffic_dram_bits},
});

// One pass of one layer on one machine.
struct MachineRecord {
  std::optional<rtl::Accumulator> accumulator;  // of MF-MAC
  std::vector<Blocking> tiles;                  // with a memory: of each of the pass's GEMMs
  TilesCosts tiles_costs;
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
