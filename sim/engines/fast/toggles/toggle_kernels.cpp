// Compiled once per instruction set by Highway's foreach_target: everything in HWY_NAMESPACE below
// exists in one version for each.
#include "sim/engines/fast/toggles/toggle_kernels.hpp"

#include <bit>
#include <cstring>
#include <type_traits>

// Vectors are held in arrays here, which SVE's sizeless types forbid; NEON serves those machines.
// The build says which others it leaves out.
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | POTOMAC_DISABLED_TARGETS)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sim/engines/fast/toggles/toggle_kernels.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/highway.h>

#include "sim/engines/fast/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace potomac::sim::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR
// One lane has no bytes of its own.
template <class D>
class BitCounter {
 public:
  using Bits = hn::RebindToUnsigned<D>;

  void add(const hn::Vec<Bits> (&words)[kMr]) {
    for (const auto& word : words) {
      total_ += static_cast<std::uint64_t>(std::popcount(hn::GetLane(word)));
    }
  }
  std::uint64_t total() const { return total_; }

 private:
  std::uint64_t total_ = 0;
};
#else
// Counts the bits of vectors, kMr at a time: carry-save adders leave one population count in kMr,
// since few machines have an instruction for it.
template <class D>
class BitCounter {
 public:
  using Bits = hn::Repartition<std::uint8_t, D>;
  using D64U = hn::Repartition<std::uint64_t, D>;
  using V = hn::Vec<Bits>;

  // Written out: GCC would not compile a default one for this instruction set.
  HWY_INLINE BitCounter()
      : ones_(hn::Zero(Bits())),
        twos_(hn::Zero(Bits())),
        fours_(hn::Zero(Bits())),
        bytes_(hn::Zero(Bits())),
        sums_(hn::Zero(D64U())) {}

  HWY_INLINE void add(const V (&words)[kMr]) {
    static_assert(kMr == 4 || kMr == 8);
    V twos_a;
    V twos_b;
    V fours_a;
    V fours_b;
    V top;
    ones_ = add_bits(ones_, words[0], words[1], twos_a);
    ones_ = add_bits(ones_, words[2], words[3], twos_b);
    twos_ = add_bits(twos_, twos_a, twos_b, fours_a);
    if constexpr (kMr == 8) {
      ones_ = add_bits(ones_, words[4], words[5], twos_a);
      ones_ = add_bits(ones_, words[6], words[7], twos_b);
      twos_ = add_bits(twos_, twos_a, twos_b, fours_b);
      fours_ = add_bits(fours_, fours_a, fours_b, top);
    } else {
      top = fours_a;
    }
    bytes_ = hn::Add(bytes_, hn::PopulationCount(top));
    if (++adds_ == kAddsPerByte) {
      flush();
    }
  }

  HWY_INLINE std::uint64_t total() {
    flush();
    return kMr * sum_of(sums_) + 4 * sum_of(hn::SumsOf8(hn::PopulationCount(fours_))) +
           2 * sum_of(hn::SumsOf8(hn::PopulationCount(twos_))) +
           sum_of(hn::SumsOf8(hn::PopulationCount(ones_)));
  }

 private:
  static constexpr int kAddsPerByte = 31;  // of at most 8 bits each

  // The sum of three bits, and its carry.
  static HWY_INLINE V add_bits(V a, V b, V c, V& carry) {
    const V either = hn::Xor(a, b);
    carry = hn::Or(hn::And(either, c), hn::AndNot(either, a));
    return hn::Xor(either, c);
  }
  HWY_INLINE void flush() {
    sums_ = hn::Add(sums_, hn::SumsOf8(bytes_));
    bytes_ = hn::Zero(Bits());
    adds_ = 0;
  }
  static HWY_INLINE std::uint64_t sum_of(hn::Vec<D64U> v) {
    return hn::GetLane(hn::SumOfLanes(D64U(), v));
  }

  V ones_;
  V twos_;
  V fours_;
  V bytes_;
  hn::Vec<D64U> sums_;
  int adds_ = 0;
};
#endif

// An arithmetic has D (whose lanes are sums), kMasked (whether only a lane's lowest bits are
// there), at(depth, column) which readies a vector of the second operand, and add(sum, row).

template <bool kNarrow>  // sums are narrower than a lane
class Dot16Products {
 public:
  using D = D32;
  static constexpr bool kMasked = kNarrow;

  Dot16Products(const std::int16_t* a, const std::int16_t* b) : a_(a), b_(b) {}

