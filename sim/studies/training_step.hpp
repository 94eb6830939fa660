// A whole training step: what it does around the GEMMs of its linear layers, on both machines. Each
// assumption that this takes is a line of text, which a report shows.
#pragma once

#include "sim/machine/architecture.hpp"
#include "sim/plan/pass_list.hpp"
#include "sim/results/step_result.hpp"

namespace potomac::sim {

// The step of the layers that are selected, not priced yet. Throws InputError unless all three
// passes are.
TrainingStep training_step(const PassList& list, const Architecture& architecture,
                           Optimizer optimizer);

}  // namespace potomac::sim
