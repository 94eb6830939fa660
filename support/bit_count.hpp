// How many bits are set, in line: on x86-64 without its later instructions, std::popcount is a call
// into a library.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace potomac {

constexpr std::uint64_t bit_count(std::uint64_t word) {
  // Counts of 2, then 4, then 8 bits side by side; the multiplication adds up the bytes.
  word -= (word >> 1U) & 0x5555555555555555U;
  word = (word & 0x3333333333333333U) + ((word >> 2U) & 0x3333333333333333U);
  word = (word + (word >> 4U)) & 0x0F0F0F0F0F0F0F0FU;
  return (word * 0x0101010101010101U) >> 56U;
}

inline constexpr std::array<std::uint8_t, 256> kBitCounts = [] {
  std::array<std::uint8_t, 256> counts{};
  for (unsigned byte = 0; byte < counts.size(); ++byte) {
    counts[byte] = static_cast<std::uint8_t>(std::popcount(byte));
  }
  return counts;
}();

constexpr std::uint64_t bit_count(std::uint8_t byte) {
  return kBitCounts[byte];
}

}  // namespace potomac
