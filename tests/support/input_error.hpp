// What bad input is refused with.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "support/error.hpp"

namespace potomac::test {

// The message of the InputError that `action` throws; empty, and a test failure, if none.
template <typename Action>
std::string input_error_of(Action action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no InputError";
  return "";
}

}  // namespace potomac::test
