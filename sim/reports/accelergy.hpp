// A run's operations and what one costs, in the forms of Accelergy (Y. N. Wu, J. S. Emer, V. Sze,
// ICCAD 2019): action counts of version 0.2, energy reference tables (ERT) of version 0.3.
#pragma once

#include <filesystem>
#include <vector>

#include "energy/pricing/accounting.hpp"
#include "energy/pricing/unit_energy_table.hpp"
#include "sim/results/run_result.hpp"
#include "support/atomic_file.hpp"

namespace potomac::sim {

// For each machine of the run that the table prices, FOLDER/MACHINE/action_counts.yaml and
// ERT.yaml: the counts times the energies, in pJ, are the machine's total, DRAM at the low end.
// Throws InputError if the table lacks an entry.
std::vector<NamedContent> accelergy_files(const RunResult& run,
                                          const energy::UnitEnergyTable& table,
                                          const energy::Accounting& accounting,
                                          const std::filesystem::path& folder);

}  // namespace potomac::sim
