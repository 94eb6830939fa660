// The `structural` accounting: arithmetic as `operation` charges it, and what stands around it:
// registers, their clock, scratchpads, DRAM (docs/energy.md derives each, with its assumptions).
// No control, no wires between PEs, no quantizer, and no leakage: no table has a source for it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "energy/counts/actions.hpp"
#include "energy/counts/memory_accesses.hpp"
#include "energy/counts/register_toggles.hpp"
#include "energy/pricing/operation_accounting.hpp"
#include "energy/pricing/unit_energy_table.hpp"

namespace potomac::energy {

inline constexpr std::string_view kStructuralAccounting = "structural";

// The array of one machine, as far as it costs energy.
struct ArrayRegisters {
  std::uint64_t bits = 0;  // of all registers
  int operand_bits = 0;    // of one that holds an operand
  int sum_bits = 0;        // of one that holds a sum
};

struct ScratchpadSize {
  std::int64_t kib = 0;
  std::int64_t word_bits = 0;
};

// The machines that did the work: the same scratchpads around two arrays.
struct StructuralMachines {
  ArrayRegisters mf_mac;
  ArrayRegisters fp32_mac;
  std::map<int, ArrayRegisters> others;  // of arrays with narrower operands, by their bits
  // Of the first operand, the second, the results; none: no memory was simulated.
  std::optional<std::array<ScratchpadSize, 3>> scratchpads;
};

// One pass on one machine.
struct StructuralActivity {
  std::uint64_t cycles = 0;
  ActionCounts actions;
  RegisterToggles toggles;  // or unknown
  MemoryAccesses memory;    // unknown without a memory
};

struct StructuralPass {
  GemmActivity arithmetic;
  StructuralActivity mf_mac;
  StructuralActivity fp32_mac;
  std::map<int, StructuralActivity> others;  // by operand bits; none where they were not simulated
};

struct MachinePair {
  double mf_mac_pj = 0.0;
  double fp32_mac_pj = 0.0;

  MachinePair& operator+=(const MachinePair& other);
  std::optional<double> reduction() const { return reduction_of(mf_mac_pj, fp32_mac_pj); }
  friend bool operator==(const MachinePair&, const MachinePair&) = default;
};

// The parts of both machines' energy. DRAM has two figures where its source gives a range.
struct StructuralRow {
  std::string layer;  // empty: over all layers
  std::string pass;   // empty: over all passes
  MachinePair arithmetic;
  MachinePair registers;
  MachinePair clock;
  std::optional<MachinePair> scratchpads;  // without a memory: not known
  std::optional<MachinePair> dram;         // at the low end of the range
  std::optional<MachinePair> dram_high;    // at its high end

  // All of it, with DRAM at either end.
  MachinePair total() const;
  MachinePair total_high() const;
  friend bool operator==(const StructuralRow&, const StructuralRow&) = default;
};

struct StructuralEnergy {
  std::string table;
  std::string unit;
  std::string node;
  bool toggles_counted = false;  // registers from toggles; else from writes, half of the bits each
  StructuralRow total;
  std::vector<StructuralRow> by_gemm;   // as given
  std::vector<StructuralRow> by_layer;  // in order of first appearance
  std::vector<StructuralRow> by_pass;
  // The rows of `operation` with their own registers, traffic and cycles, DRAM at its low end: as
  // far as arrays of their width were simulated.
  std::vector<MethodEnergy> methods;
  std::vector<UnitEnergy> unit_energies;  // every number used, listed or derived
};

// Prices `passes` with one table. Sums run in the order of `passes`, so equal input gives equal
// bits. Throws InputError if the table lacks an entry that is needed.
StructuralEnergy price_structure(const UnitEnergyTable& table,
                                 std::span<const StructuralPass> passes,
                                 const StructuralMachines& machines);

}  // namespace potomac::energy
