// What an accumulator's content is worth: the scale's power of two is an exponent addition on its
// way out.
#pragma once

#include <cmath>
#include <cstdint>

namespace potomac::rtl {

// sum * 2^exponent, rounded once to binary32, to nearest even: subnormal or 0 where it is too
// small, infinite where it is too large.
inline float result_value(std::int64_t sum, int exponent) {
  // A sum of more than 53 bits is rounded to odd first, so that the second rounding is the only
  // one.
  const std::uint64_t magnitude =
      sum < 0 ? -static_cast<std::uint64_t>(sum) : static_cast<std::uint64_t>(sum);
  constexpr unsigned kSpare = 11;
  const std::uint64_t odd =
      magnitude >> 53U == 0
          ? magnitude
          : ((magnitude >> kSpare) | ((magnitude & ((1U << kSpare) - 1)) != 0 ? 1U : 0U)) << kSpare;
  const double scaled = std::ldexp(static_cast<double>(odd), exponent);
  return static_cast<float>(sum < 0 ? -scaled : scaled);
}

}  // namespace potomac::rtl
