// Compiled once per instruction set by Highway's foreach_target: everything in HWY_NAMESPACE below
// exists in one version for each.
#include "sim/engines/fast/exact_kernels.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

// Vectors are held in arrays here, which SVE's sizeless types forbid; NEON serves those machines.
// The build says which others it leaves out.
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | POTOMAC_DISABLED_TARGETS)

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
            std::int16_t* values) {
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
}

void measure(const std::int16_t* values, std::size_t count, std::uint32_t* peaks,
             std::uint32_t* squares) {
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

// Lanes in the order that the sums of pairs have, the same each time.
template <std::size_t kLaneCount>
LaneNorms measure_lanes(const std::int16_t* values, std::uint32_t* lane_squares) {
  const hn::CappedTag<std::int16_t, std::min<std::size_t>(2 * kLaneCount, 32)> d16;
  const hn::RepartitionToWide<decltype(d16)> d32;
  using V = hn::Vec<decltype(d32)>;
  constexpr std::size_t kSize = hn::MaxLanes(d16);
  constexpr std::size_t kParts = 2 * kLaneCount / kSize;
  V squares[kParts];
  auto peak = hn::Zero(d16);
  for (V& part : squares) {
    part = hn::Zero(d32);
  }
  for (std::size_t p = 0; p < kNormDepth / 2; ++p) {
    for (std::size_t part = 0; part < kParts; ++part) {
      const auto magnitude = hn::Abs(hn::LoadU(d16, values + (p * kParts + part) * kSize));
      const auto quarter = hn::ShiftRight<2>(hn::Add(magnitude, hn::Set(d16, 3)));
      auto high = hn::Zero(d32);
      const auto low = hn::ReorderWidenMulAccumulate(d32, quarter, quarter, hn::Zero(d32), high);
      squares[part] = hn::Add(squares[part], hn::RearrangeToOddPlusEven(low, high));
      peak = hn::Max(peak, magnitude);
    }
  }
  auto largest = hn::Zero(d32);
  for (std::size_t part = 0; part < kParts; ++part) {
    largest = hn::Max(largest, squares[part]);
    std::int32_t lanes[kSize / 2];
    hn::StoreU(squares[part], d32, lanes);
    for (std::size_t i = 0; i < kSize / 2; ++i) {
      lane_squares[part * kSize / 2 + i] += (static_cast<std::uint32_t>(lanes[i]) + 1) / 2;
    }
  }
  return {static_cast<std::uint32_t>(hn::GetLane(hn::MaxOfLanes(d16, peak))),
          static_cast<std::uint32_t>(hn::GetLane(hn::MaxOfLanes(d32, largest)))};
}

LaneNorms measure_any_lanes(const std::int16_t* values, std::size_t lanes,
                            std::uint32_t* lane_squares) {
#if HWY_TARGET == HWY_SCALAR
  (void)values, (void)lanes, (void)lane_squares;
  return {};  // see has_dot16()
#else
  return lanes == kMr ? measure_lanes<kMr>(values, lane_squares)
                      : measure_lanes<kNr>(values, lane_squares);
#endif
}

// The first operand's pairs of a depth, and the thresholds that the second's must exceed.
template <bool kDrops>
struct PairsOfRow {
  hn::Vec<D16> values;
  hn::Vec<D16> thresholds;  // if kDrops

  PairsOfRow(const Dot16First& a, std::size_t at)
      : values(broadcast(a.values + at)),
        thresholds(kDrops ? broadcast(a.thresholds + at) : hn::Zero(D16())) {}

  static HWY_INLINE hn::Vec<D16> broadcast(const std::int16_t* pair) {
    std::int32_t word = 0;
    std::memcpy(&word, pair, sizeof(word));
    return hn::BitCast(D16(), hn::Set(D32(), word));
  }
};

// Those of the second operand that make a product that is kept. `magnitudes`: hn::Abs(columns).
template <bool kDrops>
HWY_INLINE hn::Vec<D16> kept(hn::Vec<D16> columns, hn::Vec<D16> magnitudes,
                             hn::Vec<D16> thresholds) {
  if constexpr (kDrops) {
    return hn::IfThenElseZero(hn::Gt(magnitudes, thresholds), columns);
  } else {
    return columns;
  }
}

// The sums of two products each, in the accumulator's units.
template <bool kDrops>
HWY_INLINE hn::Vec<D32> pair_sums(hn::Vec<D16> a, hn::Vec<D16> b, int unit_shift) {
  // The halves may come in two registers, whose sum is a pair's.
  auto high = hn::Zero(D32());
  const auto low = hn::ReorderWidenMulAccumulate(D32(), a, b, hn::Zero(D32()), high);
  const auto sums = hn::RearrangeToOddPlusEven(low, high);
  if constexpr (kDrops) {
    return hn::ShiftRightSame(sums, unit_shift);
  } else {
    return sums;
  }
}

struct Partial {
  hn::Vec<D32> sum[kMr][kVectors];
};

// The micro-tile's dot products over `pairs` pairs of depth, in any order, in units of products.
template <bool kDrops>
HWY_INLINE void multiply_add(Dot16First a, const std::int16_t* HWY_RESTRICT b, std::size_t pairs,
                             Partial& partial) {
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
    const auto magnitude0 = hn::Abs(b0);
    const auto magnitude1 = hn::Abs(b1);
    HWY_UNROLL(8)
    for (std::size_t r = 0; r < kMr; ++r) {
      const PairsOfRow<kDrops> row(a, 2 * (p * kMr + r));
      low[r][0] = hn::ReorderWidenMulAccumulate(
          d32, row.values, kept<kDrops>(b0, magnitude0, row.thresholds), low[r][0], high[r][0]);
      low[r][1] = hn::ReorderWidenMulAccumulate(
          d32, row.values, kept<kDrops>(b1, magnitude1, row.thresholds), low[r][1], high[r][1]);
    }
    b += 2 * kNr;
  }
  for (std::size_t r = 0; r < kMr; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      partial.sum[r][v] = hn::RearrangeToOddPlusEven(low[r][v], high[r][v]);
    }
  }
}

