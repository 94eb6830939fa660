// The nearest word: every kind of slip, and words that nobody meant.
#include "support/nearest_word.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace potomac {
namespace {

const std::vector<std::string> kWords = {"run", "sweep", "trace", "--energy", "--engine"};

TEST(NearestWord, IsTheOneThatASlipAwayWasMeant) {
  EXPECT_EQ(nearest_word("runn", kWords), "run");     // added
  EXPECT_EQ(nearest_word("swep", kWords), "sweep");   // dropped
  EXPECT_EQ(nearest_word("trase", kWords), "trace");  // replaced
  EXPECT_EQ(nearest_word("rtace", kWords), "trace");  // swapped
  EXPECT_EQ(nearest_word("--enrgy", kWords), "--energy");
  EXPECT_EQ(nearest_word("--engin", kWords), "--engine");
  EXPECT_EQ(nearest_word("run", kWords), "run");
}

TEST(NearestWord, IsNoneWhereAllAreFar) {
  EXPECT_EQ(nearest_word("fly", kWords), "");
  EXPECT_EQ(nearest_word("x", kWords), "");
  EXPECT_EQ(nearest_word("", kWords), "");
  EXPECT_EQ(nearest_word(std::string(1'000'000, 'r'), kWords), "");
  EXPECT_EQ(nearest_word("run", {}), "");
}

TEST(NearestWord, OfEquallyNearOnesIsTheFirst) {
  const std::vector<std::string> words = {"bat", "cat"};
  EXPECT_EQ(nearest_word("hat", words), "bat");
}

}  // namespace
}  // namespace potomac
