// What a quantized tensor looks like: how many of its codes are zero, and how the exponents of the
// others are spread. Zeros are what an array may gate.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

struct TensorStatistics {
  std::int64_t elements = 0;
  std::int64_t zeros = 0;
  std::int64_t positives = 0;
  std::int64_t negatives = 0;
  int e_max = 0;
  // exponents[e + e_max]: codes of exponent e, of either sign; 2 * e_max + 1 of them.
  std::vector<std::int64_t> exponents;

  std::int64_t count_of(int exponent) const {
    return exponents[static_cast<std::size_t>(exponent + e_max)];
  }
  double zero_share() const {
    return elements == 0 ? 0.0 : static_cast<double>(zeros) / static_cast<double>(elements);
  }
  friend bool operator==(const TensorStatistics&, const TensorStatistics&) = default;
};

// Precondition: the codes are canonical, as a TraceReader's are.
TensorStatistics statistics_of(const QuantizedTensor& tensor);

}  // namespace potomac::workloads
