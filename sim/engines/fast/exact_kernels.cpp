// Compiled once per instruction set by Highway's foreach_target: everything in HWY_NAMESPACE below
// exists in one version for each.
#include "sim/engines/fast/exact_kernels.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

// Vectors are held in arrays here, which SVE's sizeless types forbid; NEON serves those machines.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sim/engines/fast/exact_kernels.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/highway.h>

#include "sim/engines/fast/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace potomac::sim::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

MicroTileShape tile_shape() {
  return {kMr, kNr};
}
bool offers_dot16() {
  return kHasDot16;
}
const char* target_name() {
  return hwy::TargetName(HWY_TARGET);
}

// --- dot16 ---------------------------------------------------------------------------------------

void unpack(const std::uint8_t* codes, std::size_t count, const Dot16Table& table,
            std::int16_t* values, std::uint32_t* peaks, std::uint32_t* squares) {
#if HWY_TARGET == HWY_SCALAR
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = table[codes[i]];
  }
#else
  // 16 codes at a time, their low and high bytes looked up apart.
  const hn::CappedTag<std::uint8_t, 16> d8;
  const hn::Repartition<std::int16_t, decltype(d8)> d16;
  const auto low_of_low = hn::LoadU(d8, table.bytes[0].data());
  const auto high_of_low = hn::LoadU(d8, table.bytes[1].data());
  const auto low_of_high = hn::LoadU(d8, table.bytes[2].data());
  const auto high_of_high = hn::LoadU(d8, table.bytes[3].data());
  const auto bit4 = hn::Set(d8, 16);
  for (std::size_t i = 0; i < count; i += 16) {
    const auto code = hn::LoadU(d8, codes + i);
    const auto index = hn::And(code, hn::Set(d8, 15));
    const auto upper = hn::Eq(hn::And(code, bit4), bit4);
    const auto low = hn::IfThenElse(upper, hn::TableLookupBytes(low_of_high, index),
                                    hn::TableLookupBytes(low_of_low, index));
    const auto high = hn::IfThenElse(upper, hn::TableLookupBytes(high_of_high, index),
                                     hn::TableLookupBytes(high_of_low, index));
    hn::StoreU(hn::BitCast(d16, hn::InterleaveLower(d8, low, high)), d16, values + i);
    hn::StoreU(hn::BitCast(d16, hn::InterleaveUpper(d8, low, high)), d16, values + i + 8);
  }
#endif
  for (std::size_t run = 0; run < count / kNormDepth; ++run) {
    std::int32_t sum = 0;
    std::int16_t peak = 0;
    for (std::size_t i = run * kNormDepth; i < (run + 1) * kNormDepth; ++i) {
      const auto magnitude = static_cast<std::int16_t>(values[i] < 0 ? -values[i] : values[i]);
      const auto quarter = static_cast<std::int16_t>((magnitude + 3) >> 2);
      sum += quarter * quarter;
      peak = std::max(peak, magnitude);
    }
    peaks[run] = static_cast<std::uint32_t>(peak);
    squares[run] = static_cast<std::uint32_t>(sum);
  }
}

struct Partial {
  hn::Vec<D32> sum[kMr][kVectors];
};

// The micro-tile's dot products over `pairs` pairs of depth, in any order.
HWY_INLINE void multiply_add(const std::int16_t* HWY_RESTRICT a, const std::int16_t* HWY_RESTRICT b,
                             std::size_t pairs, Partial& partial) {
  const D16 d16;
  const D32 d32;
  using V = hn::Vec<D32>;
  V low[kMr][kVectors];
  V high[kMr][kVectors];  // stays zero, and costs nothing, where one register takes both halves
  for (std::size_t r = 0; r < kMr; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      low[r][v] = high[r][v] = hn::Zero(d32);
    }
  }
  for (std::size_t p = 0; p < pairs; ++p) {
    const auto b0 = hn::LoadU(d16, b);
    const auto b1 = hn::LoadU(d16, b + 2 * kLanes32);
    HWY_UNROLL(8)
    for (std::size_t r = 0; r < kMr; ++r) {
      std::int32_t pair = 0;
      std::memcpy(&pair, a + 2 * r, sizeof(pair));
      const auto a_pair = hn::BitCast(d16, hn::Set(d32, pair));
      low[r][0] = hn::ReorderWidenMulAccumulate(d32, a_pair, b0, low[r][0], high[r][0]);
      low[r][1] = hn::ReorderWidenMulAccumulate(d32, a_pair, b1, low[r][1], high[r][1]);
    }
    a += 2 * kMr;
    b += 2 * kNr;
  }
  for (std::size_t r = 0; r < kMr; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      partial.sum[r][v] = hn::RearrangeToOddPlusEven(low[r][v], high[r][v]);
    }
  }
}

