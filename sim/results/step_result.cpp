#include "sim/results/step_result.hpp"

#include "energy/pricing/comparison.hpp"

namespace potomac::sim {

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
