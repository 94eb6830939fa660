#include "workloads/sources/hdf5_rehearsal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "support/error.hpp"

namespace potomac::workloads {
namespace {

using testing::HasSubstr;

std::string refusal(const std::function<void()>& steps) {
  try {
    rehearse("some.h5", steps);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Rehearsal, StepsThatSucceedLeaveNoTrace) {
  int runs = 0;
  EXPECT_EQ(refusal([&] { ++runs; }), "no error");
  EXPECT_EQ(runs, 0);
}

TEST(Rehearsal, ErrorsOfTheStepsArePassedOn) {
  try {
    rehearse("some.h5", [] { throw InputError({"f", "p", "is wrong", "mend it"}); });
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "f: p: is wrong; mend it");
    EXPECT_EQ(error.fault().place, "p");
  }
  EXPECT_THROW(rehearse("some.h5",
                        [] {
                          throw MachineError({"f", "", "failed", "retry"});
                        }),
               MachineError);
}

TEST(Rehearsal, ACrashIsBadInput) {
  EXPECT_THAT(refusal([] { std::raise(SIGSEGV); }), HasSubstr("some.h5: its structure is damaged"));
  EXPECT_THAT(refusal([] { std::abort(); }), HasSubstr("its structure is damaged"));
}

TEST(Rehearsal, AnEndlessLoopIsBadInput) {
  const auto begin = std::chrono::steady_clock::now();
  const auto spin = [] {
    for (std::atomic<int> turns = 0;; ++turns) {
    }
  };
  EXPECT_THAT(refusal(spin), HasSubstr("did not end in time"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::minutes(1));
}

TEST(Rehearsal, AskingForAllMemoryIsBadInput) {
  const auto hoard = [] {
    const std::vector<char> memory(std::size_t{8} << 30U);
    std::cout << memory.back();
  };
  EXPECT_THAT(refusal(hoard), HasSubstr("its structure is damaged"));
}

TEST(Rehearsal, WhatTheStepsPrintStaysUnseen) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  rehearse("some.h5", [] {
    std::cout << "out" << std::endl;
    std::cerr << "error" << std::endl;
  });
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace potomac::workloads
