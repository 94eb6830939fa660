#include "workloads/layers/tensor_statistics.hpp"

#include <array>

namespace potomac::workloads {
namespace {

using Histogram = std::array<std::int64_t, 256>;

Histogram count_codes(const Codes& codes) {
  // Neighbouring codes are often equal: counting them in turn in four tables keeps an increment
  // from waiting for the one before.
  std::array<Histogram, 4> parts{};
  const std::size_t whole = codes.size() / 4 * 4;
  for (std::size_t i = 0; i < whole; i += 4) {
    for (std::size_t part = 0; part < 4; ++part) {
      ++parts[part][codes[i + part]];
    }
  }
  for (std::size_t i = whole; i < codes.size(); ++i) {
    ++parts[0][codes[i]];
  }
  for (std::size_t code = 0; code < parts[0].size(); ++code) {
    parts[0][code] += parts[1][code] + parts[2][code] + parts[3][code];
  }
  return parts[0];
}

}  // namespace

TensorStatistics statistics_of(const QuantizedTensor& tensor) {
  const rtl::PotFormat format = tensor.format();
  const Histogram histogram = count_codes(tensor.codes);
  TensorStatistics statistics;
  statistics.elements = static_cast<std::int64_t>(tensor.codes.size());
  statistics.e_max = format.e_max();
  const auto e_max = static_cast<std::size_t>(format.e_max());
  statistics.exponents.resize(2 * e_max + 1);
  for (int code = 0; code < format.code_count(); ++code) {
    const auto pot = static_cast<rtl::PotCode>(code);
    const std::int64_t count = histogram[pot];
    if (format.is_zero(pot)) {
      statistics.zeros += count;
      continue;
    }
    (format.is_negative(pot) ? statistics.negatives : statistics.positives) += count;
    statistics.exponents[static_cast<std::size_t>(format.exponent(pot) + statistics.e_max)] +=
        count;
  }
  return statistics;
}

}  // namespace potomac::workloads
