// `potomac verify`: engines against each other on drawn machines, layers and values. All of them
// must give the same cycles, results and counts, bit for bit.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "sim/engines/interface/engine.hpp"
#include "sim/machine/architecture.hpp"
#include "workloads/layers/layer.hpp"

namespace potomac::sim {

struct VerifyCase {
  Architecture architecture;
  workloads::Layer layer;
  workloads::Pass pass = workloads::Pass::kForward;
  // Of a machine without a memory: the seed of one that holds the array back at random.
  std::optional<std::uint64_t> stalls;
};

// Case number `index` of a seed: the same on every machine. `fixed` is the architecture of all
// cases; without one each draws its own. Layers are small, and often degenerate; values dense,
// sparse, or as close to overflow as they come. Throws InputError if no tensor fits `fixed`.
VerifyCase draw_case(std::uint64_t seed, std::uint64_t index,
                     const std::optional<Architecture>& fixed);

// Engines that are compared: two that yield everything, and one that yields what it can without
// computing sums.
struct VerifiedEngines {
  Engine& one;
  Engine& other;
  Engine& counting;
};

// Empty, or in what the engines differ on the case, with MF-MAC or FP32 MAC PEs.
std::string difference_between(const VerifyCase& verify_case, const VerifiedEngines& engines);

// What a case is, in a line.
std::string describe(const VerifyCase& verify_case);

struct VerifyOptions {
  std::uint64_t seed = 1;
  std::uint64_t cases = 500;
  std::optional<std::uint64_t> only;  // one case, by number
  std::optional<Architecture> architecture;
};

struct VerifyFailure {
  std::uint64_t index = 0;
  std::string machine_and_layer;
  std::string difference;
};

// Compares case by case until one differs. `done` is told of each that does not.
// Throws InputError: an array that SystemC cannot hold, or that no tensor fits.
std::optional<VerifyFailure> verify(const VerifyOptions& options, const VerifiedEngines& engines,
                                    const std::function<void(const VerifyCase&)>& done);

}  // namespace potomac::sim