HWY_INLINE void add_partial(const Partial& partial, std::int32_t* sums) {
  const D32 d;
  for (std::size_t r = 0; r < kMr; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      std::int32_t* at = sums + r * kNr + v * kLanes32;
      hn::StoreU(hn::Add(hn::LoadU(d, at), partial.sum[r][v]), d, at);
    }
  }
}

HWY_INLINE void add_partial(const Partial& partial, std::int64_t* sums) {
  const D32 d32;
  HWY_ALIGN std::int32_t lanes[kLanes32];
  for (std::size_t r = 0; r < kMr; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      hn::Store(partial.sum[r][v], d32, lanes);
      std::int64_t* at = sums + r * kNr + v * kLanes32;
      for (std::size_t i = 0; i < kLanes32; ++i) {
        at[i] += lanes[i];
      }
    }
  }
}

// The largest magnitude in the micro-tile.
HWY_INLINE std::uint64_t largest_magnitude(const std::int32_t* sums) {
  const D32 d;
  const hn::RebindToUnsigned<D32> du;
  // As unsigned, |INT32_MIN| is its true 2^31.
  auto largest = hn::Zero(du);
  for (std::size_t i = 0; i < kMr * kNr; i += kLanes32) {
    largest = hn::Max(largest, hn::BitCast(du, hn::Abs(hn::LoadU(d, sums + i))));
  }
  return hn::GetLane(hn::MaxOfLanes(du, largest));
}

HWY_INLINE std::uint64_t largest_magnitude(const std::int64_t* sums) {
  std::uint64_t largest = 0;
  for (std::size_t i = 0; i < kMr * kNr; ++i) {
    const auto bits = static_cast<std::uint64_t>(sums[i]);
    largest = std::max(largest, sums[i] < 0 ? 0 - bits : bits);
  }
  return largest;
}

// The products of one depth: a pair whose other half is zero leaves just one of the two.
HWY_INLINE hn::Vec<D32> products_of_depth(std::int32_t a_pair, const std::int16_t* b) {
  const D16 d16;
  const D32 d32;
  auto low = hn::Zero(d32);
  auto high = hn::Zero(d32);
  low = hn::ReorderWidenMulAccumulate(d32, hn::BitCast(d16, hn::Set(d32, a_pair)),
                                      hn::LoadU(d16, b), low, high);
  return hn::RearrangeToOddPlusEven(low, high);
}

// The pair of row `r`, of which `mask` keeps one half.
HWY_INLINE std::int32_t half_pair(const std::int16_t* a, std::size_t r, std::uint32_t mask) {
  std::uint32_t pair = 0;
  std::memcpy(&pair, a + 2 * r, sizeof(pair));
  return static_cast<std::int32_t>(pair & mask);
}

