// Operands in the layouts that the SIMD kernels read (see exact_kernels.hpp), packed straight from
// a lowered operand, one panel of lanes (rows or columns of a micro-tile) and one block of depth at a
// time. There is one path for each kernel; a path knows its layout and calls its kernel.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "rtl_models/arithmetic/pot_code.hpp"
#include "sim/fast/exact_kernels.hpp"
#include "workloads/lowering.hpp"

namespace potomac::sim {

// A path has Packed (an element), Side (how one operand's codes become elements), Norms (what is
// kept of a packed block), element_index(), pack_norms() and advance(). Depth is padded to even.

// Codes of at most 5 bits as int16 values, lowest accumulator bit `exact`.
struct Dot16Path {
  using Packed = std::int16_t;
  using Norms = BlockNorms;
  using Side = std::array<Packed, 256>;
  static constexpr int kMaxBits = 5;

  rtl::Accumulator accumulator;

  static bool serves(rtl::PotFormat first, rtl::PotFormat second,
                     const rtl::Accumulator& accumulator) {
    return has_dot16() && first.bits() <= kMaxBits && second.bits() <= kMaxBits &&
           accumulator.lsb == rtl::exact_lsb(first, second);
  }

  static Side side(rtl::PotFormat format) {
    Side values{};
    for (int i = 0; i < format.code_count(); ++i) {
      const auto code = static_cast<rtl::PotCode>(i);
      if (!format.is_zero(code)) {
        const int magnitude = 1 << (format.exponent(code) + format.e_max());
        values[code] = static_cast<Packed>(format.is_negative(code) ? -magnitude : magnitude);
      }
    }
    return values;
  }

  static std::size_t element_index(std::size_t k, std::size_t lane, std::size_t lanes) {
    return (k / 2 * lanes + lane) * 2 + k % 2;
  }

  // Squares of one lane's values, a run at a time.
  static void add_lane(const Side& side, const std::vector<rtl::PotCode>& codes, Norms& norms) {
    std::uint64_t block = 0;
    for (std::size_t run = 0; run * kNormDepth < codes.size(); ++run) {
      const std::size_t end = std::min(codes.size(), (run + 1) * kNormDepth);
      std::uint64_t squares = 0;
      std::uint32_t peak = 0;
      for (std::size_t i = run * kNormDepth; i < end; ++i) {
        const std::int32_t value = side[codes[i]];
        squares += static_cast<std::uint32_t>(value * value);  // at most 2^28
        peak = std::max(peak, static_cast<std::uint32_t>(std::abs(value)));
      }
      norms.peak[run] = std::max(norms.peak[run], peak);
      norms.run[run] = std::max(norms.run[run], norm_above(squares));
      block += squares;
    }
    norms.block = std::max(norms.block, norm_above(block));
  }

  std::uint64_t advance(const Packed* a, const Packed* b, const Norms& a_norms,
                        const Norms& b_norms, std::size_t k, auto* sums) const {
    return dot16_block(a, b, a_norms, b_norms, k, accumulator, sums);
  }

 private:
  // At least sqrt(squares); the rounding of the floating-point root is less than the 1 added.
  static std::uint32_t norm_above(std::uint64_t squares) {
    return squares == 0 ? 0
                        : static_cast<std::uint32_t>(std::sqrt(static_cast<double>(squares))) + 1;
  }
};

struct NoNorms {};

// Any codes and any lowest bit.
struct ShiftPath {
  using Packed = std::int32_t;
  using Norms = NoNorms;
  using Side = std::array<Packed, 256>;

  rtl::Accumulator accumulator;

  static Side side(rtl::PotFormat format) {
    Side words{};
    words.fill(kShiftZero);
    for (int i = 0; i < format.code_count(); ++i) {
      const auto code = static_cast<rtl::PotCode>(i);
      if (!format.is_zero(code)) {
        words[code] = 2 * format.exponent(code) + (format.is_negative(code) ? 1 : 0);
      }
    }
    return words;
  }

  static std::size_t element_index(std::size_t k, std::size_t lane, std::size_t lanes) {
    return k * lanes + lane;
  }
  static void add_lane(const Side&, const std::vector<rtl::PotCode>&, Norms&) {}

  std::uint64_t advance(const Packed* a, const Packed* b, const Norms&, const Norms&, std::size_t k,
                        auto* sums) const {
    return shift_block(a, b, k, accumulator, sums);
  }
};

// Dequantized values for the baseline.
struct Fp32Path {
  using Packed = float;
  using Norms = NoNorms;
  using Side = std::array<Packed, 256>;

  bool zero_gating;

  static std::size_t element_index(std::size_t k, std::size_t lane, std::size_t lanes) {
    return k * lanes + lane;
  }
  static void add_lane(const Side&, const std::vector<rtl::PotCode>&, Norms&) {}

  std::uint64_t advance(const Packed* a, const Packed* b, const Norms&, const Norms&, std::size_t k,
                        float* sums) const {
    fp32_block(a, b, k, zero_gating, sums);
    return 0;
  }
};

// Packs lanes [begin, begin + lanes) of `operand` over depths [k_begin, k_begin + k). Lanes behind
// the operand's last row, and a padded depth, are zero operands. `codes` is scratch.
template <typename Path>
typename Path::Norms pack_block(const workloads::LoweredOperand& operand,
                                const typename Path::Side& side, std::int64_t begin,
                                std::size_t lanes, std::int64_t k_begin, std::size_t k,
                                typename Path::Packed* packed, std::vector<rtl::PotCode>& codes) {
  typename Path::Norms norms{};
  const auto zero = side[operand.format().zero()];
  const std::size_t padded = (k + 1) / 2 * 2;
  codes.resize(k);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const std::int64_t row = begin + static_cast<std::int64_t>(lane);
    if (row >= operand.rows()) {
      for (std::size_t i = 0; i < padded; ++i) {
        packed[Path::element_index(i, lane, lanes)] = zero;
      }
      continue;
    }
    operand.fetch(row, k_begin, codes);
    for (std::size_t i = 0; i < k; ++i) {
      packed[Path::element_index(i, lane, lanes)] = side[codes[i]];
    }
    if (padded > k) {
      packed[Path::element_index(k, lane, lanes)] = zero;
    }
    Path::add_lane(side, codes, norms);
  }
  return norms;
}

}  // namespace potomac::sim
