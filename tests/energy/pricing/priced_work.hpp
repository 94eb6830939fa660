// Counts of a few passes on some machines, written by a test, and what an accounting makes of them.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "energy/pricing/accounting.hpp"
#include "energy/pricing/comparison.hpp"

namespace potomac::energy {

// One pass on one machine.
struct CountedPass {
  std::uint64_t macs = 0;
  Count zero_operand_macs;
  int exponent_bits = 4;
  int accumulator_bits = 32;
  std::uint64_t cycles = 0;
  ActionCounts actions;
  RegisterToggles toggles = RegisterToggles::unknown();
  MemoryAccesses memory;
};

struct CountedMachine {
  ArrayRegisters registers;
  std::optional<std::array<ScratchpadSize, 3>> scratchpads;
  std::vector<CountedPass> passes;
};

struct CountedWork {
  std::vector<PassName> names;
  std::map<std::string, CountedMachine> machines;  // by unit
};

struct PricedWork {
  std::string table;
  std::string accounting;
  std::vector<EnergyReport> reports;
  std::vector<MethodEnergy> methods;
  std::vector<UnitEnergy> of_methods;  // numbers that these were priced with

  const EnergyReport& of(std::string_view machine) const {
    const EnergyReport* const found = find_energy(reports, machine, table, accounting);
    if (found == nullptr) {
      throw std::logic_error("no such machine");
    }
    return *found;
  }
  const EnergyRow& total(std::string_view machine) const { return of(machine).total; }
  std::optional<double> reduction(std::string_view to, bool zeros_gated = false) const {
    return reduction_in(compare(reports, "mf_mac"), to, table, accounting, zeros_gated);
  }
  const MethodEnergy& method(std::string_view name) const {
    for (const MethodEnergy& method : methods) {
      if (method.name == name) {
        return method;
      }
    }
    throw std::logic_error("no such method");
  }
};

inline PricedWork price_work(const Accounting& accounting, const UnitEnergyTable& table,
                             const CountedWork& work) {
  PricedWork priced{table.name(), std::string(accounting.name()), {}, {}, {}};
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < work.names.size(); ++i) {
    order.push_back(i);
  }
  for (const auto& [unit, machine] : work.machines) {
    MachineWork counted{unit, unit, machine.registers, machine.scratchpads, {}};
    for (const CountedPass& pass : machine.passes) {
      counted.passes.push_back({pass.macs, pass.zero_operand_macs, pass.exponent_bits,
                                pass.accumulator_bits, pass.cycles, &pass.actions, &pass.toggles,
                                &pass.memory});
    }
    priced.reports.push_back(price(accounting, table, counted, {order, work.names}));
  }
  PriceList prices(table);
  priced.methods = methods_of(accounting, prices, priced.reports);
  priced.of_methods = prices.take_used();
  return priced;
}

}  // namespace potomac::energy
