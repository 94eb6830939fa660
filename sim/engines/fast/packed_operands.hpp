// Operands in the layouts that the SIMD kernels read (see exact_kernels.hpp), packed straight from
// a lowered operand, one panel of lanes (rows or columns of a micro-tile) and one block of depth at
// a time. There is one path for each kernel; a path knows its layout and calls its kernel.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "rtl_models/arithmetic/pot_code.hpp"
#include "sim/engines/fast/exact_kernels.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

// A path has Operand (the view that it packs), Packed (an element), Table (how one operand's codes
// become such elements), Norms (what is
// kept of a packed block), pack_lane() for one row or column of it, advance(), which says how many
// events (overflows, toggles) it saw, kSharedRows: how many of a micro-tile's rows are those of the
// one before once more, kFirstPanels: how many panels the first operand is packed to, one behind
// the other, and kTurns: whether advance() takes its sums' turns (exact_kernels.hpp). Depth is
// padded to even.

struct NoNorms {};

// One lane of elements in the layout [k][lanes].
template <typename Packed>
void pack_plain_lane(const std::array<Packed, 256>& table, const std::vector<rtl::PotCode>& codes,
                     std::size_t k, std::size_t lane, std::size_t lanes, Packed* packed) {
  for (std::size_t i = 0; i < k; ++i) {
    packed[i * lanes + lane] = table[codes[i]];
  }
}

// Codes of at most 5 bits as int16 values, lowest accumulator bit `exact` or above.
//
// A code whose product with the largest of the other operand lies below the lowest bit is packed as
// 0; the least of those that are left is 1, so that the values' range is that of what can be kept.
// Where products are dropped, the first operand has a second panel: the magnitude that the second
// operand's must exceed for a product to be kept.
struct Dot16Path {
  using Operand = workloads::LoweredOperand;
  using Packed = std::int16_t;
  using Norms = BlockNorms;
  struct Table {
    Dot16Table values;
    std::optional<Dot16Table> thresholds;
  };
  static constexpr std::size_t kSharedRows = 0;
  static constexpr std::size_t kFirstPanels = 2;
  static constexpr bool kTurns = true;
  static constexpr int kMaxBits = 5;

  rtl::Accumulator accumulator;
  int first_lowest;  // exponents whose value is 1
  int second_lowest;
  int unit_shift;  // of the accumulator's unit above a product's

  Dot16Path(rtl::PotFormat first, rtl::PotFormat second, const rtl::Accumulator& sums)
      : accumulator(sums),
        first_lowest(std::max(-first.e_max(), sums.lsb - second.e_max())),
        second_lowest(std::max(-second.e_max(), sums.lsb - first.e_max())),
        unit_shift(std::max(sums.lsb - first_lowest - second_lowest, 0)) {}

  static bool serves(rtl::PotFormat first, rtl::PotFormat second,
                     const rtl::Accumulator& accumulator) {
    return has_dot16() && first.bits() <= kMaxBits && second.bits() <= kMaxBits &&
           accumulator.lsb >= rtl::exact_lsb(first, second);
  }

  // 2^(exponent - lowest) or its negative; 0 below.
  static Dot16Table values_of(rtl::PotFormat format, int lowest) {
    Dot16Table table;
    for_each_value(format, [&](rtl::PotCode code, int exponent) {
      if (exponent >= lowest) {
        const int magnitude = 1 << (exponent - lowest);
        table.set(code, static_cast<Packed>(format.is_negative(code) ? -magnitude : magnitude));
      }
    });
    return table;
  }

  Table first_table(rtl::PotFormat format) const {
    Table table{values_of(format, first_lowest), std::nullopt};
    if (unit_shift > 0) {
      table.thresholds.emplace();
      for_each_value(format, [&](rtl::PotCode code, int exponent) {
        const int position = std::clamp(accumulator.lsb - exponent - second_lowest, 0, kBeyond);
        table.thresholds->set(code, static_cast<Packed>((1 << position) - 1));
      });
    }
    return table;
  }
  Table second_table(rtl::PotFormat format) const {
    return {values_of(format, second_lowest), std::nullopt};
  }