  HWY_INLINE void at(std::size_t depth, std::size_t column) {
    const std::uint32_t half = depth % 2 == 0 ? kEvenHalf : kOddHalf;
    // A pair fills a lane of 32 bits.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    const auto* const pairs_at = reinterpret_cast<const std::int32_t*>(b_ + depth / 2 * 2 * kNr);
    const auto pairs = hn::LoadU(D32(), pairs_at + column);
    factors_ = hn::BitCast(D16(), hn::And(pairs, hn::Set(D32(), static_cast<std::int32_t>(half))));
    row_ = a_ + depth / 2 * 2 * kMr;
  }
  HWY_INLINE hn::Vec<D> add(hn::Vec<D> sum, std::size_t row) const {
    std::int32_t pair = 0;
    std::memcpy(&pair, row_ + 2 * row, sizeof(pair));
    auto high = hn::Zero(D32());
    const auto low = hn::ReorderWidenMulAccumulate(D32(), hn::BitCast(D16(), hn::Set(D32(), pair)),
                                                   factors_, sum, high);
    return hn::RearrangeToOddPlusEven(low, high);
  }

 private:
  const std::int16_t* a_;
  const std::int16_t* b_;
  const std::int16_t* row_ = nullptr;
  hn::Vec<D16> factors_ = hn::Zero(D16());
};

template <class Lane, bool kFull, bool kSaturate>
class ShiftedProducts {
 public:
  using D = Lane;
  static constexpr bool kMasked = !kFull;
  using T = hn::TFromD<D>;

  ShiftedProducts(const std::int32_t* a, const std::int32_t* b, const rtl::Accumulator& accumulator)
      : a_(a), b_(b), lsb_(accumulator.lsb), lane_(accumulator) {}

  HWY_INLINE void at(std::size_t depth, std::size_t column) {
    const auto word = load_widened(D(), b_ + depth * kNr + column);
    exponent_ = hn::ShiftRight<1>(word);
    sign_ = hn::Neg(hn::And(word, hn::Set(D(), T{1})));
    row_ = a_ + depth * kMr;
  }
  HWY_INLINE hn::Vec<D> add(hn::Vec<D> sum, std::size_t row) {
    return lane_.template step<kFull, kSaturate>(
        sum, shifted_product(D(), exponent_, sign_, row_[row], lsb_), overflows_, turned_);
  }

 private:
  const std::int32_t* a_;
  const std::int32_t* b_;
  const std::int32_t* row_ = nullptr;
  int lsb_;
  LaneAccumulator<D> lane_;
  hn::Vec<D> exponent_ = hn::Zero(D());
  hn::Vec<D> sign_ = hn::Zero(D());
  // Of no interest here.
  hn::Vec<D> overflows_ = hn::Zero(D());
  hn::Vec<D> turned_ = hn::Zero(D());
};

template <bool kFinite>
class Fp32Products {
 public:
  using D = DF;
  static constexpr bool kMasked = false;

  Fp32Products(const float* a, const float* b) : a_(a), b_(b) {}

  HWY_INLINE void at(std::size_t depth, std::size_t column) {
    column_ = hn::LoadU(D(), b_ + depth * kNr + column);
    row_ = a_ + depth * kMr;
  }
  HWY_INLINE hn::Vec<D> add(hn::Vec<D> sum, std::size_t row) const {
    const auto next = hn::Add(sum, hn::Mul(hn::Set(D(), row_[row]), column_));
    if constexpr (kFinite) {
      return next;
    } else {
      const auto nan = hn::BitCast(D(), hn::Set(hn::RebindToUnsigned<D>(), 0x7FC00000U));
      return hn::IfThenElse(hn::IsNaN(next), nan, next);
    }
  }

 private:
  const float* a_;
  const float* b_;
  const float* row_ = nullptr;
  hn::Vec<D> column_ = hn::Zero(D());
};

