// Cycles of a GEMM on an array: the closed forms of docs/timing.md. The arrays themselves count
// their cycles; tests prove that both agree.
#pragma once

#include <cstdint>

namespace potomac::sim {

// The array's extent. Row r is fed by the first operand, column c by the second.
struct ArrayShape {
  std::int64_t rows = 16;
  std::int64_t cols = 16;

  std::int64_t pes() const { return rows * cols; }
  friend bool operator==(const ArrayShape&, const ArrayShape&) = default;
};

// Where the cycles of some work went; total is their sum.
struct Cycles {
  std::uint64_t preload = 0;
  std::uint64_t stream = 0;
  std::uint64_t drain = 0;
  std::uint64_t stall = 0;

  std::uint64_t total() const { return preload + stream + drain + stall; }
  Cycles& operator+=(const Cycles& other);
  friend bool operator==(const Cycles&, const Cycles&) = default;
};

constexpr std::int64_t ceil_div(std::int64_t value, std::int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

// Folds of an m x n output on an output-stationary array: ceil(m/R) * ceil(n/C).
std::uint64_t output_stationary_folds(ArrayShape array, std::int64_t m, std::int64_t n);

// Output stationary, serial issue: F * (K + R + C - 2) stream, R drain behind the last fold.
Cycles output_stationary_cycles(ArrayShape array, std::int64_t m, std::int64_t n, std::int64_t k);

}  // namespace potomac::sim