// dot16 one product at a time, in order.
template <class D, bool kFull, bool kSaturate>
std::uint64_t dot16_sequential(const std::int16_t* a, const std::int16_t* b, std::size_t k,
                               const rtl::Accumulator& accumulator, hn::TFromD<D>* sums) {
  const D d;
  constexpr std::size_t kParts = kLanes32 / hn::MaxLanes(D());  // vectors of sums per 32-bit vector
  const LaneAccumulator<D> lane(accumulator);
  auto overflows = hn::Zero(d);
  for (std::size_t v = 0; v < kVectors; ++v) {
    hn::Vec<D> sum[kMr][kParts];
    for (std::size_t r = 0; r < kMr; ++r) {
      for (std::size_t part = 0; part < kParts; ++part) {
        sum[r][part] = hn::LoadU(d, sums + r * kNr + v * kLanes32 + part * hn::MaxLanes(D()));
      }
    }
    for (std::size_t at = 0; at < k; ++at) {
      const std::int16_t* a_pairs = a + at / 2 * 2 * kMr;
      const std::int16_t* b_pairs = b + at / 2 * 2 * kNr + 2 * v * kLanes32;
      const std::uint32_t mask = at % 2 == 0 ? kEvenHalf : kOddHalf;
      for (std::size_t r = 0; r < kMr; ++r) {
        const auto products = products_of_depth(half_pair(a_pairs, r, mask), b_pairs);
        if constexpr (std::is_same_v<D, D32>) {
          sum[r][0] = lane.template step<kFull, kSaturate>(sum[r][0], products, overflows);
        } else {
          HWY_ALIGN std::int32_t narrow[kLanes32];
          hn::Store(products, D32(), narrow);
          for (std::size_t part = 0; part < kParts; ++part) {
            sum[r][part] = lane.template step<kFull, kSaturate>(
                sum[r][part], load_widened(d, narrow + part * hn::MaxLanes(D())), overflows);
          }
        }
      }
    }
    for (std::size_t r = 0; r < kMr; ++r) {
      for (std::size_t part = 0; part < kParts; ++part) {
        hn::StoreU(sum[r][part], d, sums + r * kNr + v * kLanes32 + part * hn::MaxLanes(D()));
      }
    }
  }
  return sum_lanes(d, overflows);
}

// Tries a run two depths at a time, watching the sums after each pair. If none of them, nor the
// ones in between (at most `peak`, the largest product, away), can have left +-limit, it stores the
// sums and returns true; else it leaves them as they were. Precondition: they are within
// +-(limit - 2 * peak), limit < 2^31.
bool dot16_watched(const std::int16_t* HWY_RESTRICT a, const std::int16_t* HWY_RESTRICT b,
                   std::size_t pairs, std::uint64_t limit, std::uint64_t peak, std::int32_t* sums) {
  const D16 d16;
  const D32 d32;
  // Sums this far inside of the range cannot leave it with the next pair: what is seen is exact.
  const std::uint64_t margin = 2 * peak;
  hn::Vec<D32> sum[kMr][kVectors];
  for (std::size_t r = 0; r < kMr; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      sum[r][v] = hn::LoadU(d32, sums + r * kNr + v * kLanes32);
    }
  }
  auto highest = hn::Zero(d32);
  auto lowest = hn::Zero(d32);
  for (std::size_t p = 0; p < pairs; ++p) {
    HWY_UNROLL(8)
    for (std::size_t r = 0; r < kMr; ++r) {
      std::int32_t pair = 0;
      std::memcpy(&pair, a + 2 * r, sizeof(pair));
      for (std::size_t v = 0; v < kVectors; ++v) {
        // The halves may come in two registers, whose sum is a pair's.
        auto high = hn::Zero(d32);
        const auto low = hn::ReorderWidenMulAccumulate(d32, hn::BitCast(d16, hn::Set(d32, pair)),
                                                       hn::LoadU(d16, b + 2 * v * kLanes32),
                                                       hn::Zero(d32), high);
        sum[r][v] = hn::Add(sum[r][v], hn::RearrangeToOddPlusEven(low, high));
        highest = hn::Max(highest, sum[r][v]);
        lowest = hn::Min(lowest, sum[r][v]);
      }
    }
    a += 2 * kMr;
    b += 2 * kNr;
  }
  const auto bound = static_cast<std::int64_t>(limit - margin);
  if (hn::GetLane(hn::MaxOfLanes(d32, highest)) > bound ||
      hn::GetLane(hn::MinOfLanes(d32, lowest)) < -bound) {
    return false;
  }
  for (std::size_t r = 0; r < kMr; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      hn::StoreU(sum[r][v], d32, sums + r * kNr + v * kLanes32);
    }
  }
  return true;
}

template <class D>
std::uint64_t dot16_steps(const std::int16_t* a, const std::int16_t* b, std::size_t k,
                          const rtl::Accumulator& accumulator, hn::TFromD<D>* sums) {
  return with_accumulator_kind<hn::TFromD<D>>(accumulator, [&]<bool kFull, bool kSaturate>() {
    return dot16_sequential<D, kFull, kSaturate>(a, b, k, accumulator, sums);
  });
}

