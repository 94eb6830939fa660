// How the magnitude of a binary32 becomes a power of two: integer arithmetic on its bits, no
// logarithm, multiplication or float compare. The scale and the codes are als_potq.hpp's.
//
// x = +-(1 + m / 2^23) * 2^n, subnormals normalised to that form, becomes 2^n or 2^(n+1): n plus
// the carry of m + c into the exponent field. c is a constant of the rounding, or random:
//
//   kLog2        2^23 - 0x3504F4: up from the first mantissa above sqrt(2), the middle in the log2
//                domain; no binary32 value lies on it
//   kLinear      2^23 - 0x400000: up from 1.5, which itself rounds up
//   kStochastic  uniform in 0..2^23-1: up with probability m / 2^23, so that the expectation is x.
//                Below the lowest power L of the scale it becomes L with probability |x| / L, else
//                zero (to a multiple of 2^-64, which is exact down to 2^-41 L)
#pragma once

#include <bit>
#include <cstdint>

namespace potomac::workloads {

enum class Rounding : std::int32_t { kLog2, kLinear, kStochastic };

namespace binary32 {

inline constexpr std::uint32_t kSign = 0x80000000;
inline constexpr std::uint32_t kMagnitude = 0x7FFFFFFF;
inline constexpr std::uint32_t kExponent = 0x7F800000;
inline constexpr std::uint32_t kMantissa = 0x007FFFFF;
inline constexpr std::uint32_t kInfinity = 0x7F800000;
inline constexpr std::uint32_t kHidden = 0x00800000;  // and the smallest normal number
inline constexpr int kMantissaBits = 23;
inline constexpr int kBias = 127;
inline constexpr int kSmallest = -149;  // every binary32 is a multiple of 2^kSmallest

inline std::uint32_t magnitude_of(float value) {
  return std::bit_cast<std::uint32_t>(value) & kMagnitude;
}

}  // namespace binary32

// The constant c; the carry of the tensor's largest magnitude when its scale is found. Under
// kStochastic that is the power at or above it, which its element may round up to.
constexpr std::uint32_t largest_carry(Rounding rounding) {
  switch (rounding) {
    case Rounding::kLog2:
      return binary32::kHidden - 0x3504F4;
    case Rounding::kLinear:
      return binary32::kHidden - 0x400000;
    case Rounding::kStochastic:
      break;
  }
  return binary32::kMantissa;
}

// A magnitude as significand * 2^(exponent - 23), the significand in 2^23..2^24-1.
struct Normalised {
  std::uint32_t significand;
  int exponent;
};

// Precondition: magnitude is finite and not zero.
inline Normalised normalised(std::uint32_t magnitude) {
  const int field = static_cast<int>(magnitude >> binary32::kMantissaBits);
  const std::uint32_t mantissa = magnitude & binary32::kMantissa;
  if (field > 0) {
    return {mantissa | binary32::kHidden, field - binary32::kBias};
  }
  const int shift = std::countl_zero(mantissa) - (31 - binary32::kMantissaBits);
  return {mantissa << shift, 1 - shift - binary32::kBias};
}

// n, or n + 1 where the mantissa carries.
inline int rounded_log2(Normalised x, std::uint32_t carry) {
  const std::uint32_t mantissa = x.significand & binary32::kMantissa;
  return x.exponent + static_cast<int>((mantissa + carry) >> binary32::kMantissaBits);
}

// Counter-based random bits: number `index` of the stream `key`, so that every element has its own
// whatever the order and the number of threads. SplitMix64 (Steele, Lea, Flood 2014), whose state
// after i steps is key + i * 0x9E37....
inline std::uint64_t random_bits(std::uint64_t key, std::uint64_t index) {
  std::uint64_t z = key + (index + 1) * 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

// Under kStochastic, the addend of an element's mantissa.
inline std::uint32_t random_carry(std::uint64_t random) {
  return static_cast<std::uint32_t>(random >> (64 - binary32::kMantissaBits));
}

// Under kStochastic, whether a value becomes 2^lowest and not zero. `below`: by how many binades
// it is below, at least 1. A significand of 24 bits over 2^(23 + below) is its probability.
inline bool survives(std::uint32_t significand, std::uint32_t below, std::uint64_t random) {
  constexpr std::uint32_t kShift = 64 - binary32::kMantissaBits;
  const std::uint64_t wide = significand;
  const std::uint64_t threshold = below <= kShift        ? wide << (kShift - below)
                                  : below < kShift + 24U ? wide >> (below - kShift)
                                                         : 0;
  return random < threshold;
}

// The power that element `index` of a tensor becomes, or less than `lowest` where it becomes zero.
inline int rounded_exponent(std::uint32_t magnitude, int lowest, Rounding rounding,
                            std::uint64_t key, std::uint64_t index) {
  if (magnitude == 0) {
    return lowest - 1;
  }
  const Normalised x = normalised(magnitude);
  if (rounding != Rounding::kStochastic) {
    return rounded_log2(x, largest_carry(rounding));
  }
  const std::uint64_t random = random_bits(key, index);
  if (x.exponent >= lowest) {
    return rounded_log2(x, random_carry(random));
  }
  const auto below = static_cast<std::uint32_t>(lowest - x.exponent);
  return survives(x.significand, below, random) ? lowest : lowest - 1;
}

}  // namespace potomac::workloads
