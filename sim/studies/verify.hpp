// `potomac verify`: engines against each other on drawn machines, layers and values. All of them
// must give the same cycles, results and counts, bit for bit.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "sim/engines/interface/engine.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/studies/drawn_case.hpp"

namespace potomac::sim {

// Engines that are compared: two that yield everything, and one that yields what it can without
// computing sums.
struct VerifiedEngines {
  Engine& one;
  Engine& other;
  Engine& counting;
};

// Empty, or in what the engines differ on the case, with MF-MAC or FP32 MAC PEs.
std::string difference_between(const DrawnCase& drawn, const VerifiedEngines& engines);

// The engine of that name, to be compared with `fast`. Throws InputError if none steps through
// every PE by that name.
const EngineInfo& stepping_engine(const std::string& name);

struct VerifyOptions {
  std::uint64_t seed = 1;
  std::uint64_t cases = 500;
  std::optional<std::uint64_t> only;    // one case, by number
  std::uint64_t cases_per_machine = 1;  // a machine is drawn for as many
  std::optional<Architecture> architecture;
};

// For how many cases a machine is worth to be drawn.
inline std::uint64_t cases_per_machine(const EngineInfo& engine) {
  return engine.compiles ? 250 : 1;
}

struct VerifyFailure {
  std::uint64_t index = 0;
  std::string machine_and_layer;
  std::string difference;
};

// Compares case by case until one differs. `done` is told of each that does not.
// Throws InputError: an array that an engine cannot hold, or that no tensor fits.
std::optional<VerifyFailure> verify(const VerifyOptions& options, const VerifiedEngines& engines,
                                    const std::function<void(const DrawnCase&)>& done);

}  // namespace potomac::sim
