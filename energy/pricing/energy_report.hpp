// What one machine's work costs, by one table and one accounting: what every accounting yields, and
// all that a report says of energy. Comparing two machines is a function of two of these.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "energy/pricing/unit_energy_table.hpp"
#include "support/count.hpp"

namespace potomac::energy {

// The parts of a machine's energy, in the order in which they are added up. DRAM is at the low end
// of its table's range.
enum class Component : std::size_t { kArithmetic, kRegisters, kClock, kScratchpads, kDram };
struct ComponentInfo {
  std::string_view name;   // in report.json
  std::string_view label;  // for people
};
inline constexpr std::array<ComponentInfo, 5> kComponents = {{{"arithmetic", "arithmetic"},
                                                              {"registers", "registers"},
                                                              {"clock", "clock"},
                                                              {"scratchpads", "scratchpads"},
                                                              {"dram", "DRAM"}}};

// One operation of a MAC, a name of kActions.
struct ActionEnergy {
  std::string_view action;
  std::uint64_t charged = 0;  // operations that were priced
  Count fired;                // operations that the engine counted; zero gating makes them fewer
  double pj = 0.0;
  double zeros_gated_pj =
      0.0;  // without MACs that have a zero operand, where their number is known

  friend bool operator==(const ActionEnergy&, const ActionEnergy&) = default;
};
inline constexpr std::size_t kMostMacOperations = 3;

// A sum over some of the work: a pass of a layer (both named), a layer, a pass, or all of it.
struct EnergyRow {
  std::string layer;       // empty: over all layers
  std::string pass;        // empty: over all passes
  std::uint64_t macs = 0;  // charged
  // Nothing where the accounting leaves a component out, or the machine has none.
  std::array<std::optional<double>, kComponents.size()> by_component;
  std::optional<double> dram_high_pj;  // DRAM at the high end of its table's range
  bool zeros_known = true;             // how many MACs have a zero operand
  std::array<ActionEnergy, kMostMacOperations> by_action;  // the unused ones behind have no name

  double pj(Component component) const {
    return by_component.at(static_cast<std::size_t>(component)).value_or(0.0);
  }
  bool has(Component component) const {
    return by_component.at(static_cast<std::size_t>(component)).has_value();
  }
  double total_pj() const;
  // The total with DRAM at the high end; nothing where there is no DRAM.
  std::optional<double> total_dram_high_pj() const;
  // The total without the arithmetic of MACs that have a zero operand.
  std::optional<double> total_zeros_gated_pj() const;

  // Adds all but the names.
  EnergyRow& operator+=(const EnergyRow& other);
  friend bool operator==(const EnergyRow&, const EnergyRow&) = default;
};

struct EnergyReport {
  std::string machine;
  std::string table;
  std::string accounting;
  std::string unit;
  std::string node;
  // What registers were priced from: "toggles" that were counted, or "writes", half of the bits
  // each; empty where the accounting leaves registers out.
  std::string registers;
  EnergyRow total;
  // Of a PE of the machine, where the table has it (UnitEnergyTable::pe_area_um2).
  std::optional<double> pe_area_um2 = {};
  // Empty where only the total was asked for.
  std::vector<EnergyRow> by_layer;        // in order of first appearance
  std::vector<EnergyRow> by_pass;         // in order of first appearance
  std::vector<EnergyRow> by_gemm;         // a row for each pass of a layer
  std::vector<UnitEnergy> unit_energies;  // every number used, listed or derived
};

// The one of them with these names; null if there is none.
const EnergyReport* find_energy(std::span<const EnergyReport> reports, std::string_view machine,
                                std::string_view table, std::string_view accounting);

// "energy[mf_mac,horowitz-45nm,structural]": the name of a figure of a report where it is flat.
std::string flat_name(std::string_view figure, const EnergyReport& report);

}  // namespace potomac::energy
