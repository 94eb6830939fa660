#include "sim/results/pricing.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>

#include "energy/pricing/operation_accounting.hpp"
#include "sim/machine/array_registers.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

energy::PassActivity activity_of(const MachineRecord& record, const Machine& machine,
                                 int exponent_bits) {
  const Quantities& q = record.quantities;
  return {.macs = q.macs,
          .zero_operand_macs = q.zero_operand_macs(),
          .exponent_bits = exponent_bits,
          .accumulator_bits = record.accumulator ? record.accumulator->bits : machine.sum_bits,
          .cycles = q.cycles.total(),
          .actions = &q.actions,
          .toggles = &q.toggles,
          .memory = &q.memory};
}

// What the methods' rows were priced with stands beside what MF-MAC was.
void keep_used(energy::EnergyReport& report, std::vector<energy::UnitEnergy> used) {
  for (energy::UnitEnergy& unit : used) {
    if (std::ranges::find(report.unit_energies, unit.entry, &energy::UnitEnergy::entry) ==
        report.unit_energies.end()) {
      report.unit_energies.push_back(std::move(unit));
    }
  }
}

}  // namespace

energy::MachineWork work_of(const RunResult& run, std::size_t machine) {
  std::vector<const MachineRecord*> records;
  records.reserve(run.passes.size());
  for (const PassRecord& record : run.passes) {
    records.push_back(&record.machines[machine]);
  }
  return work_of(run.machines[machine], run.architecture, records);
}

bool is_priceable(const energy::UnitEnergyTable& table, const Machine& machine) {
  return machine.unit == Unit::kMfMac || machine.unit == Unit::kFp32Mac ||
         energy::missing_entry_of(table, machine.id, machine.sum_bits).empty();
}

std::vector<const energy::Accounting*> accountings_for(std::string_view word,
                                                       std::string_view where) {
  const energy::Accounting* const asked = energy::find_accounting(word);
  if (asked == nullptr) {
    throw InputError({"", std::string(where), fmt::format("there is no '{}'", word),
                      fmt::format("choose from {}", fmt::join(energy::accounting_names(), ", "))});
  }
  std::vector<const energy::Accounting*> all = {asked};
  if (asked != &energy::operation_accounting()) {
    all.push_back(&energy::operation_accounting());
  }
  return all;
}

energy::MachineWork work_of(const Machine& machine, const Architecture& architecture,
                            std::span<const MachineRecord* const> records) {
  energy::MachineWork work{.machine = machine.id,
                           .unit = info_of(machine.unit).name,
                           .registers = {.bits = register_bits(machine, architecture),
                                         .operand_bits = machine.operand_bits,
                                         .aligned_bits = aligned_bits(machine, architecture),
                                         .sum_bits = machine.sum_bits},
                           .scratchpads = {},
                           .passes = {}};
  if (architecture.memory) {
    const MemoryConfig& memory = *architecture.memory;
    const auto scratchpad = [](const ScratchpadConfig& config, std::int64_t element_bits) {
      return energy::ScratchpadSize{config.kib, word_bits_of(config, element_bits)};
    };
    const bool is_mf_mac = machine.unit == Unit::kMfMac;  // whose words hold all that it is given
    const std::int64_t operand_bits = is_mf_mac ? 0 : machine.operand_bits;
    work.scratchpads = {{scratchpad(memory.first, operand_bits),
                         scratchpad(memory.second, operand_bits),
                         scratchpad(memory.results, is_mf_mac ? 0 : machine.sum_bits)}};
  }
  const int exponent_bits = rtl::PotFormat(architecture.pe.operand_bits).exponent_bits();
  work.passes.reserve(records.size());
  for (const MachineRecord* const record : records) {
    work.passes.push_back(activity_of(*record, machine, exponent_bits));
  }
  return work;
}

