#include "workloads/quantizer/values.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "rtl_models/arithmetic/pot_code.hpp"
#include "support/vectorised.hpp"
#include "workloads/quantizer/als_potq.hpp"
#include "workloads/quantizer/rounding.hpp"

namespace potomac::workloads {
namespace {

using binary32::kExponent;
using binary32::kMagnitude;
using binary32::kMantissaBits;
using binary32::kSign;

// Elements that one thread takes at a time.
constexpr std::int64_t kBlock = std::int64_t{1} << 15;

template <typename Work>
void for_each_block(std::int64_t count, [[maybe_unused]] std::int32_t threads, Work work) {
  const std::int64_t blocks = (count + kBlock - 1) / kBlock;
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) if (threads > 1 && blocks > 1)
#endif
  for (std::int64_t block = 0; block < blocks; ++block) {
    work(block * kBlock, std::min(kBlock, count - block * kBlock));
  }
}

POTOMAC_VECTORISED std::uint32_t largest_of(const float* x, std::int64_t count, float mean) {
  std::int32_t largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto magnitude = static_cast<std::int32_t>(binary32::magnitude_of(x[i] - mean));
    largest = std::max(largest, magnitude);
  }
  return static_cast<std::uint32_t>(largest);
}

POTOMAC_VECTORISED std::int32_t count_above(const float* x, std::int64_t count,
                                            std::int32_t limit) {
  std::int32_t above = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    above += static_cast<std::int32_t>(binary32::magnitude_of(x[i])) > limit ? 1 : 0;
  }
  return above;
}

// What the elements of one tensor have in common.
struct Scale {
  float mean;
  std::int32_t limit;   // bits of the largest magnitude
  std::int32_t carry;   // of deterministic rounding
  std::int32_t lowest;  // bits of the lowest power
  std::uint64_t key;
};

// Where the lowest power is normal and the highest finite, a power of two is its exponent field.
POTOMAC_VECTORISED void round_to_constant(const float* x, float* values, std::int64_t count,
                                          Scale scale) {
  for (std::int64_t i = 0; i < count; ++i) {
    const auto pattern = std::bit_cast<std::uint32_t>(x[i] - scale.mean);
    const auto magnitude = std::min(static_cast<std::int32_t>(pattern & kMagnitude), scale.limit);
    const auto power =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(magnitude + scale.carry) & kExponent);
    const std::uint32_t kept = power >= scale.lowest ? static_cast<std::uint32_t>(power) : 0;
    values[i] = std::bit_cast<float>(kept | (pattern & kSign));
  }
}

POTOMAC_VECTORISED void round_at_random(const float* x, float* values, std::int64_t first,
                                        std::int64_t count, Scale scale) {
  const std::uint32_t lowest_field = static_cast<std::uint32_t>(scale.lowest) >> kMantissaBits;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto pattern = std::bit_cast<std::uint32_t>(x[i] - scale.mean);
    const auto magnitude = static_cast<std::uint32_t>(
        std::min(static_cast<std::int32_t>(pattern & kMagnitude), scale.limit));
    const std::uint64_t random = random_bits(scale.key, static_cast<std::uint64_t>(first + i));
    const std::uint32_t power = (magnitude + random_carry(random)) & kExponent;
    const std::uint32_t field = magnitude >> kMantissaBits;
    const bool is_below = field < lowest_field;
    // A subnormal weighs as much as one of field 1, without the hidden bit.
    const std::uint32_t significand =
        (magnitude & binary32::kMantissa) | (field > 0 ? binary32::kHidden : 0);
    const std::uint32_t below = is_below ? lowest_field - std::max(field, 1U) : 1;
    const std::uint32_t kept =
        survives(significand, below, random) ? static_cast<std::uint32_t>(scale.lowest) : 0;
    const std::uint32_t result = is_below ? kept : power;
    values[i] = std::bit_cast<float>(result | (result != 0 ? pattern & kSign : 0));
  }
}

