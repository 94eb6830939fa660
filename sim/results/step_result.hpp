// A whole training step as results keep it: what is done around the GEMMs, on both machines, with
// every assumption as a line of text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "energy/pricing/step_pricing.hpp"
#include "sim/machine/architecture.hpp"

namespace potomac::sim {

enum class Optimizer { kSgdMomentum, kAdam };
inline constexpr std::array<Optimizer, 2> kOptimizers = {Optimizer::kSgdMomentum, Optimizer::kAdam};
inline constexpr std::array<std::string_view, 2> kOptimizerNames = {"sgd-momentum", "adam"};
inline std::string_view name_of(Optimizer optimizer) {
  return kOptimizerNames.at(static_cast<std::size_t>(optimizer));
}

struct TrainingStep {
  Optimizer optimizer = Optimizer::kSgdMomentum;
  std::vector<std::string> machines;  // ids: whose work each part has
  std::vector<energy::StepPart> parts;
  std::vector<std::string> assumptions;
  std::vector<energy::StepEnergy> energy;  // one for each of the run's, of these machines

  friend bool operator==(const TrainingStep&, const TrainingStep&) = default;
};

// Cycles that a part takes: its bits at DRAM's full bandwidth; 0 if there is no DRAM, or an ideal
// one.
std::uint64_t cycles_of(const energy::StepWork& work, const Architecture& architecture);

// How much less the MF-MAC machine's step takes than another's.
struct StepComparison {
  std::string of;
  std::string to;
  std::string table;
  std::string accounting;
  bool dram_high = false;
  std::optional<double> reduction;
};
std::vector<StepComparison> comparisons_of(const TrainingStep& step);

}  // namespace potomac::sim
