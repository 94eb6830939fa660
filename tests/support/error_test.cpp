// The line that a user sees: file, place, problem, remedy, in one line.
#include "support/error.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <stdexcept>
#include <string>

#include "support/plain_text.hpp"

namespace potomac {
namespace {

TEST(Fault, is_described_as_file_place_problem_and_remedy) {
  EXPECT_EQ(describe({"array.yaml", "line 3, key 'rows'", "is negative", "write 1 or more"}),
            "array.yaml: line 3, key 'rows': is negative; write 1 or more");
}

TEST(Fault, empty_parts_leave_no_punctuation_behind) {
  EXPECT_EQ(describe({"", "", "no trace given", "name one"}), "no trace given; name one");
  EXPECT_EQ(describe({"a.h5", "", "is empty", ""}), "a.h5: is empty");
  EXPECT_EQ(describe({"", "--cols", "is 0", ""}), "--cols: is 0");
}

TEST(Fault, is_plain_text_whatever_a_name_holds) {
  EXPECT_EQ(describe({"a\nb", "c\r\nd", "caf\xE9", "caf\xC3\xA9"}),
            "a\\x0Ab: c\\x0D\\x0Ad: caf\\xE9; caf\xC3\xA9");
}

RC_GTEST_PROP(FaultProperty, is_always_plain_text, ()) {
  const Fault fault{*rc::gen::arbitrary<std::string>(), *rc::gen::arbitrary<std::string>(),
                    *rc::gen::arbitrary<std::string>(), *rc::gen::arbitrary<std::string>()};
  RC_ASSERT(is_plain_text(describe(fault)));
}

TEST(Errors, carry_the_described_line_and_the_fault) {
  const Fault fault{"file", "place", "problem", "remedy"};
  const InputError input(fault);
  EXPECT_STREQ(input.what(), "file: place: problem; remedy");
  EXPECT_EQ(input.fault().place, "place");
  const MachineError machine(fault);
  EXPECT_STREQ(machine.what(), "file: place: problem; remedy");
  EXPECT_EQ(machine.fault().remedy, "remedy");
}

TEST(Errors, of_both_kinds_are_caught_as_one_and_told_apart) {
  const Fault fault{"file", "place", "problem", "remedy"};
  EXPECT_THROW(throw InputError(fault), Error);
  EXPECT_THROW(throw MachineError(fault), Error);
  EXPECT_THROW(throw MachineError(fault), std::runtime_error);
  const MachineError machine(fault);
  EXPECT_EQ(dynamic_cast<const InputError*>(static_cast<const Error*>(&machine)), nullptr);
}

}  // namespace
}  // namespace potomac
