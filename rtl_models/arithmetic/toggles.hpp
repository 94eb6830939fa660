// Toggles: the bits of a register that change when it takes a value (the Hamming distance between
// what it held and what it holds), the measure of what the write costs.
#pragma once

#include <bit>
#include <cstdint>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "rtl_models/arithmetic/aligned_code.hpp"
#include "rtl_models/arithmetic/pot_code.hpp"
#include "support/bit_count.hpp"

namespace potomac::rtl {

// Bits that change in an operand register: a PoT code (its bits above the code's width are 0), or
// binary32.
inline std::uint64_t toggles(PotCode from, PotCode to) {
  return bit_count(static_cast<PotCode>(from ^ to));
}
inline std::uint64_t toggles(AlignedCode from, AlignedCode to) {
  return bit_count(std::uint64_t{static_cast<AlignedCode>(from ^ to)});
}
inline std::uint64_t toggles(float from, float to) {
  return bit_count(std::uint64_t{std::bit_cast<std::uint32_t>(from)} ^
                   std::bit_cast<std::uint32_t>(to));
}

// Bits that change in a register as wide as the accumulator, in two's complement.
inline std::uint64_t toggles(const Accumulator& accumulator, std::int64_t from, std::int64_t to) {
  // The bits above the width are copies of the sign, and not there.
  const int spare = 64 - accumulator.bits;
  return bit_count(static_cast<std::uint64_t>(from ^ to) << spare);
}

}  // namespace potomac::rtl