template <class D>
std::uint64_t dot16(const std::int16_t* a, const std::int16_t* b, const BlockNorms& a_norms,
                    const BlockNorms& b_norms, std::size_t k, const rtl::Accumulator& accumulator,
                    hn::TFromD<D>* sums) {
  // Partial sums are formed in 32-bit lanes before they are added to the accumulators.
  constexpr std::uint64_t kPartialLimit = (std::uint64_t{1} << 31) - 1;
  const auto limit = static_cast<std::uint64_t>(accumulator.max());
  std::uint64_t overflows = 0;
  Partial partial;
  std::uint64_t largest = largest_magnitude(sums);
  const std::uint64_t block = std::uint64_t{a_norms.block} * b_norms.block;
  if (block <= kPartialLimit && largest <= limit && block <= limit - largest) {
    multiply_add(a, b, (k + 1) / 2, partial);
    add_partial(partial, sums);
    return 0;
  }
  for (std::size_t begin = 0; begin < k; begin += kNormDepth) {
    const std::size_t depth = std::min(kNormDepth, k - begin);
    const std::size_t at = begin / kNormDepth;
    const std::uint64_t run = std::uint64_t{a_norms.run[at]} * b_norms.run[at];
    const std::int16_t* a_run = a + begin * kMr;
    const std::int16_t* b_run = b + begin * kNr;
    if (run <= kPartialLimit && largest <= limit && run <= limit - largest) {
      multiply_add(a_run, b_run, (depth + 1) / 2, partial);
      add_partial(partial, sums);
    } else {
      bool done = false;
      if constexpr (std::is_same_v<D, D32>) {
        const std::uint64_t peak = std::uint64_t{a_norms.peak[at]} * b_norms.peak[at];
        done = 2 * peak <= limit && largest <= limit - 2 * peak &&
               dot16_watched(a_run, b_run, (depth + 1) / 2, limit, peak, sums);
      }
      if (!done) {
        overflows += dot16_steps<D>(a_run, b_run, depth, accumulator, sums);
      }
    }
    largest = largest_magnitude(sums);
  }
  return overflows;
}

std::uint64_t dot16_int32(const std::int16_t* a, const std::int16_t* b, const BlockNorms& a_norms,
                          const BlockNorms& b_norms, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int32_t* sums) {
  return dot16<D32>(a, b, a_norms, b_norms, k, accumulator, sums);
}
std::uint64_t dot16_int64(const std::int16_t* a, const std::int16_t* b, const BlockNorms& a_norms,
                          const BlockNorms& b_norms, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int64_t* sums) {
  return dot16<D64>(a, b, a_norms, b_norms, k, accumulator, sums);
}

// --- shift ---------------------------------------------------------------------------------------

template <class D, bool kFull, bool kSaturate>
std::uint64_t shift_sequential(const std::int32_t* a, const std::int32_t* b, std::size_t k,
                               const rtl::Accumulator& accumulator, hn::TFromD<D>* sums) {
  const D d;
  using T = hn::TFromD<D>;
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  const LaneAccumulator<D> lane(accumulator);
  auto overflows = hn::Zero(d);
  for (std::size_t n = 0; n < kNr; n += kLanes) {
    hn::Vec<D> sum[kMr];
    for (std::size_t r = 0; r < kMr; ++r) {
      sum[r] = hn::LoadU(d, sums + r * kNr + n);
    }
    for (std::size_t at = 0; at < k; ++at) {
      const auto word = load_widened(d, b + at * kNr + n);
      const auto b_exponent = hn::ShiftRight<1>(word);
      const auto b_sign = hn::Neg(hn::And(word, hn::Set(d, T{1})));
      for (std::size_t r = 0; r < kMr; ++r) {
        const auto product =
            shifted_product(d, b_exponent, b_sign, a[at * kMr + r], accumulator.lsb);
        sum[r] = lane.template step<kFull, kSaturate>(sum[r], product, overflows);
      }
    }
    for (std::size_t r = 0; r < kMr; ++r) {
      hn::StoreU(sum[r], d, sums + r * kNr + n);
    }
  }
  return sum_lanes(d, overflows);
}

