#include "sim/results/step_result.hpp"

#include "energy/pricing/comparison.hpp"
#include "sim/machine/bus_rate.hpp"

namespace potomac::sim {

std::uint64_t cycles_of(const energy::StepWork& work, const Architecture& architecture) {
  if (!architecture.memory || !architecture.memory->dram) {
    return 0;
  }
  const BusRate rate = bus_rate(*architecture.memory->dram, architecture.clock_mhz);
  return static_cast<std::uint64_t>(rate.cycles_for(static_cast<std::int64_t>(work.dram_bits())));
}

std::vector<StepComparison> comparisons_of(const TrainingStep& step) {
  std::vector<StepComparison> comparisons;
  for (const energy::StepEnergy& to : step.energy) {
    for (const energy::StepEnergy& of : step.energy) {
      const bool beside = of.table == to.table && of.accounting == to.accounting;
      if (!beside || &of == &to || of.machine != step.machines.front()) {
        continue;
      }
      comparisons.push_back({of.machine, to.machine, to.table, to.accounting, false,
                             energy::reduction_of(of.total_pj, to.total_pj)});
      if (of.total_dram_high_pj && to.total_dram_high_pj) {
        comparisons.push_back(
            {of.machine, to.machine, to.table, to.accounting, true,
             energy::reduction_of(*of.total_dram_high_pj, *to.total_dram_high_pj)});
      }
    }
  }
  return comparisons;
}

}  // namespace potomac::sim
