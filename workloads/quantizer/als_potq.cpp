#include "workloads/quantizer/als_potq.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/multiprecision/cpp_int.hpp>
#include <cmath>
#include <cstdint>
#include <utility>

#include "support/error.hpp"
#include "workloads/quantizer/values.hpp"

namespace potomac::workloads {
QuantizedTensor als_potq(std::span<const float> values, Shape shape, int bits, Rounding rounding,
                         std::string_view name, std::uint64_t key) {
  if (values.empty()) {
    throw InputError({"", fmt::format("tensor {}", name), "has no elements",
                      "quantize a tensor with at least one"});
  }
  std::uint32_t largest = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint32_t magnitude = binary32::magnitude_of(values[i]);
    if (magnitude >= binary32::kInfinity) {
      throw InputError({"", fmt::format("tensor {}, index {}", name, i),
                        magnitude > binary32::kInfinity ? "is not a number" : "is infinite",
                        "only finite values can be quantized: look for the step that diverged"});
    }
    largest = std::max(largest, magnitude);  // magnitudes order as their bits do
  }

  QuantizedTensor tensor;
  tensor.shape = std::move(shape);
  tensor.bits = bits;
  const rtl::PotFormat format(bits);
  tensor.codes.assign(values.size(), format.zero());
  ZeroOrigins& zeros = tensor.zeros.emplace();
  if (largest == 0) {
    zeros.exact = static_cast<std::int64_t>(values.size());
    return tensor;
  }
  tensor.beta = rounded_log2(normalised(largest), largest_carry(rounding)) - format.e_max();
  const int lowest = tensor.beta - format.e_max();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint32_t magnitude = binary32::magnitude_of(values[i]);
    if (magnitude == 0) {
      zeros.exact += 1;
      continue;
    }
    const int exponent = rounded_exponent(magnitude, lowest, rounding, key, i);
    if (exponent >= lowest) {
      tensor.codes[i] = format.encode(std::signbit(values[i]), exponent - tensor.beta);
    } else {
      zeros.underflows += 1;
    }
  }
  return tensor;
}

float exact_mean(std::span<const float> values) {
  // 256 sums of 64 bits, each a bit higher than the last, make less than 2^328; doubled, 2^329.
  using Integer = boost::multiprecision::int512_t;
  std::array<std::int64_t, 256> significands{};
  significand_sums(values.data(), static_cast<std::int64_t>(values.size()), significands.data());
  // The sum is in units of 2^-149, the smallest subnormal.
  Integer sum = 0;
  for (std::size_t field = 1; field < significands.size(); ++field) {
    if (significands[field] != 0) {
      sum += Integer(significands[field]) << (field - 1);
    }
  }
  if (sum == 0) {
    return 0.0F;
  }
  const bool negative = sum < 0;
  const Integer magnitude = abs(sum);
  const Integer count = values.size();
  // The quotient in units of 2^(shift + binary32::kSmallest), with 24 bits if it is not subnormal.
  constexpr unsigned kSignificandBits = binary32::kMantissaBits + 1;
  const unsigned longer = static_cast<unsigned>(
      std::max(0, static_cast<int>(msb(magnitude)) - static_cast<int>(msb(count))));
  unsigned shift = longer > kSignificandBits ? longer - kSignificandBits : 0;
  Integer quotient = magnitude / (count << shift);
  while (quotient > 0 && msb(quotient) >= kSignificandBits) {
    shift += 1;
    quotient = magnitude / (count << shift);
  }
  const Integer twice_rest = 2 * (magnitude - quotient * (count << shift));
  const Integer divisor = count << shift;
  if (twice_rest > divisor || (twice_rest == divisor && (quotient & 1) != 0)) {
    quotient += 1;
  }
  const float result =
      std::ldexp(quotient.convert_to<float>(), static_cast<int>(shift) + binary32::kSmallest);
  return negative && result != 0.0F ? -result : result;
}

std::vector<float> weight_bias_corrected(std::span<const float> values, std::string_view name) {
  const float mean = exact_mean(values);
  std::vector<float> corrected(values.begin(), values.end());
  for (std::size_t i = 0; i < corrected.size(); ++i) {
    corrected[i] -= mean;
    if (std::isinf(corrected[i])) {
      throw InputError({"", fmt::format("tensor {}, index {}", name, i),
                        "subtracting the tensor's mean leaves FP32's range",
                        "look for the step that diverged"});
    }
  }
  return corrected;
}

std::vector<float> ratio_clipped(std::span<const float> values, float gamma) {
  std::vector<float> clipped(values.begin(), values.end());
  float largest = 0.0F;
  for (const float value : values) {
    largest = std::max(largest, std::fabs(value));
  }
  const float threshold = gamma * largest;
  if (threshold > 0.0F) {
    for (float& value : clipped) {
      if (std::fabs(value) > threshold) {
        value = std::copysign(threshold, value);
      }
    }
  }
  return clipped;
}

}  // namespace potomac::workloads