// The same in units of the accumulator, pair by pair: for products whose sum would not fit.
HWY_INLINE void multiply_shift_add(Dot16First a, const std::int16_t* HWY_RESTRICT b,
                                   std::size_t pairs, int unit_shift, Partial& partial) {
  const D16 d16;
  for (auto& row : partial.sum) {
    for (auto& sums : row) {
      sums = hn::Zero(D32());
    }
  }
  for (std::size_t p = 0; p < pairs; ++p) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      const auto columns = hn::LoadU(d16, b + (p * kVectors + v) * 2 * kLanes32);
      const auto magnitudes = hn::Abs(columns);
      HWY_UNROLL(8)
      for (std::size_t r = 0; r < kMr; ++r) {
        const PairsOfRow<true> row(a, 2 * (p * kMr + r));
        partial.sum[r][v] =
            hn::Add(partial.sum[r][v],
                    pair_sums<true>(row.values, kept<true>(columns, magnitudes, row.thresholds),
                                    unit_shift));
      }
    }
  }
}

// Partial sums are 2^unit_shift times as many as the accumulators' units.
HWY_INLINE void add_partial(const Partial& partial, int unit_shift, std::int32_t* sums) {
  const D32 d;
  for (std::size_t r = 0; r < kMr; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      std::int32_t* at = sums + r * kNr + v * kLanes32;
      hn::StoreU(hn::Add(hn::LoadU(d, at), hn::ShiftRightSame(partial.sum[r][v], unit_shift)), d,
                 at);
    }
  }
}