std::vector<energy::EnergyReport> energy_of(std::span<const Machine> machines,
                                            std::span<const energy::MachineWork> work,
                                            const energy::WorkOrder& order, const Prices& prices) {
  std::vector<energy::EnergyReport> reports;
  for (const energy::Accounting* const accounting : prices.accountings) {
    for (const energy::UnitEnergyTable& table : prices.tables) {
      for (std::size_t i = 0; i < machines.size(); ++i) {
        if (is_priceable(table, machines[i])) {
          reports.push_back(energy::price(*accounting, table, work[i], order));
          const Machine& machine = machines[i];
          reports.back().pe_area_um2 =
              table.pe_area_um2(info_of(machine.unit).name, machine.operand_bits, machine.sum_bits);
        }
      }
    }
  }
  return reports;
}

void price(RunResult& result, const Prices& prices) {
  std::vector<energy::PassName> names;
  for (const PassRecord& record : result.passes) {
    names.push_back({record.layer, std::string(workloads::name_of(record.pass))});
  }
  std::vector<std::size_t> order(result.passes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<energy::MachineWork> work;
  for (std::size_t i = 0; i < result.machines.size(); ++i) {
    work.push_back(work_of(result, i));
  }
  result.energy = energy_of(result.machines, work, {order, names}, prices);
  result.methods.clear();
  if (result.step) {
    result.step->energy.clear();
  }
  const std::span<const energy::EnergyReport> reports = result.energy;
  for (const energy::Accounting* const accounting : prices.accountings) {
    for (const energy::UnitEnergyTable& table : prices.tables) {
      energy::PriceList of_methods(table);
      const std::vector<energy::MethodEnergy> methods =
          energy::methods_of(*accounting, of_methods, reports);
      result.methods.insert(result.methods.end(), methods.begin(), methods.end());
      for (energy::EnergyReport& report : result.energy) {
        if (report.machine == result.machines[kMfMacMachine].id && report.table == table.name() &&
            report.accounting == accounting->name()) {
          keep_used(report, of_methods.take_used());
        }
      }
      if (!result.step) {
        continue;
      }
      for (std::size_t i = 0; i < result.step->machines.size(); ++i) {
        if (const auto* const gemms = energy::find_energy(reports, result.step->machines[i],
                                                          table.name(), accounting->name())) {
          result.step->energy.push_back(energy::price_step(table, result.step->parts, i, *gemms));
        }
      }
    }
  }
}

bool keep_accountings(RunResult& result, std::span<const energy::Accounting* const> accountings) {
  const auto by = [](const energy::Accounting* accounting) {
    return [accounting](const auto& priced) { return priced.accounting == accounting->name(); };
  };
  if (!std::ranges::all_of(accountings, [&](const energy::Accounting* accounting) {
        return std::ranges::any_of(result.energy, by(accounting));
      })) {
    return false;
  }
  const auto keep = [&](auto& all) {
    std::remove_reference_t<decltype(all)> kept;
    for (const energy::Accounting* const accounting : accountings) {
      std::ranges::copy_if(all, std::back_inserter(kept), by(accounting));
    }
    all = std::move(kept);
  };
  keep(result.energy);
  keep(result.methods);
  if (result.step) {
    keep(result.step->energy);
  }
  return true;
}

void require_priceable(std::span<const energy::UnitEnergyTable> tables,
                       std::span<const Unit> units) {
  for (const energy::UnitEnergyTable& table : tables) {
    for (const Unit unit : units) {
      const UnitInfo& info = info_of(unit);
      const std::string missing = energy::missing_entry_of(table, info.name, info.sum_bits);
      if (!missing.empty()) {
        throw InputError({table.file(),
                          fmt::format("table '{}', key 'entries.{}'", table.name(), missing),
                          fmt::format("is missing, and pricing {} needs it", info.name),
                          "add it with its source, or price with another table"});
      }
    }
  }
}

const energy::EnergyReport* shown_energy(const RunResult& result, std::string_view machine) {
  return result.energy.empty()
             ? nullptr
             : energy::find_energy(result.energy, machine, result.energy.front().table,
                                   result.energy.front().accounting);
}

}  // namespace potomac::sim
