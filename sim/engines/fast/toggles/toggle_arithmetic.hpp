// The arithmetics whose sums can be watched step by step (toggle_kernels.hpp), each with the layout
// in which it packs operands; and the path of one of them through a tiled GEMM.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "rtl_models/arithmetic/fp32_mac.hpp"
#include "sim/engines/fast/exact_kernels.hpp"
#include "sim/engines/fast/packed_operands.hpp"
#include "sim/engines/fast/toggles/toggle_kernels.hpp"

namespace potomac::sim {

// A register's word for a sum: those of its bits that are there.
template <typename Sum>
using SumWord = std::conditional_t<sizeof(Sum) == 4, std::uint32_t, std::uint64_t>;
template <typename Sum>
SumWord<Sum> word_of(Sum sum, int bits) {
  SumWord<Sum> word = 0;
  std::memcpy(&word, &sum, sizeof(word));
  return word & static_cast<SumWord<Sum>>(~std::uint64_t{0} >> (64 - bits));
}

// The sums of one product of codes.
template <typename Sum>
struct CodeStarts {
  std::vector<SumWord<Sum>> words;  // [256 * first + second]

  SumWord<Sum> operator()(rtl::PotCode first, rtl::PotCode second) const {
    return words[std::size_t{256} * first + second];
  }
};
struct Fp32Starts {
  SumWord<float> operator()(float first, float second) const {
    return word_of(rtl::fp32_mac(0.0F, first, second), 32);
  }
};

// An arithmetic has Sum, Operand, Packed, Table and pack_lane() as a path has them, and
//   Starts: the word of a sum of one product, by its operands' elements
//   std::uint64_t step(Watch, a, b, k, sums, series)
//   int bits: of a sum that are there

// Codes of at most 5 bits into an accumulator of at most 32, lowest bit `exact`, that wraps or
// never overflows.
struct Dot16Toggles {
  using Sum = std::int32_t;
  using Operand = workloads::LoweredOperand;
  using Starts = CodeStarts<Sum>;
  using Packed = std::int16_t;
  using Table = Dot16Table;

  int bits;

  static Table table(rtl::PotFormat format) {
    return Dot16Path::values_of(format, -format.e_max());
  }
  static void pack_lane(const Table& table, const std::vector<rtl::PotCode>& codes, std::size_t k,
                        std::size_t lane, std::size_t lanes, Packed* packed, NoNorms&) {
    for (std::size_t i = 0; i < k; i += 2) {
      packed[i * lanes + 2 * lane] = table[codes[i]];
      packed[i * lanes + 2 * lane + 1] = table[codes[i + 1]];
    }
  }
  std::uint64_t step(Watch watch, const Packed* a, const Packed* b, std::size_t k, Sum* sums,
                     Sum* series) const {
    return toggle_dot16(watch, a, b, k, bits, sums, series);
  }
};

// Any codes and any accumulator; Lane is std::int32_t where it has at most 32 bits.
template <typename Lane>
struct ShiftToggles {
  using Sum = Lane;
  using Operand = workloads::LoweredOperand;
  using Starts = CodeStarts<Sum>;
  using Packed = ShiftPath::Packed;
  using Table = ShiftPath::Table;

  rtl::Accumulator accumulator;
  int bits = accumulator.bits;

  static Table table(rtl::PotFormat format) { return ShiftPath::table(format); }
  static void pack_lane(const Table& table, const std::vector<rtl::PotCode>& codes, std::size_t k,
                        std::size_t lane, std::size_t lanes, Packed* packed, NoNorms&) {
    pack_plain_lane(table, codes, k, lane, lanes, packed);
  }
  std::uint64_t step(Watch watch, const Packed* a, const Packed* b, std::size_t k, Sum* sums,
                     Sum* series) const {
    return toggle_shift(watch, a, b, k, accumulator, bits, sums, series);
  }
};

// The baseline's. Gating changes no value: a product of zero adds nothing to a sum.
struct Fp32Toggles {
  using Sum = float;
  using Operand = workloads::Fp32Operand;
  using Starts = Fp32Starts;
  using Packed = float;
  using Table = Fp32Path::Table;

  bool finite = false;  // no sum can be infinite or NaN
  int bits = 32;

  static void pack_lane(const Table& table, const std::vector<float>& values, std::size_t k,
                        std::size_t lane, std::size_t lanes, Packed* packed, NoNorms& norms) {
    Fp32Path::pack_lane(table, values, k, lane, lanes, packed, norms);
  }
  std::uint64_t step(Watch watch, const Packed* a, const Packed* b, std::size_t k, Sum* sums,
                     Sum* series) const {
    return toggle_fp32(watch, a, b, k, finite, sums, series);
  }
};

// A path for TiledGemm whose events are toggles. kAcross: of the registers that a column's sums
// pass, one for each depth; `idle_registers` more, below the deepest, see what it sees.
template <typename Arithmetic, Watch kWatch>
struct TogglePath {
  using Operand = typename Arithmetic::Operand;
  using Packed = typename Arithmetic::Packed;
  using Norms = NoNorms;
  using Table = typename Arithmetic::Table;
  using Sum = typename Arithmetic::Sum;
  static constexpr std::size_t kSharedRows = kWatch == Watch::kAcross ? 1 : 0;
  static constexpr std::size_t kFirstPanels = 1;
  static constexpr bool kTurns = false;

  const Arithmetic& arithmetic;
  std::uint64_t idle_registers = 0;

  static void pack_lane(const Table& table, const std::vector<typename Operand::Element>& elements,
                        std::size_t k, std::size_t lane, std::size_t lanes, Packed* packed,
                        Norms& norms) {
    Arithmetic::pack_lane(table, elements, k, lane, lanes, packed, norms);
  }
  static void finish(Norms&) {}

  std::uint64_t advance(const Packed* a, const Packed* b, const Norms&, const Norms&, std::size_t k,
                        Sum* sums) const {
    return arithmetic.step(kWatch, a, b, k, sums, nullptr);
  }

  std::uint64_t finish(const Sum* sums) const {
    if (kWatch != Watch::kAcross || idle_registers == 0) {
      return 0;
    }
    const MicroTileShape tile = micro_tile_shape();
    std::array<SumWord<Sum>, kMaxMr * kMaxNr> words{};
    for (std::size_t i = 0; i < tile.mr * tile.nr; ++i) {
      words[i] = word_of(sums[i], arithmetic.bits);
    }
    return idle_registers * differing_bits(words.data(), words.data() + tile.nr,
                                           (tile.mr - 1) * tile.nr * sizeof(words[0]));
  }
};

}  // namespace potomac::sim
