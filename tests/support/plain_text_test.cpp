#include "support/plain_text.hpp"

#include <gtest/gtest.h>

namespace potomac {
namespace {

TEST(PlainText, AcceptsAsciiAndEveryLengthOfUtf8) {
  EXPECT_TRUE(is_plain_text(""));
  EXPECT_TRUE(is_plain_text("000-conv1.weight"));
  EXPECT_TRUE(is_plain_text("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"));
}

TEST(PlainText, RefusesWhatSteersATerminal) {
  EXPECT_FALSE(is_plain_text("a\nb"));
  EXPECT_FALSE(is_plain_text("a\x1B[2J"));
  EXPECT_FALSE(is_plain_text("a\x7F"));
  EXPECT_FALSE(is_plain_text("a\xC2\x9B"));  // CSI as one C1 character
  EXPECT_FALSE(is_plain_text(std::string_view("a\0b", 3)));
}

TEST(PlainText, RefusesBrokenUtf8) {
  EXPECT_FALSE(is_plain_text("\x80"));
  EXPECT_FALSE(is_plain_text("\xC3"));
  EXPECT_FALSE(is_plain_text("\xC0\xAF"));          // overlong
  EXPECT_FALSE(is_plain_text("\xE0\x80\xAF"));      // overlong
  EXPECT_FALSE(is_plain_text("\xED\xA0\x80"));      // a surrogate
  EXPECT_FALSE(is_plain_text("\xF4\x90\x80\x80"));  // beyond U+10FFFF
  EXPECT_FALSE(is_plain_text("\xFF"));
}

TEST(PlainText, PrintableIsAlwaysPlain) {
  EXPECT_EQ(printable("caf\xC3\xA9"), "caf\xC3\xA9");
  EXPECT_EQ(printable("a\x1B[2J\xFF"), "a\\x1B[2J\\xFF");
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_TRUE(is_plain_text(printable(std::string(3, static_cast<char>(byte))))) << byte;
  }
}

TEST(PlainText, PrintableCutsLongText) {
  EXPECT_EQ(printable(std::string(100, 'x'), 10), "xxxxxxxxxx...");
  EXPECT_EQ(printable(std::string(10, 'x'), 10), "xxxxxxxxxx");
}

}  // namespace
}  // namespace potomac