// Steps the micro-tile through the depth, one vector of its columns after the other. `bits` of a
// lane are there; Arithmetic::kMasked: not all.
template <Watch kWatch, class Arithmetic>
std::uint64_t walk(Arithmetic arithmetic, std::size_t k, int bits,
                   hn::TFromD<typename Arithmetic::D>* sums,
                   hn::TFromD<typename Arithmetic::D>* series) {
  using D = typename Arithmetic::D;
  using Word = hn::RebindToUnsigned<D>;
  using Bits = typename BitCounter<D>::Bits;
  constexpr std::size_t kRows = kWatch == Watch::kRecord ? 2 : kMr;
  const D d;
  const auto mask = hn::Set(Word(), static_cast<hn::TFromD<Word>>(
                                        ~std::uint64_t{0} >> (64 - static_cast<unsigned>(bits))));
  const auto kept = [mask](auto v) {
    const auto word = hn::BitCast(Word(), v);
    return Arithmetic::kMasked ? hn::And(word, mask) : word;
  };
  BitCounter<D> toggles;
  for (std::size_t column = 0; column < kNr; column += hn::MaxLanes(D())) {
    hn::Vec<D> sum[kRows];
    for (std::size_t r = 0; r < kRows; ++r) {
      sum[r] = hn::LoadU(d, sums + r * kNr + column);
    }
    for (std::size_t depth = 0; depth < k; ++depth) {
      arithmetic.at(depth, column);
      hn::Vec<Bits> changed[kRows];
      HWY_UNROLL(8)
      for (std::size_t r = 0; r < kRows; ++r) {
        const auto next = arithmetic.add(sum[r], r);
        if constexpr (kWatch == Watch::kRecord) {
          hn::StoreU(hn::BitCast(d, kept(next)), d, series + (2 * depth + r) * kNr + column);
        } else {
          const auto before = kWatch == Watch::kAlong ? sum[r] : r == 0 ? next : sum[r - 1];
          changed[r] = hn::BitCast(
              Bits(), kept(hn::Xor(hn::BitCast(Word(), before), hn::BitCast(Word(), next))));
        }
        sum[r] = next;
      }
      if constexpr (kWatch != Watch::kRecord) {
        toggles.add(changed);
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      hn::StoreU(sum[r], d, sums + r * kNr + column);
    }
  }
  return kWatch == Watch::kRecord ? 0 : toggles.total();
}

template <class Arithmetic>
std::uint64_t walk(Watch watch, const Arithmetic& arithmetic, std::size_t k, int bits,
                   hn::TFromD<typename Arithmetic::D>* sums,
                   hn::TFromD<typename Arithmetic::D>* series) {
  switch (watch) {
    case Watch::kAlong:
      return walk<Watch::kAlong>(arithmetic, k, bits, sums, series);
    case Watch::kAcross:
      return walk<Watch::kAcross>(arithmetic, k, bits, sums, series);
    case Watch::kRecord:
      break;
  }
  return walk<Watch::kRecord>(arithmetic, k, bits, sums, series);
}

std::uint64_t toggles_of_dot16(Watch watch, const std::int16_t* a, const std::int16_t* b,
                               std::size_t k, int bits, std::int32_t* sums, std::int32_t* series) {
  return bits == 32 ? walk(watch, Dot16Products<false>(a, b), k, bits, sums, series)
                    : walk(watch, Dot16Products<true>(a, b), k, bits, sums, series);
}

template <class D>
std::uint64_t toggles_of_shift(Watch watch, const std::int32_t* a, const std::int32_t* b,
                               std::size_t k, const rtl::Accumulator& accumulator, int bits,
                               hn::TFromD<D>* sums, hn::TFromD<D>* series) {
  return with_accumulator_kind<hn::TFromD<D>>(accumulator, [&]<bool kFull, bool kSaturate>() {
    return walk(watch, ShiftedProducts<D, kFull, kSaturate>(a, b, accumulator), k, bits, sums,
                series);
  });
}
std::uint64_t toggles_of_shift_int32(Watch watch, const std::int32_t* a, const std::int32_t* b,
                                     std::size_t k, const rtl::Accumulator& accumulator, int bits,
                                     std::int32_t* sums, std::int32_t* series) {
  return toggles_of_shift<D32>(watch, a, b, k, accumulator, bits, sums, series);
}
std::uint64_t toggles_of_shift_int64(Watch watch, const std::int32_t* a, const std::int32_t* b,
                                     std::size_t k, const rtl::Accumulator& accumulator, int bits,
                                     std::int64_t* sums, std::int64_t* series) {
  return toggles_of_shift<D64>(watch, a, b, k, accumulator, bits, sums, series);
}

std::uint64_t toggles_of_fp32(Watch watch, const float* a, const float* b, std::size_t k,
                              bool finite, float* sums, float* series) {
  return finite ? walk(watch, Fp32Products<true>(a, b), k, 32, sums, series)
                : walk(watch, Fp32Products<false>(a, b), k, 32, sums, series);
}

// --- words ---------------------------------------------------------------------------------------

std::uint64_t differing(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) {
  std::uint64_t sum = 0;
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::CappedTag<std::uint8_t, 64> d;
  constexpr std::size_t kLanes = hn::MaxLanes(hn::CappedTag<std::uint8_t, 64>());
  constexpr std::size_t kVectorsPerByte = 31;  // of at most 8 bits each
  const hn::Repartition<std::uint64_t, decltype(d)> d64;
  auto total = hn::Zero(d64);
  while (i + kLanes <= bytes) {
    auto counts = hn::Zero(d);
    for (std::size_t v = 0; v < kVectorsPerByte && i + kLanes <= bytes; ++v, i += kLanes) {
      counts =
          hn::Add(counts, hn::PopulationCount(hn::Xor(hn::LoadU(d, a + i), hn::LoadU(d, b + i))));
    }
    total = hn::Add(total, hn::SumsOf8(counts));
  }
  sum = hn::GetLane(hn::SumOfLanes(d64, total));
#endif
  for (; i < bytes; ++i) {
    sum += static_cast<std::uint64_t>(std::popcount(static_cast<std::uint8_t>(a[i] ^ b[i])));
  }
  return sum;
}

void add_differing8(const std::uint8_t* a, const std::uint8_t* b, std::size_t count,
                    std::uint32_t* counts) {
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::CappedTag<std::uint32_t, 16> d32;
  const hn::Rebind<std::uint8_t, decltype(d32)> d8;
  constexpr std::size_t kLanes = hn::MaxLanes(hn::CappedTag<std::uint32_t, 16>());
  for (; i + kLanes <= count; i += kLanes) {
    const auto bits = hn::PopulationCount(hn::Xor(hn::LoadU(d8, a + i), hn::LoadU(d8, b + i)));
    hn::StoreU(hn::Add(hn::LoadU(d32, counts + i), hn::PromoteTo(d32, bits)), d32, counts + i);
  }
#endif
  for (; i < count; ++i) {
    counts[i] += static_cast<std::uint32_t>(std::popcount(static_cast<std::uint8_t>(a[i] ^ b[i])));
  }
}
void add_differing32(const std::uint32_t* a, const std::uint32_t* b, std::size_t count,
                     std::uint32_t* counts) {
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::CappedTag<std::uint32_t, 16> d;
  constexpr std::size_t kLanes = hn::MaxLanes(hn::CappedTag<std::uint32_t, 16>());
  for (; i + kLanes <= count; i += kLanes) {
    const auto bits = hn::PopulationCount(hn::Xor(hn::LoadU(d, a + i), hn::LoadU(d, b + i)));
    hn::StoreU(hn::Add(hn::LoadU(d, counts + i), bits), d, counts + i);
  }
#endif
  for (; i < count; ++i) {
    counts[i] += static_cast<std::uint32_t>(std::popcount(a[i] ^ b[i]));
  }
}

}  // namespace potomac::sim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace potomac::sim {

