// What the SIMD kernels share: the micro-tile in lanes, and one step of the accumulator. Compiled
// once per instruction set, by the kernels' own foreach_target: hence no #pragma once.
#if defined(POTOMAC_LANES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef POTOMAC_LANES_INL_HPP
#undef POTOMAC_LANES_INL_HPP
#else
#define POTOMAC_LANES_INL_HPP
#endif

#include <hwy/highway.h>

#include <bit>
#include <cstddef>
#include <cstdint>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/engines/fast/exact_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace potomac::sim::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D16 = hn::CappedTag<std::int16_t, 32>;
using D32 = hn::CappedTag<std::int32_t, 16>;
using D64 = hn::CappedTag<std::int64_t, 8>;
using DF = hn::CappedTag<float, 16>;

// 16 accumulator registers where there are 32 in all, 8 where there are 16.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
inline constexpr std::size_t kMr = 8;
#else
inline constexpr std::size_t kMr = 4;
#endif
inline constexpr std::size_t kVectors = 2;  // of int32 lanes side by side
inline constexpr std::size_t kLanes32 = hn::MaxLanes(D32());
inline constexpr std::size_t kLanes64 = hn::MaxLanes(D64());
inline constexpr std::size_t kNr = kVectors * kLanes32;
static_assert(kMr <= kMaxMr && kNr <= kMaxNr);

// Without vectors (Highway's fallback for machines of no known kind) int16 pairs fill no int32
// lane.
inline constexpr bool kHasDot16 = hn::MaxLanes(D16()) == 2 * kLanes32;

// One step of the accumulator in every lane. `turned` is what exact_kernels.hpp calls turns;
// `overflows` counts the sums that left the range, where turns do not do so too. `full`: the
// accumulator is as wide as the lane, so that overflow shows in the signs; otherwise a sum always
// fits the lane.
template <class D>
class LaneAccumulator {
 public:
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;

  explicit LaneAccumulator(const rtl::Accumulator& accumulator)
      : spare_(static_cast<int>(sizeof(T) * 8) - accumulator.bits),
        max_(hn::Set(D(), static_cast<T>(accumulator.max()))),
        min_(hn::Set(D(), static_cast<T>(accumulator.min()))) {}

  template <bool kFull, bool kSaturate>
  HWY_INLINE V step(V sum, V addend, V& overflows, V& turned) const {
    const D d;
    const V wide = add_wrapping(sum, addend);
    if constexpr (kFull) {
      // The sum overflowed if its sign differs from that of both parts.
      const V signs = hn::And(hn::Xor(sum, wide), hn::Xor(addend, wide));
      const hn::RebindToUnsigned<D> du;
      const V left = hn::BitCast(d, hn::ShiftRight<sizeof(T) * 8 - 1>(hn::BitCast(du, signs)));
      count<kSaturate>(left, addend, overflows, turned);
      if constexpr (kSaturate) {
        const V limit = hn::IfThenElse(hn::Lt(addend, hn::Zero(d)), min_, max_);
        return hn::IfThenElse(hn::Lt(signs, hn::Zero(d)), limit, wide);
      }
      return wide;
    } else {
      V kept;
      if constexpr (kSaturate) {
        kept = hn::Min(hn::Max(wide, min_), max_);
      } else {
        const hn::RebindToUnsigned<D> du;
        kept = hn::ShiftRightSame(hn::BitCast(d, hn::ShiftLeftSame(hn::BitCast(du, wide), spare_)),
                                  spare_);
      }
      const V left = hn::IfThenElseZero(hn::Ne(kept, wide), hn::Set(d, T{1}));
      count<kSaturate>(left, addend, overflows, turned);
      return kept;
    }
  }

 private:
  // `left` is 1 where a sum left the range.
  template <bool kSaturate>
  static HWY_INLINE void count(V left, V addend, V& overflows, V& turned) {
    if constexpr (kSaturate) {
      turned = hn::Add(turned, left);
    } else {
      overflows = hn::Add(overflows, left);
      const V sign = hn::BroadcastSignBit(addend);
      turned = hn::Add(turned, hn::Sub(hn::Xor(left, sign), sign));
    }
  }