  static void pack_lane(const Table& table, const std::vector<rtl::PotCode>& codes, std::size_t k,
                        std::size_t lane, std::size_t lanes, Packed* packed, Norms& norms) {
    std::array<Packed, kBlockDepth> values{};
    std::array<std::uint32_t, kNormsPerBlock> peaks{};
    std::array<std::uint32_t, kNormsPerBlock> squares{};
    const auto place = [&](Packed* panel) {
      for (std::size_t i = 0; i < k; i += 2) {
        std::memcpy(panel + i * lanes + 2 * lane, values.data() + i, 2 * sizeof(Packed));
      }
    };
    if (table.thresholds) {
      unpack_dot16(codes.data(), codes.size(), *table.thresholds, values.data());
      place(packed + lanes * kBlockDepth);
    }
    unpack_dot16(codes.data(), codes.size(), table.values, values.data());
    measure_dot16(values.data(), codes.size(), peaks.data(), squares.data());
    place(packed);
    std::uint64_t block = 0;
    for (std::size_t run = 0; run < codes.size() / kNormDepth; ++run) {
      norms.peak[run] = std::max(norms.peak[run], peaks[run]);
      norms.run[run] = std::max(norms.run[run], squares[run]);
      block += squares[run];
    }
    norms.block_squares = std::max(norms.block_squares, block);
  }

  // All lanes of a block at once: codes as [depth][lanes], as many depths as whole runs have.
  static void pack_lanes(const Table& table, const std::vector<rtl::PotCode>& codes, std::size_t k,
                         std::size_t lanes, Packed* packed, Norms& norms) {
    constexpr std::size_t kRun = kNormDepth * kMaxNr;
    std::array<rtl::PotCode, kRun> paired{};
    std::array<Packed, kRun> values{};
    std::array<std::uint32_t, kMaxNr> lane_squares{};
    for (std::size_t begin = 0; begin < k; begin += kNormDepth) {
      for (std::size_t i = 0; i < kNormDepth; i += 2) {
        const rtl::PotCode* const even = codes.data() + (begin + i) * lanes;
        rtl::PotCode* const pairs = paired.data() + i * lanes;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
          pairs[2 * lane] = even[lane];
          pairs[2 * lane + 1] = even[lanes + lane];
        }
      }
      const std::size_t place = begin * lanes;
      const std::size_t size = std::min(kNormDepth, k - begin) * lanes;
      if (table.thresholds) {
        unpack_dot16(paired.data(), kNormDepth * lanes, *table.thresholds, values.data());
        std::copy_n(values.data(), size, packed + lanes * kBlockDepth + place);
      }
      unpack_dot16(paired.data(), kNormDepth * lanes, table.values, values.data());
      std::copy_n(values.data(), size, packed + place);
      const LaneNorms run = measure_dot16_lanes(values.data(), lanes, lane_squares.data());
      norms.peak[begin / kNormDepth] = run.peak;
      norms.run[begin / kNormDepth] = run.squares;
    }
    norms.block_squares =
        2 * std::uint64_t{*std::max_element(lane_squares.begin(), lane_squares.end())};
  }

  // Norms of the squares that packing left, of a block's largest lane.
  static void finish(Norms& norms) {
    for (std::uint32_t& run : norms.run) {
      run = norm_above(run);
    }
    norms.block = norm_above(norms.block_squares);
  }

  std::uint64_t advance(const Packed* a, const Packed* b, const Norms& a_norms,
                        const Norms& b_norms, std::size_t k, auto* sums,
                        std::int32_t* turns) const {
    const Packed* const thresholds =
        unit_shift > 0 ? a + micro_tile_shape().mr * kBlockDepth : nullptr;
    return dot16_block({a, thresholds}, b, a_norms, b_norms, k, unit_shift, accumulator, sums,
                       turns);
  }

 private:
  static constexpr int kBeyond = 15;  // bit that no value reaches

  // Calls body(code, exponent) for each code that is not zero.
  template <typename Body>
  static void for_each_value(rtl::PotFormat format, const Body& body) {
    for (int i = 0; i < format.code_count(); ++i) {
      const auto code = static_cast<rtl::PotCode>(i);
      if (!format.is_zero(code)) {
        body(code, format.exponent(code));
      }
    }
  }

  // The result is at least four times the root; the rounding of the floating-point root is less
  // than the 1 added.
  static std::uint32_t norm_above(std::uint64_t squares) {
    return squares == 0
               ? 0
               : 4 * (static_cast<std::uint32_t>(std::sqrt(static_cast<double>(squares))) + 1);
  }
};