std::uint64_t shift_int32(const std::int32_t* a, const std::int32_t* b, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int32_t* sums) {
  return with_accumulator_kind<std::int32_t>(accumulator, [&]<bool kFull, bool kSaturate>() {
    return shift_sequential<D32, kFull, kSaturate>(a, b, k, accumulator, sums);
  });
}
std::uint64_t shift_int64(const std::int32_t* a, const std::int32_t* b, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int64_t* sums) {
  return with_accumulator_kind<std::int64_t>(accumulator, [&]<bool kFull, bool kSaturate>() {
    return shift_sequential<D64, kFull, kSaturate>(a, b, k, accumulator, sums);
  });
}

// --- fp32 ----------------------------------------------------------------------------------------

template <bool kGated>
void fp32_sequential(const float* a, const float* b, std::size_t k, float* sums) {
  const DF d;
  hn::Vec<DF> sum[kMr][kVectors];
  for (std::size_t r = 0; r < kMr; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      sum[r][v] = hn::LoadU(d, sums + r * kNr + v * kLanes32);
    }
  }
  for (std::size_t at = 0; at < k; ++at) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      const auto column = hn::LoadU(d, b + at * kNr + v * kLanes32);
      for (std::size_t r = 0; r < kMr; ++r) {
        const auto row = hn::Set(d, a[at * kMr + r]);
        const auto next = hn::Add(sum[r][v], hn::Mul(row, column));
        if constexpr (kGated) {
          const auto zero = hn::Or(hn::Eq(row, hn::Zero(d)), hn::Eq(column, hn::Zero(d)));
          sum[r][v] = hn::IfThenElse(zero, sum[r][v], next);
        } else {
          sum[r][v] = next;
        }
      }
    }
  }
  for (std::size_t r = 0; r < kMr; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      hn::StoreU(sum[r][v], d, sums + r * kNr + v * kLanes32);
    }
  }
}

void fp32(const float* a, const float* b, std::size_t k, bool zero_gating, float* sums) {
  zero_gating ? fp32_sequential<true>(a, b, k, sums) : fp32_sequential<false>(a, b, k, sums);
}

}  // namespace potomac::sim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace potomac::sim {

HWY_EXPORT(tile_shape);
HWY_EXPORT(target_name);
HWY_EXPORT(offers_dot16);
HWY_EXPORT(unpack);
HWY_EXPORT(dot16_int32);
HWY_EXPORT(dot16_int64);
HWY_EXPORT(shift_int32);
HWY_EXPORT(shift_int64);
HWY_EXPORT(fp32);

MicroTileShape micro_tile_shape() {
  return HWY_DYNAMIC_DISPATCH(tile_shape)();
}
bool has_dot16() {
  return HWY_DYNAMIC_DISPATCH(offers_dot16)();
}
const char* instruction_set_name() {
  return HWY_DYNAMIC_DISPATCH(target_name)();
}

void unpack_dot16(const std::uint8_t* codes, std::size_t count, const Dot16Table& table,
                  std::int16_t* values, std::uint32_t* peaks, std::uint32_t* squares) {
  HWY_DYNAMIC_DISPATCH(unpack)(codes, count, table, values, peaks, squares);
}

std::uint64_t dot16_block(const std::int16_t* a, const std::int16_t* b, const BlockNorms& a_norms,
                          const BlockNorms& b_norms, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int32_t* sums) {
  return HWY_DYNAMIC_DISPATCH(dot16_int32)(a, b, a_norms, b_norms, k, accumulator, sums);
}
std::uint64_t dot16_block(const std::int16_t* a, const std::int16_t* b, const BlockNorms& a_norms,
                          const BlockNorms& b_norms, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int64_t* sums) {
  return HWY_DYNAMIC_DISPATCH(dot16_int64)(a, b, a_norms, b_norms, k, accumulator, sums);
}
std::uint64_t shift_block(const std::int32_t* a, const std::int32_t* b, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int32_t* sums) {
  return HWY_DYNAMIC_DISPATCH(shift_int32)(a, b, k, accumulator, sums);
}
std::uint64_t shift_block(const std::int32_t* a, const std::int32_t* b, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int64_t* sums) {
  return HWY_DYNAMIC_DISPATCH(shift_int64)(a, b, k, accumulator, sums);
}
void fp32_block(const float* a, const float* b, std::size_t k, bool zero_gating, float* sums) {
  HWY_DYNAMIC_DISPATCH(fp32)(a, b, k, zero_gating, sums);
}

}  // namespace potomac::sim
#endif  // HWY_ONCE
