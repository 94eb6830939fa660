// The line that a user sees: file, place, problem, remedy, in one line.
#include "support/error.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <stdexcept>
#include <string>

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

TEST(Fault, line_breaks_in_a_name_do_not_break_the_line) {
  EXPECT_EQ(describe({"a\nb", "c\r\nd", "e", "f"}), "a b: c  d: e; f");
}

RC_GTEST_PROP(FaultProperty, is_always_one_line, ()) {
  const Fault fault{*rc::gen::arbitrary<std::string>(), *rc::gen::arbitrary<std::string>(),
                    *rc::gen::arbitrary<std::string>(), *rc::gen::arbitrary<std::string>()};
  RC_ASSERT(describe(fault).find_first_of("\r\n") == std::string::npos);
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
