// What unit-energy tables make of simulated passes. Any number of tables price the same records.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "energy/pricing/accounting.hpp"
#include "sim/machine/machine.hpp"
#include "sim/results/pass_record.hpp"
#include "sim/results/run_result.hpp"

namespace potomac::sim {

// What a result is priced by: all tables by each accounting, the one that was asked for in front.
struct Prices {
  std::vector<energy::UnitEnergyTable> tables;
  std::vector<const energy::Accounting*> accountings = {energy::find_accounting("operation")};
};

// The accountings that a word asks for: its own, and behind it `operation`, which it stands on.
// Throws InputError that names the words there are; `where` says where the word was written.
std::vector<const energy::Accounting*> accountings_for(std::string_view word,
                                                       std::string_view where);

// The work of one machine as accountings see it; `records` are its own, pass by pass, and must
// outlive what is returned.
energy::MachineWork work_of(const Machine& machine, const Architecture& architecture,
                            std::span<const MachineRecord* const> records);

// The work of a run's machine, of all of its passes in their order.
energy::MachineWork work_of(const RunResult& run, std::size_t machine);

// Whether the table has what the arithmetic of a rival needs; MF-MAC and the FP32 MAC must have it.
bool is_priceable(const energy::UnitEnergyTable& table, const Machine& machine);

// What the machines' work costs, by accounting, then table, then machine. A rival whose arithmetic
// a table does not price has no energy by it. Throws InputError if a table lacks another entry.
std::vector<energy::EnergyReport> energy_of(std::span<const Machine> machines,
                                            std::span<const energy::MachineWork> work,
                                            const energy::WorkOrder& order, const Prices& prices);

// Prices a result anew: energies, methods, and a training step's. Throws InputError
// as energy_of() does.
void price(RunResult& result, const Prices& prices);

// Keeps of a priced result what these accountings say, in their order. False, and nothing changes,
// if it was not priced by each of them.
bool keep_accountings(RunResult& result, std::span<const energy::Accounting* const> accountings);

// Throws InputError if a table cannot price one of these units.
void require_priceable(std::span<const energy::UnitEnergyTable> tables,
                       std::span<const Unit> units);

// The first table's figure for a machine by that accounting; null where nothing was priced.
const energy::EnergyReport* shown_energy(const RunResult& result, std::string_view machine);

}  // namespace potomac::sim
