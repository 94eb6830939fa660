#include "sim/engines/count/lowered_sums.hpp"

#include "support/vectorised.hpp"

namespace potomac::sim {

POTOMAC_VECTORISED void add_all(const std::uint64_t* from, std::int64_t size, std::uint64_t* to) {
  for (std::int64_t i = 0; i < size; ++i) {
    to[i] += from[i];
  }
}

POTOMAC_VECTORISED void add_all(const double* from, std::int64_t size, double* to) {
  for (std::int64_t i = 0; i < size; ++i) {
    to[i] += from[i];
  }
}

}  // namespace potomac::sim
