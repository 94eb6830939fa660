// Register toggles: over all writes of a class of registers, the bits that changed. An engine that
// is asked for them fills a RegisterToggles; what a toggle costs is a table's to say. Classes and
// meanings stand in one table.
//
// Data bits count, at the width that the PE gives them; valid bits and tags do not. All are 0 when
// a pass begins, and a register holds while its slot is not valid.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "support/count.hpp"

namespace potomac::energy {

// Bits that changed, in one machine over some work. A class that a dataflow does not have stays 0;
// where toggles were not asked for, all are unknown.
struct RegisterToggles {
  Count operand;
  Count skew;
  Count stationary;
  Count partial_sum;
  Count accumulator;
  Count drain;

  static constexpr RegisterToggles unknown() {
    constexpr Count kUnknown = Count::unknown();
    return {kUnknown, kUnknown, kUnknown, kUnknown, kUnknown, kUnknown};
  }
  bool known() const;

  // What the same work, done so often, adds.
  RegisterToggles& add(const RegisterToggles& other, std::uint64_t times);
  RegisterToggles& operator+=(const RegisterToggles& other) { return add(other, 1); }
  friend bool operator==(const RegisterToggles&, const RegisterToggles&) = default;
};

struct RegisterClass {
  std::string_view name;  // as in report.json and layers.csv
  std::string_view description;
  Count RegisterToggles::*member;
};

inline constexpr auto kRegisterClasses = std::to_array<RegisterClass>({
    {"operand", "a PE's registers of the operands that stream past it", &RegisterToggles::operand},
    {"skew", "the registers that delay operands at the array's edges", &RegisterToggles::skew},
    {"stationary", "a PE's registers of the operand that stays (ws, is), both of them if pipelined",
     &RegisterToggles::stationary},
    {"partial_sum", "a PE's register of the sum on its way down (ws, is)",
     &RegisterToggles::partial_sum},
    {"accumulator", "a PE's accumulator (os)", &RegisterToggles::accumulator},
    {"drain", "a PE's shadow register of results on their way out (os)", &RegisterToggles::drain},
});

inline bool RegisterToggles::known() const {
  return std::ranges::all_of(kRegisterClasses, [this](const RegisterClass& registers) {
    return (this->*registers.member).known();
  });
}

inline RegisterToggles& RegisterToggles::add(const RegisterToggles& other, std::uint64_t times) {
  for (const RegisterClass& registers : kRegisterClasses) {
    this->*registers.member += other.*registers.member * times;
  }
  return *this;
}

}  // namespace potomac::energy
