// Integers wide enough that no sum or product in these tests can overflow, and the accumulator's
// rules said once more in them: what the 64-bit arithmetic under test is compared with.
#pragma once

#include <cstdint>

#include "rtl_models/arithmetic/accumulator.hpp"

namespace potomac::test {

__extension__ using Int128 = __int128;

constexpr Int128 power_of_two(int exponent) {
  return Int128{1} << exponent;
}

// The smallest and the largest value of a two's-complement number.
constexpr Int128 lowest(int bits) {
  return -power_of_two(bits - 1);
}
constexpr Int128 highest(int bits) {
  return power_of_two(bits - 1) - 1;
}

// What an accumulator makes of a true sum.
inline rtl::Sum bounded(const rtl::Accumulator& accumulator, Int128 sum) {
  const Int128 low = lowest(accumulator.bits);
  const Int128 high = highest(accumulator.bits);
  if (sum >= low && sum <= high) {
    return {static_cast<std::int64_t>(sum), 0};
  }
  if (accumulator.overflow == rtl::Overflow::kSaturate) {
    return {static_cast<std::int64_t>(sum < low ? low : high), 1};
  }
  const Int128 modulus = power_of_two(accumulator.bits);
  int turns = 0;
  for (; sum < low; sum += modulus) {
    turns -= 1;
  }
  for (; sum > high; sum -= modulus) {
    turns += 1;
  }
  return {static_cast<std::int64_t>(sum), turns};
}

}  // namespace potomac::test