  // Signed lanes wrap in hardware; going through unsigned says so to the compiler too.
  static HWY_INLINE V add_wrapping(V a, V b) {
    const hn::RebindToUnsigned<D> du;
    return hn::BitCast(D(), hn::Add(hn::BitCast(du, a), hn::BitCast(du, b)));
  }

  int spare_;
  V max_;
  V min_;
};

// Adds what a vector of sums has turned to where it is kept. Returns the overflows that it counts.
template <bool kSaturate, class D>
HWY_INLINE std::uint64_t add_turns(D d, hn::Vec<D> turned, std::int32_t* turns) {
  hn::TFromD<D> lanes[kLanes32];
  hn::StoreU(turned, d, lanes);
  std::uint64_t overflows = 0;
  for (std::size_t i = 0; i < hn::MaxLanes(d); ++i) {
    turns[i] += static_cast<std::int32_t>(lanes[i]);
    overflows += kSaturate ? static_cast<std::uint64_t>(lanes[i]) : 0;
  }
  return overflows;
}

template <class D>
HWY_INLINE std::uint64_t sum_lanes(D d, hn::Vec<D> v) {
  hn::TFromD<D> lanes[kLanes32];
  hn::StoreU(v, d, lanes);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) {
    sum += static_cast<std::uint64_t>(lanes[i]);
  }
  return sum;
}

// Calls body.template operator()<kFull, kSaturate>().
template <class T, class Body>
HWY_INLINE std::uint64_t with_accumulator_kind(const rtl::Accumulator& accumulator, Body body) {
  const bool full = accumulator.bits == static_cast<int>(sizeof(T) * 8);
  const bool saturate = accumulator.overflow == rtl::Overflow::kSaturate;
  if (full) {
    return saturate ? body.template operator()<true, true>()
                    : body.template operator()<true, false>();
  }
  return saturate ? body.template operator()<false, true>()
                  : body.template operator()<false, false>();
}

// One int32 per lane of D, sign-extended where lanes are wider.
template <class D>
HWY_INLINE hn::Vec<D> load_widened(D d, const std::int32_t* b) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return hn::LoadU(d, b);
  } else {
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<std::int32_t, D>(), b));
  }
}

// Products of the shift layout: of a vector of second operands, taken apart, and one first operand.
template <class D>
HWY_INLINE hn::Vec<D> shifted_product(D d, hn::Vec<D> exponent, hn::Vec<D> sign,
                                      std::int32_t factor, int lsb) {
  using T = hn::TFromD<D>;
  const hn::RebindToUnsigned<D> du;
  const auto position = hn::Add(exponent, hn::Set(d, static_cast<T>((factor >> 1) - lsb)));
  const auto kept = hn::Gt(position, hn::Set(d, T{-1}));
  // Lanes that are dropped shift by 0: a shift by a negative amount is not defined.
  const auto amount = hn::BitCast(du, hn::IfThenElseZero(kept, position));
  const auto magnitude = hn::IfThenElseZero(kept, hn::BitCast(d, hn::Shl(hn::Set(du, 1), amount)));
  const auto product_sign = hn::Xor(sign, hn::Set(d, static_cast<T>(-(factor & 1))));
  return hn::Sub(hn::Xor(magnitude, product_sign), product_sign);
}

// Depth 2p lies in the half of a pair that comes first in memory.
inline constexpr bool kLittleEndian = std::endian::native == std::endian::little;
inline constexpr std::uint32_t kEvenHalf = kLittleEndian ? 0x0000FFFF : 0xFFFF0000;
inline constexpr std::uint32_t kOddHalf = ~kEvenHalf;

}  // namespace potomac::sim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // POTOMAC_LANES_INL_HPP
