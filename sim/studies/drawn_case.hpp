// Machines, layers and values drawn from a seed, for engines to be compared on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/machine/architecture.hpp"
#include "workloads/layers/layer.hpp"

namespace potomac::sim {

struct DrawnCase {
  Architecture architecture;
  workloads::Layer layer;
  workloads::Pass pass = workloads::Pass::kForward;
  // The seed, for a machine without a memory, of one that holds the array back at random.
  std::optional<std::uint64_t> stalls;
};

// Machine number `index` of a seed.
Architecture draw_machine(std::uint64_t seed, std::uint64_t index);

// Case number `index` of a seed: the same on every machine. `fixed` is the architecture of all
// cases; without one each draws its own. Layers are small, and often degenerate; values dense,
// sparse, or as close to overflow as they come. Throws InputError if no tensor fits `fixed`.
DrawnCase draw_case(std::uint64_t seed, std::uint64_t index,
                    const std::optional<Architecture>& fixed);

// What a case is, in a line.
std::string describe(const DrawnCase& drawn);

}  // namespace potomac::sim