HWY_INLINE void add_partial(const Partial& partial, int unit_shift, std::int64_t* sums) {
  const D32 d32;
  HWY_ALIGN std::int32_t lanes[kLanes32];
  for (std::size_t r = 0; r < kMr; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      hn::Store(hn::ShiftRightSame(partial.sum[r][v], unit_shift), d32, lanes);
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
  const D64 d;
  // v ^ sign is |v|, less 1 where v is negative: what is returned may be 1 too much.
  auto largest = hn::Zero(d);
  for (std::size_t i = 0; i < kMr * kNr; i += kLanes64) {
    const auto v = hn::LoadU(d, sums + i);
    largest = hn::Max(largest, hn::Xor(v, hn::BroadcastSignBit(v)));
  }
  return static_cast<std::uint64_t>(hn::GetLane(hn::MaxOfLanes(d, largest))) + 1;
}

// dot16 one product at a time, in order.
template <class D, bool kDrops, bool kFull, bool kSaturate>
std::uint64_t dot16_sequential(const Dot16First& a, const std::int16_t* b, std::size_t k,
                               int unit_shift, const rtl::Accumulator& accumulator,
                               hn::TFromD<D>* sums, std::int32_t* turns) {
  const D d;
  const D16 d16;
  constexpr std::size_t kParts = kLanes32 / hn::MaxLanes(D());  // vectors of sums per 32-bit vector
  const LaneAccumulator<D> lane(accumulator);
  std::uint64_t steps = 0;
  auto overflows = hn::Zero(d);
  for (std::size_t v = 0; v < kVectors; ++v) {
    const auto place = [v](std::size_t r, std::size_t part) {
      return r * kNr + v * kLanes32 + part * hn::MaxLanes(D());
    };
    hn::Vec<D> sum[kMr][kParts];
    hn::Vec<D> turned[kMr][kParts];
    for (std::size_t r = 0; r < kMr; ++r) {
      for (std::size_t part = 0; part < kParts; ++part) {
        sum[r][part] = hn::LoadU(d, sums + place(r, part));
        turned[r][part] = hn::Zero(d);
      }
    }
    for (std::size_t at = 0; at < k; ++at) {
      const auto columns = hn::LoadU(d16, b + at / 2 * 2 * kNr + 2 * v * kLanes32);
      // A pair whose other half is zero leaves just one of the two products.
      const auto half = hn::BitCast(
          d16, hn::Set(D32(), static_cast<std::int32_t>(at % 2 == 0 ? kEvenHalf : kOddHalf)));
      const auto magnitudes = hn::Abs(columns);
      for (std::size_t r = 0; r < kMr; ++r) {
        const PairsOfRow<kDrops> row(a, at / 2 * 2 * kMr + 2 * r);
        const auto products =
            pair_sums<kDrops>(hn::And(row.values, half),
                              kept<kDrops>(columns, magnitudes, row.thresholds), unit_shift);
        if constexpr (std::is_same_v<D, D32>) {
          sum[r][0] =
              lane.template step<kFull, kSaturate>(sum[r][0], products, overflows, turned[r][0]);
        } else {
          HWY_ALIGN std::int32_t narrow[kLanes32];
          hn::Store(products, D32(), narrow);
          for (std::size_t part = 0; part < kParts; ++part) {
            sum[r][part] = lane.template step<kFull, kSaturate>(
                sum[r][part], load_widened(d, narrow + part * hn::MaxLanes(D())), overflows,
                turned[r][part]);
          }
        }
      }
    }
    for (std::size_t r = 0; r < kMr; ++r) {
      for (std::size_t part = 0; part < kParts; ++part) {
        hn::StoreU(sum[r][part], d, sums + place(r, part));
        steps += add_turns<kSaturate>(d, turned[r][part], turns + place(r, part));
      }
    }
  }
  return steps + sum_lanes(d, overflows);
}

#if HWY_TARGET != HWY_SCALAR
// Sums of the micro-tile that are to be stepped one product at a time: where each is, and what it
// was. There is room for a vector behind the last one.
struct CloseSums {  // NOLINT(cppcoreguidelines-pro-type-member-init): written before read
  HWY_ALIGN std::int32_t row[kMr * kNr + kLanes32];
  HWY_ALIGN std::int32_t col[kMr * kNr + kLanes32];
  HWY_ALIGN std::int32_t sum[kMr * kNr + kLanes32];
  HWY_ALIGN std::int32_t turned[kMr * kNr + kLanes32];  // once stepped
  std::size_t count = 0;
};

// One pair of each row of the micro-tile, in the lowest lanes. (A template, since only one of its
// branches may be compiled.)
template <std::size_t kRows>
HWY_INLINE hn::Vec<D32> row_pairs(const std::int16_t* a) {
  const hn::CappedTag<std::int32_t, kRows> d;
  const auto pairs = hn::BitCast(d, hn::LoadU(hn::Repartition<std::int16_t, decltype(d)>(), a));
  if constexpr (kRows == kLanes32) {
    return pairs;
  } else {
    return hn::ZeroExtendVector(D32(), pairs);
  }
}

// Steps them, in any rows and columns, side by side. Returns their overflows.
template <bool kDrops, bool kFull, bool kSaturate>
std::uint64_t dot16_close_sums(const Dot16First& a, const std::int16_t* b, std::size_t k,
                               int unit_shift, const LaneAccumulator<D32>& lane, CloseSums& close) {
  const D16 d16;
  const D32 d32;
  const auto even = hn::BitCast(d16, hn::Set(d32, static_cast<std::int32_t>(kEvenHalf)));
  std::uint64_t steps = 0;
  for (std::size_t i = 0; i < close.count; i += kLanes32) {
    const auto row = hn::IndicesFromVec(d32, hn::Load(d32, close.row + i));
    static_assert(kVectors == 2 && (kLanes32 & (kLanes32 - 1)) == 0);
    const auto column = hn::Load(d32, close.col + i);
    const auto in_second = hn::Gt(column, hn::Set(d32, std::int32_t{kLanes32 - 1}));
    const auto col =
        hn::IndicesFromVec(d32, hn::And(column, hn::Set(d32, std::int32_t{kLanes32 - 1})));
    auto sum = hn::Load(d32, close.sum + i);
    auto overflows = hn::Zero(d32);
    auto turned = hn::Zero(d32);
    for (std::size_t p = 0; p < k; p += 2) {
      const auto pairs_at = [&](std::size_t vector) {
        const auto pairs = hn::LoadU(d16, b + p * kNr + 2 * vector * kLanes32);
        return hn::TableLookupLanes(hn::BitCast(d32, pairs), col);
      };
      const auto of_row = [&](const std::int16_t* values) {
        return hn::BitCast(d16, hn::TableLookupLanes(row_pairs<kMr>(values + p * kMr), row));
      };
      const auto first = of_row(a.values);
      auto second = hn::BitCast(d16, hn::IfThenElse(in_second, pairs_at(1), pairs_at(0)));
      if constexpr (kDrops) {
        second = kept<true>(second, hn::Abs(second), of_row(a.thresholds));
      }
      // A padded depth adds 0.
      for (const auto half : {hn::And(second, even), hn::AndNot(even, second)}) {
        sum = lane.template step<kFull, kSaturate>(sum, pair_sums<kDrops>(first, half, unit_shift),
                                                   overflows, turned);
      }
    }
    hn::Store(sum, d32, close.sum + i);
    hn::Store(turned, d32, close.turned + i);
    steps += sum_lanes(
        d32, hn::IfThenElseZero(hn::FirstN(d32, close.count - i), kSaturate ? turned : overflows));
  }
  return steps;
}

// A sum within this bound after a pair, as the one before the pair was, has not left the range in
// between. Until it leaves the bound its lane must hold it too, which one of 32 bits that is as
// wide as the accumulator does with a product less.
HWY_INLINE std::int64_t watched_bound(const rtl::Accumulator& accumulator, std::uint64_t peak) {
  const auto product = static_cast<std::int64_t>(peak);
  return accumulator.max() - (accumulator.bits < 32 ? product : 2 * product);
}

// A block in which sums may come close to the end of the range: they take two depths at a time, and
// are watched after each pair. Where a sum, or the one in between (at most `peak`, the largest
// product, away), cannot have left the range, it is right as it is; the others are done again, one
// product at a time. Precondition: watched_bound() is not negative.
template <bool kDrops, bool kFull, bool kSaturate>
std::uint64_t dot16_watched(const Dot16First& a, const std::int16_t* HWY_RESTRICT b, std::size_t k,
                            int unit_shift, const rtl::Accumulator& accumulator, std::uint64_t peak,
                            std::int32_t* sums, std::int32_t* turns) {
  const D16 d16;
  const D32 d32;
  const hn::RebindToUnsigned<D32> du;
  const LaneAccumulator<D32> lane(accumulator);
  const auto bound = static_cast<std::uint64_t>(watched_bound(accumulator, peak));
  // Sums are kept `bound` higher, so that one unsigned comparison finds those beyond +-bound.
  const auto offset = hn::Set(d32, static_cast<std::int32_t>(bound));
  const auto limit = hn::Set(du, static_cast<std::uint32_t>(2 * bound));
  CloseSums close;
  for (std::size_t column = 0; column < kNr; column += kLanes32) {
    hn::Vec<D32> sum[kMr];
    hn::Vec<decltype(du)> highest[kMr];
    for (std::size_t r = 0; r < kMr; ++r) {
      sum[r] = hn::Add(hn::LoadU(d32, sums + r * kNr + column), offset);
      highest[r] = hn::BitCast(du, sum[r]);
    }
    for (std::size_t p = 0; p < k; p += 2) {
      const auto b_pairs = hn::LoadU(d16, b + 2 * column + p * kNr);
      const auto magnitudes = hn::Abs(b_pairs);
      HWY_UNROLL(8)
      for (std::size_t r = 0; r < kMr; ++r) {
        const PairsOfRow<kDrops> row(a, p * kMr + 2 * r);
        sum[r] = hn::Add(
            sum[r], pair_sums<kDrops>(row.values, kept<kDrops>(b_pairs, magnitudes, row.thresholds),
                                      unit_shift));
        highest[r] = hn::Max(highest[r], hn::BitCast(du, sum[r]));
      }
    }
    for (std::size_t r = 0; r < kMr; ++r) {
      std::int32_t* const at = sums + r * kNr + column;
      const auto mask = hn::RebindMask(d32, hn::Gt(highest[r], limit));
      if (!hn::AllFalse(d32, mask)) {
        const auto columns = hn::Iota(d32, static_cast<std::int32_t>(column));
        hn::StoreU(hn::Set(d32, static_cast<std::int32_t>(r)), d32, close.row + close.count);
        hn::StoreU(hn::Compress(columns, mask), d32, close.col + close.count);
        hn::StoreU(hn::Compress(hn::LoadU(d32, at), mask), d32, close.sum + close.count);
        close.count += hn::CountTrue(d32, mask);
      }
      hn::StoreU(hn::Sub(sum[r], offset), d32, at);
    }
  }
  // Lanes behind the last one look something up too.
  for (std::int32_t* list : {close.row, close.col, close.sum}) {
    hn::StoreU(hn::Zero(d32), d32, list + close.count);
  }
  const std::uint64_t overflows =
      dot16_close_sums<kDrops, kFull, kSaturate>(a, b, k, unit_shift, lane, close);
  for (std::size_t i = 0; i < close.count; ++i) {
    const auto place =
        static_cast<std::size_t>(close.row[i]) * kNr + static_cast<std::size_t>(close.col[i]);
    sums[place] = close.sum[i];
    turns[place] += close.turned[i];
  }
  return overflows;
}
#endif

template <class D, bool kDrops>
std::uint64_t dot16_steps(const Dot16First& a, const std::int16_t* b, std::size_t k, int unit_shift,
                          const rtl::Accumulator& accumulator, hn::TFromD<D>* sums,
                          std::int32_t* turns) {
  return with_accumulator_kind<hn::TFromD<D>>(accumulator, [&]<bool kFull, bool kSaturate>() {
    return dot16_sequential<D, kDrops, kFull, kSaturate>(a, b, k, unit_shift, accumulator, sums,
                                                         turns);
  });
}

// A norm bounds the sums of products in units of 2^-unit_shift of the accumulator's.
HWY_INLINE std::uint64_t in_units(std::uint64_t norm, int unit_shift) {
  return unit_shift == 0 ? norm : (norm >> unit_shift) + 1;
}

// Whether sums of at most `largest` stay within `limit` if products that `norm` bounds are added.
HWY_INLINE bool fits(std::uint64_t norm, std::uint64_t largest, std::uint64_t limit) {
  return largest <= limit && norm <= limit - largest;
}

// Adds products in any order; false, and nothing is done, if a 32-bit lane might not hold their
// partial sums, which `norm` bounds.
template <bool kDrops, class T>
HWY_INLINE bool add_products(const Dot16First& a, const std::int16_t* b, std::size_t k,
                             int unit_shift, std::uint64_t norm, T* sums) {
  constexpr std::uint64_t kPartialLimit = (std::uint64_t{1} << 31) - 1;
  Partial partial;
  if (norm <= kPartialLimit) {
    multiply_add<kDrops>(a, b, (k + 1) / 2, partial);
    add_partial(partial, unit_shift, sums);
    return true;
  }
  if (kDrops && in_units(norm, unit_shift) <= kPartialLimit) {
    multiply_shift_add(a, b, (k + 1) / 2, unit_shift, partial);
    add_partial(partial, 0, sums);
    return true;
  }
  return false;
}

template <bool kDrops>
std::uint64_t dot16_narrow(const Dot16First& a, const std::int16_t* b, const BlockNorms& a_norms,
                           const BlockNorms& b_norms, std::size_t k, int unit_shift,
                           const rtl::Accumulator& accumulator, std::int32_t* sums,
                           std::int32_t* turns) {
  const auto limit = static_cast<std::uint64_t>(accumulator.max());
  const std::uint64_t norm = std::uint64_t{a_norms.block} * b_norms.block;
  if (fits(in_units(norm, unit_shift), largest_magnitude(sums), limit) &&
      add_products<kDrops>(a, b, k, unit_shift, norm, sums)) {
    return 0;
  }
#if HWY_TARGET != HWY_SCALAR
  std::uint64_t peak = 0;
  for (std::size_t run = 0; run < kNormsPerBlock; ++run) {
    peak = std::max(peak, std::uint64_t{a_norms.peak[run]} * b_norms.peak[run]);
  }
  peak >>= static_cast<unsigned>(unit_shift);
  if (watched_bound(accumulator, peak) >= 0) {
    return with_accumulator_kind<std::int32_t>(accumulator, [&]<bool kFull, bool kSaturate>() {
      return dot16_watched<kDrops, kFull, kSaturate>(a, b, k, unit_shift, accumulator, peak, sums,
                                                     turns);
    });
  }
#endif
  return dot16_steps<D32, kDrops>(a, b, k, unit_shift, accumulator, sums, turns);
}

// Wider sums seldom come close to their end, but a block's partial sums may be too large for 32-bit
// lanes: then run by run.
template <bool kDrops>
std::uint64_t dot16_wide(const Dot16First& a, const std::int16_t* b, const BlockNorms& a_norms,
                         const BlockNorms& b_norms, std::size_t k, int unit_shift,
                         const rtl::Accumulator& accumulator, std::int64_t* sums,
                         std::int32_t* turns) {
  const auto limit = static_cast<std::uint64_t>(accumulator.max());
  std::uint64_t largest = largest_magnitude(sums);
  const std::uint64_t norm = std::uint64_t{a_norms.block} * b_norms.block;
  if (fits(in_units(norm, unit_shift), largest, limit) &&
      add_products<kDrops>(a, b, k, unit_shift, norm, sums)) {
    return 0;
  }
  std::uint64_t overflows = 0;
  for (std::size_t begin = 0; begin < k; begin += kNormDepth) {
    const std::size_t depth = std::min(kNormDepth, k - begin);
    const Dot16First a_run = a.from(begin * kMr);
    const std::uint64_t run =
        std::uint64_t{a_norms.run[begin / kNormDepth]} * b_norms.run[begin / kNormDepth];
    if (!fits(in_units(run, unit_shift), largest, limit)) {
      largest = largest_magnitude(sums);  // it had only been bounded
    }
    if (fits(in_units(run, unit_shift), largest, limit) &&
        add_products<kDrops>(a_run, b + begin * kNr, depth, unit_shift, run, sums)) {
      largest += in_units(run, unit_shift);
    } else {
      overflows += dot16_steps<D64, kDrops>(a_run, b + begin * kNr, depth, unit_shift, accumulator,
                                            sums, turns);
      largest = largest_magnitude(sums);
    }
  }
  return overflows;
}

std::uint64_t dot16_int32(const Dot16First& a, const std::int16_t* b, const BlockNorms& a_norms,
                          const BlockNorms& b_norms, std::size_t k, int unit_shift,
                          const rtl::Accumulator& accumulator, std::int32_t* sums,
                          std::int32_t* turns) {
  return a.thresholds == nullptr
             ? dot16_narrow<false>(a, b, a_norms, b_norms, k, unit_shift, accumulator, sums, turns)
             : dot16_narrow<true>(a, b, a_norms, b_norms, k, unit_shift, accumulator, sums, turns);
}
std::uint64_t dot16_int64(const Dot16First& a, const std::int16_t* b, const BlockNorms& a_norms,
                          const BlockNorms& b_norms, std::size_t k, int unit_shift,
                          const rtl::Accumulator& accumulator, std::int64_t* sums,
                          std::int32_t* turns) {
  return a.thresholds == nullptr
             ? dot16_wide<false>(a, b, a_norms, b_norms, k, unit_shift, accumulator, sums, turns)
             : dot16_wide<true>(a, b, a_norms, b_norms, k, unit_shift, accumulator, sums, turns);
}

// --- dot32 ---------------------------------------------------------------------------------------

#if HWY_TARGET != HWY_SCALAR
// The products of a row's element with a vector of columns.
HWY_INLINE hn::Vec<D64> wide_products(std::int64_t a, hn::Vec<D64> columns) {
  const hn::RepartitionToNarrow<D64> d32;
  return hn::MulEven(hn::BitCast(d32, hn::Set(D64(), a)), hn::BitCast(d32, columns));
}

template <bool kFull, bool kSaturate>
std::uint64_t dot32(const std::int64_t* a, const std::int64_t* b, const WideNorms& a_norms,
                    const WideNorms& b_norms, std::size_t k, const rtl::Accumulator& accumulator,
                    std::int64_t* sums, std::int32_t* turns) {
  const D64 d;
  const LaneAccumulator<D64> lane(accumulator);
  std::uint64_t steps = 0;
  auto overflows = hn::Zero(d);
  for (std::size_t begin = 0; begin < k; begin += kNormDepth) {
    const std::size_t end = std::min(begin + kNormDepth, k);
    // How far from 0 a sum may be, and be sure to stay in the range: less than 0 if none is.
    const std::uint64_t reach = a_norms.run[begin / kNormDepth] * b_norms.run[begin / kNormDepth];
    const std::int64_t units = accumulator.max() >> (2 * kWideNormUnit);
    const auto safe = static_cast<std::int64_t>((static_cast<std::uint64_t>(units) - reach)
                                                << (2 * kWideNormUnit));
    const auto limit =
        hn::Set(d, reach > static_cast<std::uint64_t>(units) ? std::int64_t{-1} : safe);
    for (std::size_t column = 0; column < kNr; column += kLanes64) {
      hn::Vec<D64> sum[kMr];
      for (std::size_t r = 0; r < kMr; ++r) {
        sum[r] = hn::LoadU(d, sums + r * kNr + column);
      }
      for (std::size_t at = begin; at < end; ++at) {
        const auto columns = hn::LoadU(d, b + at * kNr + column);
        HWY_UNROLL(8)
        for (std::size_t r = 0; r < kMr; ++r) {
          sum[r] = hn::Add(sum[r], wide_products(a[at * kMr + r], columns));
        }
      }
      for (std::size_t r = 0; r < kMr; ++r) {
        std::int64_t* const to = sums + r * kNr + column;
        const auto before = hn::LoadU(d, to);
        // v ^ sign is |v|, less 1 where v is negative.
        if (!hn::AllTrue(d, hn::Lt(hn::Xor(before, hn::BroadcastSignBit(before)), limit))) {
          sum[r] = before;
          auto turned = hn::Zero(d);
          for (std::size_t at = begin; at < end; ++at) {
            const auto columns = hn::LoadU(d, b + at * kNr + column);
            sum[r] = lane.template step<kFull, kSaturate>(
                sum[r], wide_products(a[at * kMr + r], columns), overflows, turned);
          }
          steps += add_turns<kSaturate>(d, turned, turns + r * kNr + column);
        }
        hn::StoreU(sum[r], d, to);
      }
    }
  }
  return steps + sum_lanes(d, overflows);
}
#endif

std::uint64_t dot32_int64(const std::int64_t* a, const std::int64_t* b, const WideNorms& a_norms,
                          const WideNorms& b_norms, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int64_t* sums,
                          std::int32_t* turns) {
#if HWY_TARGET == HWY_SCALAR
  (void)a, (void)b, (void)a_norms, (void)b_norms, (void)k, (void)accumulator, (void)sums;
  (void)turns;
  return 0;  // see has_dot16()
#else
  return with_accumulator_kind<std::int64_t>(accumulator, [&]<bool kFull, bool kSaturate>() {
    return dot32<kFull, kSaturate>(a, b, a_norms, b_norms, k, accumulator, sums, turns);
  });
#endif
}

// --- shift ---------------------------------------------------------------------------------------

template <class D, bool kFull, bool kSaturate>
std::uint64_t shift_sequential(const std::int32_t* a, const std::int32_t* b, std::size_t k,
                               const rtl::Accumulator& accumulator, hn::TFromD<D>* sums,
                               std::int32_t* turns) {
  const D d;
  using T = hn::TFromD<D>;
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  const LaneAccumulator<D> lane(accumulator);
  std::uint64_t steps = 0;
  auto overflows = hn::Zero(d);
  for (std::size_t n = 0; n < kNr; n += kLanes) {
    hn::Vec<D> sum[kMr];
    hn::Vec<D> turned[kMr];
    for (std::size_t r = 0; r < kMr; ++r) {
      sum[r] = hn::LoadU(d, sums + r * kNr + n);
      turned[r] = hn::Zero(d);
    }
    for (std::size_t at = 0; at < k; ++at) {
      const auto word = load_widened(d, b + at * kNr + n);
      const auto b_exponent = hn::ShiftRight<1>(word);
      const auto b_sign = hn::Neg(hn::And(word, hn::Set(d, T{1})));
      for (std::size_t r = 0; r < kMr; ++r) {
        const auto product =
            shifted_product(d, b_exponent, b_sign, a[at * kMr + r], accumulator.lsb);
        sum[r] = lane.template step<kFull, kSaturate>(sum[r], product, overflows, turned[r]);
      }
    }
    for (std::size_t r = 0; r < kMr; ++r) {
      hn::StoreU(sum[r], d, sums + r * kNr + n);
      steps += add_turns<kSaturate>(d, turned[r], turns + r * kNr + n);
    }
  }
  return steps + sum_lanes(d, overflows);
}

std::uint64_t shift_int32(const std::int32_t* a, const std::int32_t* b, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int32_t* sums,
                          std::int32_t* turns) {
  return with_accumulator_kind<std::int32_t>(accumulator, [&]<bool kFull, bool kSaturate>() {
    return shift_sequential<D32, kFull, kSaturate>(a, b, k, accumulator, sums, turns);
  });
}
std::uint64_t shift_int64(const std::int32_t* a, const std::int32_t* b, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int64_t* sums,
                          std::int32_t* turns) {
  return with_accumulator_kind<std::int64_t>(accumulator, [&]<bool kFull, bool kSaturate>() {
    return shift_sequential<D64, kFull, kSaturate>(a, b, k, accumulator, sums, turns);
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
HWY_EXPORT(measure);
HWY_EXPORT(measure_any_lanes);
HWY_EXPORT(dot16_int32);
HWY_EXPORT(dot16_int64);
HWY_EXPORT(dot32_int64);
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
                  std::int16_t* values) {
  HWY_DYNAMIC_DISPATCH(unpack)(codes, count, table, values);
}
void measure_dot16(const std::int16_t* values, std::size_t count, std::uint32_t* peaks,
                   std::uint32_t* squares) {
  HWY_DYNAMIC_DISPATCH(measure)(values, count, peaks, squares);
}

LaneNorms measure_dot16_lanes(const std::int16_t* values, std::size_t lanes,
                              std::uint32_t* lane_squares) {
  return HWY_DYNAMIC_DISPATCH(measure_any_lanes)(values, lanes, lane_squares);
}

std::uint64_t dot16_block(const Dot16First& a, const std::int16_t* b, const BlockNorms& a_norms,
                          const BlockNorms& b_norms, std::size_t k, int unit_shift,
                          const rtl::Accumulator& accumulator, std::int32_t* sums,
                          std::int32_t* turns) {
  return HWY_DYNAMIC_DISPATCH(dot16_int32)(a, b, a_norms, b_norms, k, unit_shift, accumulator, sums,
                                           turns);
}
std::uint64_t dot16_block(const Dot16First& a, const std::int16_t* b, const BlockNorms& a_norms,
                          const BlockNorms& b_norms, std::size_t k, int unit_shift,
                          const rtl::Accumulator& accumulator, std::int64_t* sums,
                          std::int32_t* turns) {
  return HWY_DYNAMIC_DISPATCH(dot16_int64)(a, b, a_norms, b_norms, k, unit_shift, accumulator, sums,
                                           turns);
}
std::uint64_t dot32_block(const std::int64_t* a, const std::int64_t* b, const WideNorms& a_norms,
                          const WideNorms& b_norms, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int64_t* sums,
                          std::int32_t* turns) {
  return HWY_DYNAMIC_DISPATCH(dot32_int64)(a, b, a_norms, b_norms, k, accumulator, sums, turns);
}
std::uint64_t shift_block(const std::int32_t* a, const std::int32_t* b, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int32_t* sums,
                          std::int32_t* turns) {
  return HWY_DYNAMIC_DISPATCH(shift_int32)(a, b, k, accumulator, sums, turns);
}
std::uint64_t shift_block(const std::int32_t* a, const std::int32_t* b, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int64_t* sums,
                          std::int32_t* turns) {
  return HWY_DYNAMIC_DISPATCH(shift_int64)(a, b, k, accumulator, sums, turns);
}
void fp32_block(const float* a, const float* b, std::size_t k, bool zero_gating, float* sums) {
  HWY_DYNAMIC_DISPATCH(fp32)(a, b, k, zero_gating, sums);
}

}  // namespace potomac::sim
#endif  // HWY_ONCE
