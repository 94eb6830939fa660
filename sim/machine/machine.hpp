// A machine as a report names it: an array whose PEs hold one unit, at a clock. What else it has (a
// dataflow, a memory) is the architecture's, which all machines of a run share.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/machine/unit.hpp"

namespace potomac::sim {

struct Machine {
  std::string id;  // by which everything names it: the unit's name
  Unit unit = Unit::kMfMac;
  ArrayShape array;
  double clock_mhz = 0.0;
  int operand_bits = 0;  // of a PE's operand registers
  int sum_bits = 0;      // of its accumulator
  // Of one that multiplies: whether it had what was quantized, or the values that codes stand for.
  bool has_originals = false;

  // What its operands are: "codes", "originals" or "dequantized".
  std::string_view operands() const {
    return unit == Unit::kMfMac ? "codes" : has_originals ? "originals" : "dequantized";
  }
  friend bool operator==(const Machine&, const Machine&) = default;
};

// The MF-MAC array, the FP32 array of the same shape, and one of each of `rivals`, in that order.
// `originals`: the workload has them.
std::vector<Machine> machines_of(const Architecture& architecture, std::span<const Unit> rivals,
                                 bool originals = false);
inline constexpr std::size_t kMfMacMachine = 0;  // positions in that list
inline constexpr std::size_t kFp32Machine = 1;

}  // namespace potomac::sim
