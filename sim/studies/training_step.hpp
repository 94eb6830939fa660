// A whole training step: what it does around the GEMMs of its linear layers, on both machines. Each
// assumption that this takes is a line of text, which a report shows.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "energy/pricing/step_pricing.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/results/selection.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

enum class Optimizer { kSgdMomentum, kAdam };
inline constexpr std::array<Optimizer, 2> kOptimizers = {Optimizer::kSgdMomentum, Optimizer::kAdam};
// "sgd-momentum", "adam".
std::string_view name_of(Optimizer optimizer);

struct TrainingStep {
  Optimizer optimizer = Optimizer::kSgdMomentum;
  std::vector<energy::StepPart> parts;
  std::vector<std::string> assumptions;

  friend bool operator==(const TrainingStep&, const TrainingStep&) = default;
};

// Of the layers that are selected. Throws InputError unless all three passes are.
TrainingStep training_step(const workloads::Workload& workload, const Architecture& architecture,
                           const Selection& selection, Optimizer optimizer);

// Cycles that a part takes: its bits at DRAM's full bandwidth; 0 if there is no DRAM or it is
// ideal.
std::uint64_t cycles_of(const energy::StepWork& work, const Architecture& architecture);

}  // namespace potomac::sim
