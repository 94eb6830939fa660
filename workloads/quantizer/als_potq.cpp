#include "workloads/quantizer/als_potq.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <boost/multiprecision/cpp_int.hpp>
#include <cmath>
#include <cstdint>
#include <utility>

#include "support/error.hpp"

namespace potomac::workloads {
namespace {

constexpr std::uint32_t kMagnitudeMask = 0x7FFFFFFF;
constexpr std::uint32_t kMantissaMask = 0x007FFFFF;
constexpr int kMantissaBits = 23;
constexpr int kExponentBias = 127;
constexpr std::uint32_t kInfinity = 0x7F800000;
// First mantissa above sqrt(2): 1.41421354 (0x3504F3) < sqrt(2) < 1.41421366 (0x3504F4).
constexpr std::uint32_t kLog2Switch = 0x3504F4;
constexpr std::uint32_t kLinearSwitch = 0x400000;

std::uint32_t magnitude_bits(float value) {
  return std::bit_cast<std::uint32_t>(value) & kMagnitudeMask;
}

// round(log2 of the value whose magnitude has these bits). Precondition: finite and not zero.
int rounded_log2(std::uint32_t magnitude, std::uint32_t rounding_switch) {
  int exponent = static_cast<int>(magnitude >> kMantissaBits);
  std::uint32_t mantissa = magnitude & kMantissaMask;
  if (exponent == 0) {  // subnormal: bring its leading one to the place of the hidden one
    const int shift = std::countl_zero(mantissa) - (31 - kMantissaBits);
    mantissa = (mantissa << shift) & kMantissaMask;
    exponent = 1 - shift;
  }
  return exponent - kExponentBias + (mantissa >= rounding_switch ? 1 : 0);
}

}  // namespace

QuantizedTensor als_potq(std::span<const float> values, Shape shape, int bits, Rounding rounding,
                         std::string_view name) {
  if (values.empty()) {
    throw InputError({"", fmt::format("tensor {}", name), "has no elements",
                      "quantize a tensor with at least one"});
  }
  std::uint32_t largest = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint32_t magnitude = magnitude_bits(values[i]);
    if (magnitude >= kInfinity) {
      throw InputError({"", fmt::format("tensor {}, index {}", name, i),
                        magnitude > kInfinity ? "is not a number" : "is infinite",
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
  const std::uint32_t rounding_switch = rounding == Rounding::kLog2 ? kLog2Switch : kLinearSwitch;
  tensor.beta = rounded_log2(largest, rounding_switch) - format.e_max();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint32_t magnitude = magnitude_bits(values[i]);
    if (magnitude == 0) {
      zeros.exact += 1;
      continue;
    }
    const int exponent = rounded_log2(magnitude, rounding_switch) - tensor.beta;
    if (exponent >= -format.e_max()) {
      tensor.codes[i] = format.encode(std::signbit(values[i]), exponent);
    } else {
      zeros.underflows += 1;
    }
  }
  return tensor;
}

float exact_mean(std::span<const float> values) {
  using Integer = boost::multiprecision::cpp_int;
  // The sum of significands for each exponent field: exact, and the same in any order.
  std::array<std::int64_t, 256> significands{};
  for (const float value : values) {
    const std::uint32_t magnitude = magnitude_bits(value);
    const std::uint32_t field = magnitude >> kMantissaBits;
    const auto significand = static_cast<std::int64_t>((magnitude & kMantissaMask) |
                                                       (field > 0 ? kMantissaMask + 1 : 0));
    significands[std::max(field, 1U)] += std::signbit(value) ? -significand : significand;
  }
  // In units of 2^-149, the smallest subnormal.
  Integer sum = 0;
  for (std::size_t field = 1; field < significands.size(); ++field) {
    sum += Integer(significands[field]) << (field - 1);
  }
  if (sum == 0) {
    return 0.0F;
  }
  const bool negative = sum < 0;
  const Integer magnitude = abs(sum);
  const Integer count = values.size();
  // The quotient in units of 2^(shift - 149), with 24 bits if it is not subnormal.
  constexpr unsigned kSignificandBits = kMantissaBits + 1;
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
  const float result = std::ldexp(quotient.convert_to<float>(), static_cast<int>(shift) - 149);
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
