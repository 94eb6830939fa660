// The baseline's MAC: IEEE-754 binary32 multiply, then add, each rounded to nearest even.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace potomac::rtl {

// sum + first * second with two roundings (the build forbids contraction to one). Subnormals are
// kept. Every NaN that comes out is the one canonical quiet NaN, since hosts differ in its sign.
inline float fp32_mac(float sum, float first, float second) {
  const float product = first * second;
  const float result = sum + product;
  return std::isnan(result) ? std::bit_cast<float>(std::uint32_t{0x7FC00000}) : result;
}

}  // namespace potomac::rtl
