// Programs are run as they are told to, what they say is gathered, and one that is not there is
// told from one that fails.
#include "support/child_process.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/temporary_folder.hpp"

namespace potomac {
namespace {

TEST(ChildProcess, GathersWhatAProgramSaysAndHowItEnds) {
  const auto done = run_child("sh", {"-c", "echo out; echo err >&2; exit 3"}, ".");
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->output, "out\nerr\n");
  EXPECT_EQ(done->status, 3);
}

TEST(ChildProcess, RunsInTheFolderThatItIsGivenWithNothingToRead) {
  const ScratchFolder folder;
  const auto done =
      run_child("sh", {"-c", "pwd; cat; echo \"$1|$2\"", "sh", "a b", "$HOME"}, folder.path());
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->output, folder.path().string() + "\na b|$HOME\n");
  EXPECT_EQ(done->status, 0);
}

TEST(ChildProcess, TakesMoreThanAPipeHolds) {
  const auto done = run_child("sh", {"-c", "head -c 1000000 /dev/zero"}, ".");
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->output.size(), 1000000U);
}

TEST(ChildProcess, NamesTheSignalThatEndedIt) {
  const auto done = run_child("sh", {"-c", "kill -KILL $$"}, ".");
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->status, 128 + 9);
}

TEST(ChildProcess, ThatIsNotThereIsNothing) {
  EXPECT_FALSE(run_child("no-such-program-anywhere", {}, ".").has_value());
  EXPECT_FALSE(run_child("/dev/null", {}, ".").has_value());
}

}  // namespace
}  // namespace potomac