// Codes of at most 6 bits as int32 values, lowest accumulator bit `exact`, accumulators of more
// than 32 bits.
struct Dot32Path {
  using Operand = workloads::LoweredOperand;
  using Packed = std::int64_t;
  using Norms = WideNorms;
  using Table = std::array<Packed, 256>;
  static constexpr std::size_t kSharedRows = 0;
  static constexpr std::size_t kFirstPanels = 1;
  static constexpr bool kTurns = true;
  static constexpr int kMaxBits = 6;

  rtl::Accumulator accumulator;

  static bool serves(rtl::PotFormat first, rtl::PotFormat second,
                     const rtl::Accumulator& accumulator) {
    return has_dot16() && first.bits() <= kMaxBits && second.bits() <= kMaxBits &&
           accumulator.bits > 32 && accumulator.lsb == rtl::exact_lsb(first, second);
  }

  static Table first_table(rtl::PotFormat format) { return table(format); }
  static Table second_table(rtl::PotFormat format) { return table(format); }
  static Table table(rtl::PotFormat format) {
    Table values{};
    for (int i = 0; i < format.code_count(); ++i) {
      const auto code = static_cast<rtl::PotCode>(i);
      if (!format.is_zero(code)) {
        const Packed magnitude = Packed{1} << (format.exponent(code) + format.e_max());
        values[code] = format.is_negative(code) ? -magnitude : magnitude;
      }
    }
    return values;
  }

  static void pack_lane(const Table& table, const std::vector<rtl::PotCode>& codes, std::size_t k,
                        std::size_t lane, std::size_t lanes, Packed* packed, Norms& norms) {
    pack_plain_lane(table, codes, k, lane, lanes, packed);
    for (std::size_t run = 0; run < codes.size() / kNormDepth; ++run) {
      std::uint64_t squares = 0;
      for (std::size_t i = run * kNormDepth; i < (run + 1) * kNormDepth; ++i) {
        const auto units = static_cast<std::uint64_t>(
            (std::abs(table[codes[i]]) + (Packed{1} << kWideNormUnit) - 1) >> kWideNormUnit);
        squares += units * units;
      }
      norms.run[run] = std::max(norms.run[run], squares);
    }
  }

  // Norms of the squares that pack_lane() left, rounded up: 32 squares of 15 bits are exact in a
  // double, whose root is off by less than the 1 added.
  static void finish(Norms& norms) {
    for (std::uint64_t& run : norms.run) {
      run = run == 0 ? 0 : static_cast<std::uint64_t>(std::sqrt(static_cast<double>(run))) + 1;
    }
  }

  std::uint64_t advance(const Packed* a, const Packed* b, const Norms& a_norms,
                        const Norms& b_norms, std::size_t k, std::int64_t* sums,
                        std::int32_t* turns) const {
    return dot32_block(a, b, a_norms, b_norms, k, accumulator, sums, turns);
  }
};

// Any codes and any lowest bit.
struct ShiftPath {
  using Operand = workloads::LoweredOperand;
  using Packed = std::int32_t;
  using Norms = NoNorms;
  using Table = std::array<Packed, 256>;
  static constexpr std::size_t kSharedRows = 0;
  static constexpr std::size_t kFirstPanels = 1;
  static constexpr bool kTurns = true;

  rtl::Accumulator accumulator;

