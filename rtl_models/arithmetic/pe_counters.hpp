// What a PE counts.
#pragma once

#include <cstdint>

namespace potomac::rtl {

// Events of one PE, or of many added up.
struct PeCounters {
  std::uint64_t slots = 0;         // MAC slots: both operands valid
  std::uint64_t zero_operand = 0;  // slots with a zero operand
  std::uint64_t zero_starts = 0;   // of these: the first of a sum
  std::uint64_t gated = 0;
  std::uint64_t multiplied = 0;   // exponent add and sign XOR, or FP32 multiplication
  std::uint64_t accumulated = 0;  // integer or FP32 addition
  std::uint64_t overflowed = 0;
  std::uint64_t overflowed_results = 0;  // finished in it, with turns (accumulator.hpp)
  std::uint64_t dropped = 0;
  std::uint64_t operand_writes = 0;
  std::uint64_t row_operand_writes = 0;  // of these: of what moves along rows
  std::uint64_t accumulator_writes = 0;
  std::uint64_t shadow_writes = 0;
  std::uint64_t psum_writes = 0;
  std::uint64_t operand_toggles = 0;  // bits that changed, over all writes: streaming operands
  std::uint64_t stationary_toggles = 0;
  std::uint64_t accumulator_toggles = 0;
  std::uint64_t shadow_toggles = 0;
  std::uint64_t psum_toggles = 0;

  PeCounters& operator+=(const PeCounters& other) {
    slots += other.slots;
    zero_operand += other.zero_operand;
    zero_starts += other.zero_starts;
    gated += other.gated;
    multiplied += other.multiplied;
    accumulated += other.accumulated;
    overflowed += other.overflowed;
    overflowed_results += other.overflowed_results;
    dropped += other.dropped;
    operand_writes += other.operand_writes;
    row_operand_writes += other.row_operand_writes;
    accumulator_writes += other.accumulator_writes;
    shadow_writes += other.shadow_writes;
    psum_writes += other.psum_writes;
    operand_toggles += other.operand_toggles;
    stationary_toggles += other.stationary_toggles;
    accumulator_toggles += other.accumulator_toggles;
    shadow_toggles += other.shadow_toggles;
    psum_toggles += other.psum_toggles;
    return *this;
  }
};

}  // namespace potomac::rtl
