// The multiplication-free MAC: exponents are added, signs XORed, and the power of two so found is
// added to an integer accumulator. This is the one definition; modules and kernels call it or are
// checked against it. Source: MF-MAC, arXiv 2302.14458.
#pragma once

#include "rtl_models/arithmetic/accumulator.hpp"
#include "rtl_models/arithmetic/pot_code.hpp"

namespace potomac::rtl {

// What one MAC slot did; each flag is one event to count.
struct MfMacStep {
  std::int64_t value = 0;    // the accumulator's new value
  bool gated = false;        // a zero operand fired nothing
  bool multiplied = false;   // the exponent adder and the sign XOR fired
  bool accumulated = false;  // the accumulator's adder fired
  bool dropped = false;      // the product lay below the lowest bit
  bool overflowed = false;   // the sum left the accumulator's range
  int turns = 0;             // see Sum

  friend constexpr bool operator==(const MfMacStep&, const MfMacStep&) = default;
};

// One slot: `value` plus the product of two codes of `format`. `format` is the PE's operand format;
// narrower tensors are widened on their way in.
//  - zero operand, gated: nothing fires. Not gated: the adder adds 0.
//  - product below 2^lsb: dropped, nothing is added (and with gating on, no adder fires).
// Precondition: the accumulator holds the product of these operands (see resolve()).
constexpr MfMacStep mf_mac(const Accumulator& accumulator, PotFormat format, bool zero_gating,
                           std::int64_t value, PotCode first, PotCode second) {
  MfMacStep step{.value = value};
  if (format.is_zero(first) || format.is_zero(second)) {
    step.gated = zero_gating;
    step.multiplied = !zero_gating;
    step.accumulated = !zero_gating;
    return step;
  }
  step.multiplied = true;
  const int position = format.exponent(first) + format.exponent(second) - accumulator.lsb;
  if (position < 0) {
    step.dropped = true;
    step.accumulated = !zero_gating;
    return step;
  }
  const bool negative = format.is_negative(first) != format.is_negative(second);
  const std::int64_t magnitude = std::int64_t{1} << position;
  const Sum sum = add(accumulator, value, negative ? -magnitude : magnitude);
  step.value = sum.value;
  step.accumulated = true;
  step.overflowed = sum.overflowed();
  step.turns = sum.turns;
  return step;
}

}  // namespace potomac::rtl
