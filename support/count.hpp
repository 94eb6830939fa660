// A count of events that may be unknown: an engine that sees no values cannot say how many operands
// are zero. Unknown is not 0: sums with it are unknown, and it is printed as null or left empty.
#pragma once

#include <cassert>
#include <cstdint>
#include <ostream>

namespace potomac {

class Count {
 public:
  constexpr Count() = default;  // a known 0
  // Precondition: less than 2^64 - 1, which no event happens as often as.
  constexpr Count(std::uint64_t value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  static constexpr Count unknown() { return {kUnknown}; }

  constexpr bool known() const { return value_ != kUnknown; }
  // Precondition: known().
  constexpr std::uint64_t value() const {
    assert(known());
    return value_;
  }

  constexpr Count& operator+=(const Count& other) {
    value_ = known() && other.known() ? value_ + other.value_ : kUnknown;
    return *this;
  }
  // Precondition: other is not more.
  constexpr Count& operator-=(const Count& other) {
    assert(!known() || !other.known() || value_ >= other.value_);
    value_ = known() && other.known() ? value_ - other.value_ : kUnknown;
    return *this;
  }
  // The count of so many times the same work.
  friend constexpr Count operator*(const Count& count, std::uint64_t times) {
    return count.known() ? Count(count.value_ * times) : count;
  }
  friend constexpr Count operator+(Count a, const Count& b) { return a += b; }
  friend constexpr Count operator-(Count a, const Count& b) { return a -= b; }
  // Two unknown counts are equal, as two results that say the same.
  friend constexpr bool operator==(const Count&, const Count&) = default;

 private:
  static constexpr std::uint64_t kUnknown = ~std::uint64_t{0};

  std::uint64_t value_ = 0;
};

inline std::ostream& operator<<(std::ostream& stream, const Count& count) {
  return count.known() ? stream << count.value() : stream << "unknown";
}

}  // namespace potomac
