#include "sim/studies/point_cost.hpp"

#include "sim/plan/engine_choice.hpp"
#include "sim/plan/pass_plans.hpp"
#include "sim/studies/simulation.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

// Measured on one core of 2023: an order of magnitude is enough to sort by.
constexpr double kSteppedPeCyclesPerSecond = 18e6;
constexpr double kSecondsToChooseTiles = 0.05;
constexpr double kSecondsOfClosedForms = 50e-6;

}  // namespace

PointCosts::PointCosts(const workloads::Workload& workload, const SweepSpec& spec)
    : list_(workload, spec.selection), engine_(engine_for(workload, spec.engine)) {}

double PointCosts::seconds(const Architecture& architecture) const {
  if (!engine_.steps) {
    const bool has_dram = architecture.memory && architecture.memory->dram;
    return has_dram ? kSecondsToChooseTiles : kSecondsOfClosedForms;
  }
  try {
    WorkerPool alone(1);
    const PassPlans plans(list_, architecture, {}, alone);
    const Quantities totals = count_passes(plans, {}).totals()[kMfMacMachine];
    return static_cast<double>(totals.cycles.total()) *
           static_cast<double>(architecture.array.pes()) / kSteppedPeCyclesPerSecond;
  } catch (const InputError& /*it is refused, in no time*/) {
    return kSecondsOfClosedForms;
  }
}

}  // namespace potomac::sim
