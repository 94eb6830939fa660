// What a unit-energy table makes of simulated passes. Any number of tables price the same records.
#pragma once

#include <vector>

#include "energy/pricing/operation_accounting.hpp"
#include "energy/pricing/structural_accounting.hpp"
#include "energy/pricing/unit_energy_table.hpp"
#include "sim/results/pass_record.hpp"

namespace potomac::sim {

// `operation` accounting. Throws InputError if the table lacks an entry that it needs.
energy::OperationEnergy price(const energy::UnitEnergyTable& table,
                              const std::vector<PassRecord>& records);

// `structural` accounting, of records that this machine made. Throws likewise.
energy::StructuralEnergy price_structure(const energy::UnitEnergyTable& table,
                                         const std::vector<PassRecord>& records,
                                         const Architecture& architecture);

}  // namespace potomac::sim
