// The `operation` accounting: arithmetic only, as the source paper of MF-MAC counts. Every MAC is
// charged on both sides: exponent add, sign XOR and accumulation against FP32 multiplication and
// addition. No registers, clock, memory, control or quantizer (see docs/energy.md).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "energy/counts/actions.hpp"
#include "energy/pricing/comparison.hpp"
#include "energy/pricing/unit_energy_table.hpp"

namespace potomac::energy {

inline constexpr std::string_view kOperationAccounting = "operation";

// What pricing needs to know of one GEMM.
struct GemmActivity {
  std::string layer;
  std::string pass;
  std::uint64_t macs = 0;           // M * N * K of every batch and group
  std::uint64_t baseline_macs = 0;  // of the FP32 machine: all of them, or none
  Count zero_operand_macs;          // of macs, with a zero operand, whether gated or not
  int exponent_bits = 4;            // of the exponent adder: operand_bits - 1
  int accumulator_bits = 32;
  ActionCounts mf_mac;
  ActionCounts fp32_mac;
};

// One way to do a MAC, over the same work: from the FP32 MAC down to MF-MAC, and MF-MAC with what
// aligning a product to its place in the accumulator would cost by the table's own shifts.
struct MethodEnergy {
  std::string_view name;   // fp32_mac, fp32_multiplier, fp16_mac ... mf_mac, mf_mac_shift_int32_4
  std::string_view label;  // for people, with what it accumulates in: "BF16 MAC, FP32 sum"
  // The table's entry that this row needs and does not find; the numbers below are then empty.
  std::string missing_entry;
  std::optional<double> per_mac_pj;  // of mf_mac: the mean, as widths may differ between GEMMs
  std::optional<double> total_pj;
  std::optional<double> reduction;     // this row against fp32_mac
  std::optional<double> mf_mac_saves;  // mf_mac against this row; negative where it takes more

  friend bool operator==(const MethodEnergy&, const MethodEnergy&) = default;
};

struct OperationEnergy {
  std::string table;
  std::string_view accounting = kOperationAccounting;
  std::string unit;
  std::string node;
  EnergyRow total;
  std::vector<EnergyRow> by_gemm;   // as given
  std::vector<EnergyRow> by_layer;  // in order of first appearance
  std::vector<EnergyRow> by_pass;   // in order of first appearance
  std::vector<MethodEnergy> methods;
  std::vector<UnitEnergy> unit_energies;  // every number used, listed or derived
};

// Prices `gemms` with one table. Sums run in the order of `gemms`, so equal input gives equal bits.
// Throws InputError if the table lacks an entry that mf_mac or fp32_mac needs, and
// std::invalid_argument if a GEMM has more MACs with a zero operand than MACs.
OperationEnergy price_operations(const UnitEnergyTable& table, std::span<const GemmActivity> gemms);

}  // namespace potomac::energy
