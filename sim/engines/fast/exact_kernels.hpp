// SIMD kernels that advance a micro-tile of accumulators over a block of the reduction, with the
// result and the overflow count of strictly sequential accumulation. Dispatched at run time to the
// best instruction set of the machine; every one gives the same answer.
//
// A micro-tile is mr x nr accumulators, row-major. Packed operands of a micro-tile, for depth k:
//   dot16:   int16 values +-2^i or 0, in pairs of depth: a[k/2][mr][2], b[k/2][nr][2]; an odd depth
//            is padded by a zero
//   dot32:   int32 values likewise, as int64:                       a[k][mr],       b[k][nr]
//   shift:   int32 words 2 * e + sign or kShiftZero:                a[k][mr],       b[k][nr]
//   fp32:    float values:                                          a[k][mr],       b[k][nr]
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "rtl_models/arithmetic/accumulator.hpp"

namespace potomac::sim {

struct MicroTileShape {
  std::size_t mr;
  std::size_t nr;
};

inline constexpr std::size_t kMaxMr = 8;
inline constexpr std::size_t kMaxNr = 32;

// The shape that the instruction set in use has.
MicroTileShape micro_tile_shape();
const char* instruction_set_name();
bool has_dot16();  // whether dot16_block() and dot32_block() may be called

// Depth of a block, and of the runs in it over which operand norms are kept: the steps at which it
// is proved that no sum can leave the accumulator's range.
inline constexpr std::size_t kBlockDepth = 256;
inline constexpr std::size_t kNormDepth = 32;
inline constexpr std::size_t kNormsPerBlock = kBlockDepth / kNormDepth;

// Bounds on one operand of a micro-tile, over all its rows (or columns): for each run of kNormDepth
// depths the largest magnitude (`peak`) and at least the largest Euclidean norm (`run`: by
// Cauchy-Schwarz, the product of two of them bounds every partial sum); `block`: the norm for all.
struct BlockNorms {
  std::uint32_t peak[kNormsPerBlock];
  std::uint32_t run[kNormsPerBlock];
  std::uint32_t block;
  std::uint64_t block_squares;  // while it is being packed
};

// The int16 values of codes of at most 5 bits, and the bytes of the values as vectors look them up:
// low and high ones of codes below 16, low and high ones of the others.
struct Dot16Table {
  std::array<std::int16_t, 32> values{};
  std::array<std::array<std::uint8_t, 16>, 4> bytes{};

  std::int16_t operator[](std::size_t code) const { return values[code]; }
  void set(std::size_t code, std::int16_t value) {
    values[code] = value;
    bytes[code / 16 * 2][code % 16] = static_cast<std::uint8_t>(value & 0xFF);
    bytes[code / 16 * 2 + 1][code % 16] =
        static_cast<std::uint8_t>(static_cast<std::uint16_t>(value) >> 8U);
  }
};

// Unpacks `count` codes of at most 5 bits (a multiple of kNormDepth, at most kBlockDepth) to their
// values.
void unpack_dot16(const std::uint8_t* codes, std::size_t count, const Dot16Table& table,
                  std::int16_t* values);
// Of each run of kNormDepth values the largest magnitude and the sum of the squares of magnitudes
// in quarters, rounded up (of 32 values of at most 2^14 it fits).
void measure_dot16(const std::int16_t* values, std::size_t count, std::uint32_t* peaks,
                   std::uint32_t* squares);

// The same of many lanes together. `values` are kNormDepth depths in pairs, [depth / 2][lanes][2],
// lanes that of a micro-tile's rows or columns. `lane_squares` has half of the sum of each lane's
// squares added, rounded up; what is returned are the largest magnitude and the largest sum.
struct LaneNorms {
  std::uint32_t peak;
  std::uint32_t squares;
};
LaneNorms measure_dot16_lanes(const std::int16_t* values, std::size_t lanes,
                              std::uint32_t* lane_squares);

// The first operand of dot16. A product is kept if the second value's magnitude is above the
// threshold that lies where the first value does; without thresholds, all are.
struct Dot16First {
  const std::int16_t* values = nullptr;
  const std::int16_t* thresholds = nullptr;

  Dot16First from(std::size_t at) const {
    return {values + at, thresholds == nullptr ? nullptr : thresholds + at};
  }
};

// What all blocks below return is how many additions left the accumulator's range. `turns` has a
// number for each sum, to which they add: where the accumulator wraps, how often it did (upward
// less downward: not 0 if the exact sum lies outside); where it saturates, how often it was
// clamped.

// The products of two int16 operands summed on into `sums`, depth k <= kBlockDepth. A product is
// 2^unit_shift times as many as the accumulator's units; with thresholds, which drop what is less
// than one. Where a bound shows that no partial sum can leave the range, order does not matter, and
// a multiply-add does two products at a time; where it does not, sums are watched pair by pair; and
// only where they come close, products are added one by one. int32 for at most 32 bits, else int64.
std::uint64_t dot16_block(const Dot16First& a, const std::int16_t* b, const BlockNorms& a_norms,
                          const BlockNorms& b_norms, std::size_t k, int unit_shift,
                          const rtl::Accumulator& accumulator, std::int32_t* sums,
                          std::int32_t* turns);
std::uint64_t dot16_block(const Dot16First& a, const std::int16_t* b, const BlockNorms& a_norms,
                          const BlockNorms& b_norms, std::size_t k, int unit_shift,
                          const rtl::Accumulator& accumulator, std::int64_t* sums,
                          std::int32_t* turns);

// Bounds on the largest Euclidean norm of any lane of an operand, for each run of kNormDepth
// depths, in units of 2^kWideNormUnit.
inline constexpr int kWideNormUnit = 15;
struct WideNorms {
  std::uint64_t run[kNormsPerBlock];
};

// Products of codes of at most 6 bits, int32 times int32, into accumulators of more than 32 bits.
// Where a norm shows that a sum may leave the range within a run, it is watched at every step.
std::uint64_t dot32_block(const std::int64_t* a, const std::int64_t* b, const WideNorms& a_norms,
                          const WideNorms& b_norms, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int64_t* sums,
                          std::int32_t* turns);

inline constexpr std::int32_t kShiftZero = -(1 << 20);

// Any format and lowest bit, step by step: product = 1 << (e + e - lsb), none if negative.
std::uint64_t shift_block(const std::int32_t* a, const std::int32_t* b, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int32_t* sums,
                          std::int32_t* turns);
std::uint64_t shift_block(const std::int32_t* a, const std::int32_t* b, std::size_t k,
                          const rtl::Accumulator& accumulator, std::int64_t* sums,
                          std::int32_t* turns);

// The FP32 MAC, step by step, multiplication and addition rounded apart. With gating, a zero
// operand leaves the sum untouched.
void fp32_block(const float* a, const float* b, std::size_t k, bool zero_gating, float* sums);

}  // namespace potomac::sim