// The bits of 2^exponent; of the nearest finite number that is not zero, where it is out of range.
std::uint32_t bits_of_power(int exponent) {
  if (exponent > binary32::kBias) {
    return binary32::kInfinity - 1;
  }
  if (exponent > -binary32::kBias) {
    return static_cast<std::uint32_t>(exponent + binary32::kBias) << kMantissaBits;
  }
  return 1U << std::max(exponent - binary32::kSmallest, 0);
}

// Of normal powers of two, and zeros.
POTOMAC_VECTORISED void codes_of_powers(const float* values, std::uint8_t* codes,
                                        std::int64_t count, std::int32_t bits, std::int32_t beta) {
  const std::int32_t zero = 1 << (bits - 2);
  const std::int32_t field = (1 << (bits - 1)) - 1;
  const std::int32_t bias = binary32::kBias + beta;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto pattern = std::bit_cast<std::int32_t>(values[i]);
    const std::int32_t exponent = ((pattern >> kMantissaBits) & 0xFF) - bias;
    const std::int32_t sign = static_cast<std::int32_t>(pattern < 0) << (bits - 1);
    const bool is_zero = (pattern & INT32_MAX) == 0;
    codes[i] = static_cast<std::uint8_t>(is_zero ? zero : sign | (exponent & field));
  }
}

void codes_of_any(const float* values, std::uint8_t* codes, std::int64_t count,
                  rtl::PotFormat format, std::int32_t beta) {
  for (std::int64_t i = 0; i < count; ++i) {
    const bool negative = std::signbit(values[i]);
    if (values[i] == 0.0F) {
      codes[i] = format.zero();
    } else if (std::fabs(values[i]) == std::numeric_limits<float>::max()) {
      codes[i] = format.encode(negative, binary32::kBias + 1 - beta);
    } else {
      codes[i] = format.encode(negative, std::ilogb(values[i]) - beta);
    }
  }
}

}  // namespace

std::uint32_t largest_magnitude(const float* x, std::int64_t count, float mean,
                                std::int32_t threads) {
  std::uint32_t largest = 0;
  for_each_block(count, threads, [&](std::int64_t first, std::int64_t length) {
    const std::uint32_t of_block = largest_of(x + first, length, mean);
#ifdef _OPENMP
#pragma omp critical
#endif
    largest = std::max(largest, of_block);
  });
  return largest;
}

void significand_sums(const float* x, std::int64_t count, std::int64_t* sums) {
  // Neighbours are often of one field: four sums of each keep them from waiting for one another.
  constexpr std::size_t kWays = 4;
  std::array<std::array<std::int64_t, 256>, kWays> of_ways{};
  for (std::int64_t i = 0; i < count; ++i) {
    const auto pattern = std::bit_cast<std::uint32_t>(x[i]);
    const std::uint32_t field = (pattern & kMagnitude) >> kMantissaBits;
    const std::int64_t significand =
        (pattern & binary32::kMantissa) | (field > 0 ? binary32::kHidden : 0);
    const std::int64_t negative = pattern >> 31;
    of_ways[static_cast<std::size_t>(i) % kWays][std::max(field, 1U)] +=
        (significand ^ -negative) + negative;
  }
  for (std::size_t field = 0; field < of_ways[0].size(); ++field) {
    sums[field] = 0;
    for (const auto& way : of_ways) {
      sums[field] += way[field];
    }
  }
}