HWY_EXPORT(toggles_of_dot16);
HWY_EXPORT(toggles_of_shift_int32);
HWY_EXPORT(toggles_of_shift_int64);
HWY_EXPORT(toggles_of_fp32);
HWY_EXPORT(differing);
HWY_EXPORT(add_differing8);
HWY_EXPORT(add_differing32);

std::uint64_t toggle_dot16(Watch watch, const std::int16_t* a, const std::int16_t* b, std::size_t k,
                           int bits, std::int32_t* sums, std::int32_t* series) {
  return HWY_DYNAMIC_DISPATCH(toggles_of_dot16)(watch, a, b, k, bits, sums, series);
}
std::uint64_t toggle_shift(Watch watch, const std::int32_t* a, const std::int32_t* b, std::size_t k,
                           const rtl::Accumulator& accumulator, int bits, std::int32_t* sums,
                           std::int32_t* series) {
  return HWY_DYNAMIC_DISPATCH(toggles_of_shift_int32)(watch, a, b, k, accumulator, bits, sums,
                                                      series);
}
std::uint64_t toggle_shift(Watch watch, const std::int32_t* a, const std::int32_t* b, std::size_t k,
                           const rtl::Accumulator& accumulator, int bits, std::int64_t* sums,
                           std::int64_t* series) {
  return HWY_DYNAMIC_DISPATCH(toggles_of_shift_int64)(watch, a, b, k, accumulator, bits, sums,
                                                      series);
}
std::uint64_t toggle_fp32(Watch watch, const float* a, const float* b, std::size_t k, bool finite,
                          float* sums, float* series) {
  return HWY_DYNAMIC_DISPATCH(toggles_of_fp32)(watch, a, b, k, finite, sums, series);
}

std::uint64_t differing_bits(const void* a, const void* b, std::size_t bytes) {
  return HWY_DYNAMIC_DISPATCH(differing)(static_cast<const std::uint8_t*>(a),
                                         static_cast<const std::uint8_t*>(b), bytes);
}

void add_differing_bits(const std::uint8_t* a, const std::uint8_t* b, std::size_t count,
                        std::uint32_t* counts) {
  HWY_DYNAMIC_DISPATCH(add_differing8)(a, b, count, counts);
}
void add_differing_bits(const std::uint32_t* a, const std::uint32_t* b, std::size_t count,
                        std::uint32_t* counts) {
  HWY_DYNAMIC_DISPATCH(add_differing32)(a, b, count, counts);
}

}  // namespace potomac::sim
#endif  // HWY_ONCE
