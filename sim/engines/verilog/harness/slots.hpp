// What a PE's slot at an edge was, read off the operands that its registers hold behind it. The
// array's widths come from array_shape.hpp, which is written for each array that is compiled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <array_interface.hpp>
#include <array_shape.hpp>

namespace potomac::verilog {

// One bit each, 0 or 1: what is added up in a loop of all PEs is then made vectors of.
struct Slot {
  std::uint32_t zero;     // an operand is zero
  std::uint32_t dropped;  // no operand is, and the product lies below the lowest bit
  std::uint32_t negative;
  std::int32_t place;  // of the product's bit
};

template <int kBits>
std::int32_t exponent_of(std::uint32_t code) {
  constexpr int kSpare = 32 - (kBits - 1);
  return static_cast<std::int32_t>(code << kSpare) >> kSpare;
}

template <int kBits>
std::uint32_t is_zero_code(std::uint32_t code) {
  constexpr std::uint32_t kField = (std::uint32_t{1} << (kBits - 1)) - 1;
  return (code & kField) == std::uint32_t{1} << (kBits - 2) ? 1 : 0;
}

inline Slot slot_of(std::uint32_t row, std::uint32_t column, std::int32_t lsb) {
  if constexpr (kFp32) {
    const std::uint32_t zero = (row << 1U) == 0 || (column << 1U) == 0 ? 1 : 0;
    return {.zero = zero, .dropped = 0, .negative = 0, .place = 0};
  } else {
    const std::int32_t place = exponent_of<kRowBits>(row) + exponent_of<kColumnBits>(column) - lsb;
    const std::uint32_t zero = is_zero_code<kRowBits>(row) | is_zero_code<kColumnBits>(column);
    return {.zero = zero,
            .dropped = (zero ^ 1U) & (place < 0 ? 1U : 0U),
            .negative = ((row >> (kRowBits - 1)) ^ (column >> (kColumnBits - 1))) & 1U,
            .place = place};
  }
}

// A register's field for a sum.
using Sum = std::conditional_t<kSumBits <= 32, std::uint32_t, std::uint64_t>;

// Whether the sum of a slot that added left the range.
inline std::uint32_t left_range(const Slot& slot, Sum before, Sum after) {
  if constexpr (kFp32) {
    return 0;
  } else if constexpr (kSaturates) {
    constexpr unsigned kWidth = 8 * sizeof(Sum);
    const Sum bit = Sum{1} << (static_cast<unsigned>(slot.place) & (kWidth - 1));
    const Sum added = slot.negative != 0 ? Sum{0} - bit : bit;
    constexpr Sum kField = static_cast<Sum>(~Sum{0}) >> (kWidth - kSumBits);
    return ((after - before) & kField) != (added & kField) ? 1 : 0;
  } else {
    const auto sign = [](Sum sum) {
      return static_cast<std::uint32_t>((sum >> (kSumBits - 1)) & 1U);
    };
    return (sign(before) ^ slot.negative ^ 1U) & (sign(after) ^ slot.negative);
  }
}

// What a sum that left the range adds to its turns (rtl_models/arithmetic/accumulator.hpp).
inline std::int32_t turns_of(const Slot& slot) {
  return !kSaturates && slot.negative != 0 ? -1 : 1;
}

// Events of one edge.
struct EdgeCounts {
  std::uint32_t slots = 0;
  std::uint32_t zero = 0;
  std::uint32_t zero_starts = 0;
  std::uint32_t dropped = 0;
  std::uint32_t idle_starts = 0;  // first slots in which nothing is added
  std::uint32_t overflowed = 0;
};

inline void add(ArrayCounts& counts, const EdgeCounts& edge) {
  counts.slots += edge.slots;
  counts.zero_operand += edge.zero;
  counts.zero_starts += edge.zero_starts;
  counts.dropped += edge.dropped;
  counts.overflowed += edge.overflowed;
  const std::uint32_t gated = kZeroGating ? edge.zero : 0;
  counts.gated += gated;
  counts.multiplied += edge.slots - gated;
  counts.accumulated += edge.slots - gated - (kZeroGating ? edge.dropped : 0);
}

template <typename Word>
std::uint64_t toggled(const Word* before, const Word* after, std::size_t count) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < count; ++i) {
    bits += static_cast<std::uint64_t>(__builtin_popcountll(before[i] ^ after[i]));
  }
  return bits;
}

// A copy of registers as they were before an edge.
template <typename Words>
struct Kept {
  Words words{};

  void keep(const Words& now) { std::memcpy(&words, &now, sizeof(Words)); }
  const auto* data() const { return words.m_storage; }
};

}  // namespace potomac::verilog