void quantized_values(const float* x, float* values, std::int64_t count, float mean,
                      std::uint32_t largest, std::int32_t bits, std::int32_t rounding,
                      std::uint64_t key, std::int32_t threads) {
  if (largest == 0) {
    std::fill_n(values, count, 0.0F);
    return;
  }
  const auto how = static_cast<Rounding>(rounding);
  const std::uint32_t carry = largest_carry(how);
  const int range = 2 * ((1 << (bits - 2)) - 1);  // exponents -e_max..e_max
  const int highest = rounded_log2(normalised(largest), carry);
  const int lowest = highest - range;
  if (lowest > -binary32::kBias + 1 && highest <= binary32::kBias) {
    const Scale scale{mean, static_cast<std::int32_t>(largest), static_cast<std::int32_t>(carry),
                      static_cast<std::int32_t>(bits_of_power(lowest)), key};
    for_each_block(count, threads, [&](std::int64_t first, std::int64_t length) {
      if (how == Rounding::kStochastic) {
        round_at_random(x + first, values + first, first, length, scale);
      } else {
        round_to_constant(x + first, values + first, length, scale);
      }
    });
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const auto pattern = std::bit_cast<std::uint32_t>(x[i] - mean);
    const std::uint32_t magnitude = std::min(pattern & kMagnitude, largest);
    const int exponent =
        rounded_exponent(magnitude, lowest, how, key, static_cast<std::uint64_t>(i));
    values[i] = exponent < lowest
                    ? 0.0F
                    : std::bit_cast<float>(bits_of_power(exponent) | (pattern & kSign));
  }
}

Prepared quantized_tensor(const float* x, float* values, std::int64_t count,
                          const Preparation& preparation, std::int32_t threads) {
  Prepared seen{largest_magnitude(x, count, 0.0F, threads), 0, 0, 0};
  if (seen.largest >= binary32::kInfinity) {
    return seen;
  }
  float mean = 0.0F;
  seen.moved = seen.largest;
  if (preparation.corrected) {
    mean = exact_mean({x, static_cast<std::size_t>(count)});
    seen.moved = largest_magnitude(x, count, mean, threads);
    if (seen.moved >= binary32::kInfinity) {
      return seen;
    }
  }
  const float limit = preparation.gamma * std::bit_cast<float>(seen.moved);
  seen.limit = limit > 0.0F ? std::bit_cast<std::uint32_t>(limit) : seen.moved;
  quantized_values(x, values, count, mean, seen.limit, preparation.bits, preparation.rounding,
                   preparation.key, threads);
  if (seen.limit != 0) {
    const std::uint32_t carry = largest_carry(static_cast<Rounding>(preparation.rounding));
    const int e_max = (1 << (preparation.bits - 2)) - 1;
    seen.beta = rounded_log2(normalised(seen.limit), carry) - e_max;
  }
  return seen;
}

void codes_of_values(const float* values, std::uint8_t* codes, std::int64_t count,
                     std::int32_t bits, std::int32_t beta, std::int32_t threads) {
  const std::int32_t highest = beta + (1 << (bits - 2)) - 1;
  const std::int32_t lowest = highest - 2 * ((1 << (bits - 2)) - 1);
  const bool normal = lowest >= -binary32::kBias + 1 && highest <= binary32::kBias;
  for_each_block(count, threads, [&](std::int64_t first, std::int64_t length) {
    if (normal) {
      codes_of_powers(values + first, codes + first, length, bits, beta);
    } else {
      codes_of_any(values + first, codes + first, length, rtl::PotFormat(bits), beta);
    }
  });
}

std::int64_t indices_above(const float* x, std::int64_t count, std::uint32_t limit,
                           std::int64_t* indices, std::int64_t capacity) {
  // They are few: most pieces are only counted.
  constexpr std::int64_t kPiece = 512;
  std::int64_t found = 0;
  for (std::int64_t first = 0; first < count; first += kPiece) {
    const std::int64_t length = std::min(kPiece, count - first);
    if (count_above(x + first, length, static_cast<std::int32_t>(limit)) == 0) {
      continue;
    }
    for (std::int64_t i = first; i < first + length; ++i) {
      if (binary32::magnitude_of(x[i]) > limit) {
        if (found < capacity) {
          indices[found] = i;
        }
        found += 1;
      }
    }
  }
  return found;
}

}  // namespace potomac::workloads
