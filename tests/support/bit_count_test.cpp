#include "support/bit_count.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <random>

namespace potomac {
namespace {

TEST(BitCount, OfEveryByte) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(bit_count(static_cast<std::uint8_t>(byte)),
              static_cast<std::uint64_t>(std::popcount(byte)));
  }
}

TEST(BitCount, OfWords) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10000; ++i) {
    const std::uint64_t sparse = random();
    const std::uint64_t word = sparse & random();
    ASSERT_EQ(bit_count(word), static_cast<std::uint64_t>(std::popcount(word))) << word;
  }
  EXPECT_EQ(bit_count(std::uint64_t{0}), 0U);
  EXPECT_EQ(bit_count(~std::uint64_t{0}), 64U);
}

}  // namespace
}  // namespace potomac
