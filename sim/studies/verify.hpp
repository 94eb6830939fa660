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

struct VerifyOptions {
  std::uint64_t seed = 1;
  std::uint64_t cases = 500;
  std::optional<std::uint64_t> only;  // one case, by number
  // A machine is drawn for as many cases: an engine that compiles its arrays wants more than one.
  std::uint64_t cases_per_machine = 1;
  std::optional<Architecture> architecture;
};

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