  static Table first_table(rtl::PotFormat format) { return table(format); }
  static Table second_table(rtl::PotFormat format) { return table(format); }
  static Table table(rtl::PotFormat format) {
    Table words{};
    words.fill(kShiftZero);
    for (int i = 0; i < format.code_count(); ++i) {
      const auto code = static_cast<rtl::PotCode>(i);
      if (!format.is_zero(code)) {
        words[code] = 2 * format.exponent(code) + (format.is_negative(code) ? 1 : 0);
      }
    }
    return words;
  }

  static void pack_lane(const Table& table, const std::vector<rtl::PotCode>& codes, std::size_t k,
                        std::size_t lane, std::size_t lanes, Packed* packed, Norms&) {
    pack_plain_lane(table, codes, k, lane, lanes, packed);
  }
  static void finish(Norms&) {}

  std::uint64_t advance(const Packed* a, const Packed* b, const Norms&, const Norms&, std::size_t k,
                        auto* sums, std::int32_t* turns) const {
    return shift_block(a, b, k, accumulator, sums, turns);
  }
};

// The baseline's values, as they are.
struct Fp32Path {
  using Operand = workloads::Fp32Operand;
  using Packed = float;
  using Norms = NoNorms;
  struct Table {};
  static constexpr std::size_t kSharedRows = 0;
  static constexpr std::size_t kFirstPanels = 1;
  static constexpr bool kTurns = false;

  bool zero_gating;

  static void pack_lane(const Table&, const std::vector<float>& values, std::size_t k,
                        std::size_t lane, std::size_t lanes, Packed* packed, Norms&) {
    for (std::size_t i = 0; i < k; ++i) {
      packed[i * lanes + lane] = values[i];
    }
  }
  static void finish(Norms&) {}

  std::uint64_t advance(const Packed* a, const Packed* b, const Norms&, const Norms&, std::size_t k,
                        float* sums) const {
    fp32_block(a, b, k, zero_gating, sums);
    return 0;
  }
};

// Lanes that are none of the rows in question: zero operands, or the nearest row once more.
enum class Beyond { kZero, kNearest };

// Packs lanes [begin, begin + lanes) of `operand`, as far as they lie before row_end, over depths
// [k_begin, k_begin + k). A padded
// depth is zero operands. `elements` is scratch.
template <typename Path, Beyond kBeyond = Beyond::kZero>
typename Path::Norms pack_block(const typename Path::Operand& operand,
                                const typename Path::Table& table, std::int64_t begin,
                                std::int64_t row_end, std::size_t lanes, std::int64_t k_begin,
                                std::size_t k, typename Path::Packed* packed,
                                std::vector<typename Path::Operand::Element>& elements) {
  typename Path::Norms norms{};
  const std::size_t padded = (k + 1) / 2 * 2;
  if constexpr (kBeyond == Beyond::kZero &&
                requires { Path::pack_lanes(table, elements, k, lanes, packed, norms); }) {
    if (operand.lies_along_rows()) {
      elements.assign((k + kNormDepth - 1) / kNormDepth * kNormDepth * lanes, operand.zero());
      const auto there = std::min(static_cast<std::int64_t>(lanes), row_end - begin);
      operand.fetch_rows(begin, there, k_begin, static_cast<std::int64_t>(k),
                         static_cast<std::int64_t>(lanes), elements.data());
      Path::pack_lanes(table, elements, padded, lanes, packed, norms);
      Path::finish(norms);
      return norms;
    }
  }
  // Elements come in whole runs, zero behind the depth.
  elements.assign((k + kNormDepth - 1) / kNormDepth * kNormDepth, operand.zero());
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    std::int64_t row = begin + static_cast<std::int64_t>(lane);
    if (kBeyond == Beyond::kNearest) {
      row = std::clamp<std::int64_t>(row, 0, row_end - 1);
    }
    if (row < row_end) {
      operand.fetch(row, k_begin, {elements.data(), k});
    } else {
      std::fill(elements.begin(), elements.end(), operand.zero());
    }
    Path::pack_lane(table, elements, padded, lane, lanes, packed, norms);
  }
  Path::finish(norms);
  return norms;
}

}  // namespace potomac::sim
