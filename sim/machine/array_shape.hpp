// The array as a schedule sees it: its extent, and what stays in its PEs.
#pragma once

#include <cstdint>

namespace potomac::sim {

// Row r is fed by the first operand, column c by the second.
struct ArrayShape {
  std::int64_t rows = 16;
  std::int64_t cols = 16;

  std::int64_t pes() const { return rows * cols; }
  friend bool operator==(const ArrayShape&, const ArrayShape&) = default;
};

// What a PE keeps while the other two stream past: an output's sum, an element of the second
// operand (a weight, in forward), or one of the first.
enum class Dataflow { kOutputStationary, kWeightStationary, kInputStationary };

// The questions that a dataflow answers; array_indices() (schedule.hpp) says where indices lie.
// Whether a PE keeps a sum until it is a result; else sums come in above it and leave below it.
constexpr bool keeps_sums(Dataflow dataflow) {
  switch (dataflow) {
    case Dataflow::kOutputStationary:
      return true;
    case Dataflow::kWeightStationary:
    case Dataflow::kInputStationary:
      return false;
  }
  return false;
}
// Whether a PE keeps an element of the second operand, or of the first.
constexpr bool keeps_second(Dataflow dataflow) {
  return dataflow == Dataflow::kWeightStationary;
}
constexpr bool keeps_first(Dataflow dataflow) {
  return dataflow == Dataflow::kInputStationary;
}

constexpr std::int64_t ceil_div(std::int64_t value, std::int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

// Sum over the blocks that cut `total` into pieces of at most `size` of f(piece), which counts in
// one type.
template <typename F>
auto sum_over_blocks(std::int64_t total, std::int64_t size, const F& f) {
  using Sum = decltype(f(size));
  const std::int64_t rest = total % size;
  return static_cast<Sum>(total / size) * f(static_cast<Sum>(size)) +
         (rest > 0 ? f(static_cast<Sum>(rest)) : Sum{0});
}

}  // namespace potomac::sim
