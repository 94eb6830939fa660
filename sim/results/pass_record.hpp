// What was simulated, pass by pass: shapes, cycles and action counts. Nothing here knows of energy.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "energy/counts/actions.hpp"
#include "energy/counts/memory_accesses.hpp"
#include "energy/counts/register_toggles.hpp"
#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/machine/blocking.hpp"
#include "sim/machine/cycles.hpp"
#include "workloads/layers/gemm_shape.hpp"

namespace potomac::sim {

// What the stalls of an array were spent waiting for; unknown where it has no memory.
struct StallBy {
  Count first;
  Count second;
  Count results;

  static StallBy unknown() { return {Count::unknown(), Count::unknown(), Count::unknown()}; }
  StallBy& operator+=(const StallBy& other);
  friend bool operator==(const StallBy&, const StallBy&) = default;
};

// Counts over some work. One array runs one pass after the other, so all of them add up.
struct Quantities {
  std::uint64_t macs = 0;
  std::uint64_t baseline_macs = 0;  // of the FP32 array: none for an activation's second power
  std::uint64_t folds = 0;
  // MACs with a zero operand, gated or not: structural where it is padding or a hole, whatever the
  // values; the others' is a zero of a tensor.
  std::uint64_t structural_zero_macs = 0;
  Count value_zero_macs;
  Cycles cycles;
  Cycles baseline_cycles;
  energy::ActionCounts actions;           // of the MF-MAC array
  energy::ActionCounts baseline_actions;  // of the FP32 array
  energy::RegisterToggles toggles;        // of either; unknown unless asked for
  energy::RegisterToggles baseline_toggles;
  StallBy stall_by;
  StallBy baseline_stall_by;
  energy::MemoryAccesses memory;
  energy::MemoryAccesses baseline_memory;

  Quantities& operator+=(const Quantities& other);
};

// The part of all PE cycles in which a PE had a MAC slot; nothing where there was no cycle.
std::optional<double> utilization(const Quantities& quantities, ArrayShape array);

// The time that the cycles take at the architecture's clock.
double time_s(const Quantities& quantities, const Architecture& architecture);

// The array of the baseline's shape whose operands are narrower: of FP16 or BF16 MACs, FP8 or INT8,
// INT4, all of which sum in 32 bits.
struct OtherMachine {
  int operand_bits = 0;
  Cycles cycles;
  energy::ActionCounts actions;  // what registers do; its arithmetic is the baseline's in number
  energy::MemoryAccesses memory;

  friend bool operator==(const OtherMachine&, const OtherMachine&) = default;
};
inline constexpr std::array<int, 3> kOtherOperandBits = {16, 8, 4};

// One pass of one layer: all of its GEMMs together, one after the other.
struct PassRecord {
  std::string layer;
  workloads::Pass pass = workloads::Pass::kForward;
  std::vector<workloads::GemmShape> gemms;
  rtl::Accumulator accumulator;
  int exponent_bits = 0;  // of the PE's exponent adder
  // With a memory: the tiles of each of `gemms`, on either array.
  std::vector<Blocking> tiles;
  std::vector<Blocking> baseline_tiles;
  std::vector<OtherMachine> others;  // if they were asked for
  Quantities quantities;
};

Quantities total_of(std::span<const PassRecord> records);

}  // namespace potomac::sim
