// The units in SystemVerilog, as Verilator compiles them, are rtl_models/arithmetic bit for bit:
// every pair of codes on sums at the ends of the range and inside, at every lowest bit; FP32 at its
// corners and on drawn operands.
#include <Vfp32_mac.h>
#include <Vmf_mac.h>
#include <Vmf_mac_narrow.h>
#include <Vmf_mac_wide.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <verilated.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "rtl_models/arithmetic/fp32_mac.hpp"
#include "rtl_models/arithmetic/mf_mac.hpp"

namespace potomac::rtl {
namespace {

// A field of a port: the low bits of a number.
template <typename Port>
void put(Port& port, std::int64_t value, int bits) {
  port = static_cast<Port>(static_cast<std::uint64_t>(value) &
                           (bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1));
}

std::int64_t sign_extended(std::uint64_t field, int bits) {
  return static_cast<std::int64_t>(field << (64 - bits)) >> (64 - bits);
}

struct MacShape {
  int row_bits;
  int column_bits;
  int sum_bits;
  int place_bits;
  Overflow overflow;
};

// The formats of the two operands differ: the definition has both in the wider one.
template <typename Module>
void compare_every_pair(const MacShape& shape) {
  VerilatedContext context;
  Module module(&context);
  const PotFormat row_format(shape.row_bits);
  const PotFormat column_format(shape.column_bits);
  const PotFormat wider(std::max(shape.row_bits, shape.column_bits));
  const int top = row_format.e_max() + column_format.e_max();
  std::mt19937_64 random(1);
  std::uint64_t compared = 0;
  // From the lowest bit on that the accumulator holds all products at, past that at which all are
  // dropped.
  for (int lsb = std::max(-top - 2, top - shape.sum_bits + 2); lsb <= top + 1; ++lsb) {
    const Accumulator accumulator{shape.sum_bits, lsb, shape.overflow};
    const std::vector<std::int64_t> sums = {0,
                                            1,
                                            -1,
                                            accumulator.max(),
                                            accumulator.min(),
                                            accumulator.max() - 1,
                                            sign_extended(random(), shape.sum_bits),
                                            sign_extended(random(), shape.sum_bits)};
    put(module.lsb, lsb, shape.place_bits);
    for (int row = 0; row < row_format.code_count(); ++row) {
      for (int column = 0; column < column_format.code_count(); ++column) {
        const auto row_code = static_cast<PotCode>(row);
        const auto column_code = static_cast<PotCode>(column);
        put(module.row, row, shape.row_bits);
        put(module.column, column, shape.column_bits);
        for (const std::int64_t sum : sums) {
          put(module.sum, sum, shape.sum_bits);
          module.eval();
          const MfMacStep step =
              mf_mac(accumulator, wider, true, sum, row_format.widen(row_code, wider),
                     column_format.widen(column_code, wider));
          ASSERT_EQ(sign_extended(module.result, shape.sum_bits), step.value)
              << fmt::format("{} + {:#x} * {:#x}, lsb {}", sum, row, column, lsb);
          ASSERT_EQ(module.adds != 0, step.accumulated) << row << " " << column << " " << lsb;
          ++compared;
        }
      }
    }
  }
  testing::Test::RecordProperty("compared", std::to_string(compared));
}

TEST(VerilogMfMac, AddsEveryProductAsTheDefinitionDoes) {
  compare_every_pair<Vmf_mac>({5, 5, 32, 10, Overflow::kWrap});
}

TEST(VerilogMfMac, DoesSoWithOtherWidthsAndSaturating) {
  compare_every_pair<Vmf_mac_wide>({8, 6, 64, 12, Overflow::kSaturate});
}

TEST(VerilogMfMac, DoesSoInFewBits) {
  compare_every_pair<Vmf_mac_narrow>({3, 4, 12, 8, Overflow::kWrap});
}

class VerilogFp32Mac : public testing::Test {
 protected:
  void compare(std::uint32_t sum, std::uint32_t row, std::uint32_t column) {
    module_.sum = sum;
    module_.row = row;
    module_.column = column;
    module_.eval();
    const auto expected = std::bit_cast<std::uint32_t>(fp32_mac(
        std::bit_cast<float>(sum), std::bit_cast<float>(row), std::bit_cast<float>(column)));
    ASSERT_EQ(module_.result, expected)
        << fmt::format("{:08x} + {:08x} * {:08x}", sum, row, column);
  }

 private:
  VerilatedContext context_;
  Vfp32_mac module_{&context_};
};

TEST_F(VerilogFp32Mac, RoundsAtEveryCornerAsTheDefinitionDoes) {
  // Zeros, the ends of subnormals, one and its neighbours, halves of a last place, the largest,
  // infinities, NaNs.
  constexpr std::array<std::uint32_t, 24> kCorners = {
      0x00000000, 0x00000001, 0x00000002, 0x007FFFFF, 0x00800000, 0x00800001,
      0x00FFFFFF, 0x01000000, 0x33000000, 0x33800000, 0x34000000, 0x3F000000,
      0x3F7FFFFF, 0x3F800000, 0x3F800001, 0x40000000, 0x4B000000, 0x4B800000,
      0x7E800000, 0x7F7FFFFE, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FC00000};
  const auto each = [&](const auto& body) {
    for (const std::uint32_t corner : kCorners) {
      body(corner);
      body(corner | 0x80000000U);
    }
  };
  each([&](std::uint32_t sum) {
    each(
        [&](std::uint32_t row) { each([&](std::uint32_t column) { compare(sum, row, column); }); });
  });
}

// POTOMAC_FP32_CASES=100000000 draws so many: some ten seconds.
TEST_F(VerilogFp32Mac, RoundsDrawnOperandsAsTheDefinitionDoes) {
  const char* const asked = std::getenv("POTOMAC_FP32_CASES");  // NOLINT(concurrency-mt-unsafe)
  const long cases = asked == nullptr ? 1'000'000 : std::strtol(asked, nullptr, 10);
  std::mt19937_64 random(1);
  const auto with_exponent = [](std::uint32_t bits, std::uint64_t from, unsigned spread) {
    const auto exponent = static_cast<std::uint32_t>(127 - spread / 2 + from % spread);
    return (bits & 0x807FFFFFU) | (exponent << 23);
  };
  for (long i = 0; i < cases && !HasFatalFailure(); ++i) {
    const std::uint64_t bits = random();
    const std::uint64_t more = random();
    auto sum = static_cast<std::uint32_t>(bits);
    auto row = static_cast<std::uint32_t>(bits >> 32);
    auto column = static_cast<std::uint32_t>(more);
    const std::uint64_t kind = (more >> 32) % 4;
    if (kind < 3) {  // near one another; else any bits at all
      sum = with_exponent(sum, more >> 34, 64);
      row = with_exponent(row, more >> 40, 32);
      column = with_exponent(column, more >> 45, 32);
    }
    if (kind == 0) {  // what nearly cancels
      const float product = std::bit_cast<float>(row) * std::bit_cast<float>(column);
      sum = std::bit_cast<std::uint32_t>(-product) + static_cast<std::uint32_t>(more >> 60) - 8;
    }
    compare(sum, row, column);
  }
}

}  // namespace
}  // namespace potomac::rtl
