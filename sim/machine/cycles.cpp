#include "sim/machine/cycles.hpp"

namespace potomac::sim {

Cycles& Cycles::operator+=(const Cycles& other) {
  preload += other.preload;
  stream += other.stream;
  drain += other.drain;
  stall += other.stall;
  return *this;
}

std::uint64_t output_stationary_folds(ArrayShape array, std::int64_t m, std::int64_t n) {
  return static_cast<std::uint64_t>(ceil_div(m, array.rows)) *
         static_cast<std::uint64_t>(ceil_div(n, array.cols));
}

Cycles output_stationary_cycles(ArrayShape array, std::int64_t m, std::int64_t n, std::int64_t k) {
  const auto fold_length = static_cast<std::uint64_t>(k + array.rows + array.cols - 2);
  return {.preload = 0,
          .stream = output_stationary_folds(array, m, n) * fold_length,
          .drain = static_cast<std::uint64_t>(array.rows),
          .stall = 0};
}

}  // namespace potomac::sim
