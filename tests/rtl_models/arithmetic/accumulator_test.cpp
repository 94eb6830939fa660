// The accumulator: which widths and lowest bits are accepted, and what addition does at the edges.
#include "rtl_models/arithmetic/accumulator.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/error.hpp"
#include "tests/rtl_models/arithmetic/exact_integers.hpp"

namespace potomac::rtl {
namespace {

using test::bounded;
using test::Int128;

constexpr std::array kRules = {Overflow::kWrap, Overflow::kSaturate};

// --- resolve -------------------------------------------------------------------------------------

// The message of the refusal; nothing if the accumulator is accepted.
std::optional<std::string> refusal(const AccumulatorConfig& config, PotFormat first,
                                   PotFormat second) {
  try {
    resolve(config, first, second, 1);
    return std::nullopt;
  } catch (const InputError& error) {
    return error.what();
  }
}

// The number in "KEY to NUMBER or more".
std::optional<int> number_behind(const std::string& key, const std::string& message) {
  const std::size_t at = message.find(key + " to ");
  if (at == std::string::npos) {
    return std::nullopt;
  }
  return std::stoi(message.substr(at + key.size() + 4));
}

template <typename Body>
void for_every_pair_of_formats(Body body) {
  for (int a = kMinPotBits; a <= kMaxPotBits; ++a) {
    for (int b = kMinPotBits; b <= kMaxPotBits; ++b) {
      SCOPED_TRACE(fmt::format("{}-bit and {}-bit operands", a, b));
      body(PotFormat(a), PotFormat(b));
    }
  }
}

TEST(ResolveAccumulator, ExactGivesTheSmallestProductTheLowestBit) {
  for_every_pair_of_formats([](PotFormat first, PotFormat second) {
    const int smallest_product = -first.e_max() - second.e_max();
    EXPECT_EQ(exact_lsb(first, second), smallest_product);
    // Wide enough at 64 bits as long as both exponent ranges span at most 62.
    if (-2 * smallest_product <= 62) {
      const Accumulator accumulator = resolve({.bits = 64, .lsb = {}}, first, second, 1);
      EXPECT_EQ(accumulator, (Accumulator{64, smallest_product, Overflow::kWrap}));
    }
  });
}

TEST(ResolveAccumulator, KeepsWhatTheUserSet) {
  const AccumulatorConfig config{.bits = 40, .lsb = -3, .overflow = Overflow::kSaturate};
  EXPECT_EQ(resolve(config, PotFormat(5), PotFormat(6), 1),
            (Accumulator{40, -3, Overflow::kSaturate}));
}

TEST(ResolveAccumulator, AcceptsTheLargestProductAtTheTopBitAndRefusesOneMore) {
  for_every_pair_of_formats([](PotFormat first, PotFormat second) {
    const int largest_product = first.e_max() + second.e_max();
    for (int bits = kMinAccumulatorBits; bits <= kMaxAccumulatorBits; ++bits) {
      // Independently: 2^top must not exceed the largest value.
      int top = 0;
      while (test::power_of_two(top + 1) <= test::highest(bits)) {
        ++top;
      }
      ASSERT_EQ(top, bits - 2);
      const int lsb = largest_product - top;
      EXPECT_FALSE(refusal({.bits = bits, .lsb = lsb}, first, second)) << bits;
      EXPECT_TRUE(refusal({.bits = bits, .lsb = lsb - 1}, first, second)) << bits;
    }
  });
}

TEST(ResolveAccumulator, WhatTheRefusalSuggestsWorksAndOneLessDoesNot) {
  for_every_pair_of_formats([](PotFormat first, PotFormat second) {
    for (int bits = kMinAccumulatorBits; bits <= kMaxAccumulatorBits; ++bits) {
      for (const Lsb lsb : {Lsb(), Lsb(-60), Lsb(-20), Lsb(0)}) {
        const AccumulatorConfig config{.bits = bits, .lsb = lsb};
        const auto message = refusal(config, first, second);
        if (!message) {
          continue;
        }
        const auto suggested_lsb = number_behind("pe.accumulator.lsb", *message);
        ASSERT_TRUE(suggested_lsb) << *message;
        EXPECT_FALSE(refusal({.bits = bits, .lsb = *suggested_lsb}, first, second)) << *message;
        EXPECT_TRUE(refusal({.bits = bits, .lsb = *suggested_lsb - 1}, first, second)) << *message;
        EXPECT_LE(*suggested_lsb, kMaxAbsLsb);

        const auto suggested_bits = number_behind("pe.accumulator.bits", *message);
        if (suggested_bits) {
          EXPECT_LE(*suggested_bits, kMaxAccumulatorBits);
          EXPECT_FALSE(refusal({.bits = *suggested_bits, .lsb = lsb}, first, second)) << *message;
          EXPECT_TRUE(refusal({.bits = *suggested_bits - 1, .lsb = lsb}, first, second))
              << *message;
        } else {
          EXPECT_TRUE(refusal({.bits = kMaxAccumulatorBits, .lsb = lsb}, first, second))
              << "a width would have worked: " << *message;
        }
      }
    }
  });
}

TEST(ResolveAccumulator, RefusalNamesKeyAndFormats) {
  const auto message = refusal({.bits = 16, .lsb = {}}, PotFormat(6), PotFormat(5));
  ASSERT_TRUE(message);
  EXPECT_EQ(*message,
            "pe.accumulator: 16 bits with lsb -22 cannot hold 2^22, the largest product of a "
            "6-bit and a 5-bit code; set pe.accumulator.bits to 46 or more, or "
            "pe.accumulator.lsb to 8 or more");
}

// --- add -----------------------------------------------------------------------------------------

TEST(AccumulatorRange, IsTwosComplement) {
  for (int bits = kMinAccumulatorBits; bits <= kMaxAccumulatorBits; ++bits) {
    const Accumulator accumulator{.bits = bits};
    EXPECT_TRUE(accumulator.max() == test::highest(bits)) << bits;
    EXPECT_TRUE(accumulator.min() == test::lowest(bits)) << bits;
  }
}

// Empty, or the first sum that differs from exact arithmetic.
std::string compare(const Accumulator& accumulator, std::int64_t value, std::int64_t addend) {
  const Sum sum = add(accumulator, value, addend);
  const Sum expected = bounded(accumulator, Int128{value} + addend);
  if (sum.value == expected.value && sum.turns == expected.turns) {
    return "";
  }
  return fmt::format("{} + {} at {} bits: {} turned {}, expected {} turned {}", value, addend,
                     accumulator.bits, sum.value, sum.turns, expected.value, expected.turns);
}

TEST(AccumulatorAdd, IsExactOn16BitsForEveryAddendNearEveryEdge) {
  for (const Overflow rule : kRules) {
    const Accumulator accumulator{16, 0, rule};
    for (const int edge : {-32768, -16384, 0, 16384, 32767}) {
      for (int value = std::max(edge - 24, -32768); value <= std::min(edge + 24, 32767); ++value) {
        for (int addend = -32768; addend <= 32767; ++addend) {
          const std::string difference = compare(accumulator, value, addend);
          ASSERT_EQ(difference, "");
        }
      }
    }
  }
}

TEST(AccumulatorAdd, IsExactAtTheEdgesOfEveryWidth) {
  for (int bits = kMinAccumulatorBits; bits <= kMaxAccumulatorBits; ++bits) {
    for (const Overflow rule : kRules) {
      const Accumulator accumulator{bits, 0, rule};
      std::vector<std::int64_t> interesting;
      for (const std::int64_t offset : {0, 1, 2, 3}) {
        interesting.push_back(accumulator.min() + offset);
        interesting.push_back(accumulator.max() - offset);
        interesting.push_back(offset);
        interesting.push_back(-offset);
        interesting.push_back(accumulator.max() / 2 + offset);
        interesting.push_back(accumulator.min() / 2 - offset);
      }
      for (const std::int64_t value : interesting) {
        for (const std::int64_t addend : interesting) {
          ASSERT_EQ(compare(accumulator, value, addend), "");
        }
      }
    }
  }
}

RC_GTEST_PROP(AccumulatorAdd, IsExactForAnyTwoValuesOfAnyWidth, ()) {
  const int bits = *rc::gen::inRange(kMinAccumulatorBits, kMaxAccumulatorBits + 1);
  const Accumulator accumulator{bits, 0, *rc::gen::element(Overflow::kWrap, Overflow::kSaturate)};
  // Uniform over the width, so that about a quarter of all sums overflow.
  const auto draw = [bits] {
    const auto any = static_cast<std::int64_t>(
        *rc::gen::resize(rc::kNominalSize * 2, rc::gen::arbitrary<std::uint64_t>()) *
        0x9E3779B97F4A7C15U);
    return any >> (64 - bits);
  };
  const std::int64_t value = draw();
  const std::int64_t addend = draw();
  RC_ASSERT(compare(accumulator, value, addend) == "");
  RC_CLASSIFY(add(accumulator, value, addend).overflowed(), "overflows");
}

}  // namespace
}  // namespace potomac::rtl
