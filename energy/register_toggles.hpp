// Register toggles: over all writes of a class of registers, the bits that changed. An engine that
// is asked for them fills a RegisterToggles; what a toggle costs is a table's to say. Classes and
// meanings stand in one table.
//
// Data bits count, at the width that the PE gives them; valid bits and tags do not. All are 0 when
// a pass begins, and a register holds while its slot is not valid.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace potomac::energy {

// Bits that changed, in one machine over some work. A class that a dataflow does not have stays 0.
struct RegisterToggles {
  std::uint64_t operand = 0;
  std::uint64_t skew = 0;
  std::uint64_t stationary = 0;
  std::uint64_t partial_sum = 0;
  std::uint64_t accumulator = 0;
  std::uint64_t drain = 0;

  RegisterToggles& operator+=(const RegisterToggles& other);
  friend bool operator==(const RegisterToggles&, const RegisterToggles&) = default;
};

struct RegisterClass {
  std::string_view name;  // as in report.json and layers.csv
  std::string_view description;
  std::uint64_t RegisterToggles::*member;
};

inline constexpr std::array<RegisterClass, 6> kRegisterClasses = {{
    {"operand", "a PE's registers of the operands that stream past it", &RegisterToggles::operand},
    {"skew", "the registers that delay operands at the array's edges", &RegisterToggles::skew},
    {"stationary", "a PE's registers of the operand that stays (ws, is), both of them if pipelined",
     &RegisterToggles::stationary},
    {"partial_sum", "a PE's register of the sum on its way down (ws, is)",
     &RegisterToggles::partial_sum},
    {"accumulator", "a PE's accumulator (os)", &RegisterToggles::accumulator},
    {"drain", "a PE's shadow register of results on their way out (os)", &RegisterToggles::drain},
}};

inline RegisterToggles& RegisterToggles::operator+=(const RegisterToggles& other) {
  for (const RegisterClass& registers : kRegisterClasses) {
    this->*registers.member += other.*registers.member;
  }
  return *this;
}

}  // namespace potomac::energy
