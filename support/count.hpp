// A count of events that may be unknown: an engine that sees no values cannot say how many operands
// are zero. Unknown is not 0: sums with it are unknown, and it is printed as null or left empty.
#pragma once

#include <cassert>
#include <cstdint>
#include <ostream>

namespace potomac {

class Count {
 public:
  constexpr Count() = default;                             // a known 0
  constexpr Count(std::uint64_t value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  static constexpr Count unknown() {
    Count count;
    count.known_ = false;
    return count;
  }

  constexpr bool known() const { return known_; }
  // Precondition: known().
  constexpr std::uint64_t value() const {
    assert(known_);
    return value_;
  }

  constexpr Count& operator+=(const Count& other) {
    known_ = known_ && other.known_;
    value_ = known_ ? value_ + other.value_ : 0;
    return *this;
  }
  // Precondition: other is not more.
  constexpr Count& operator-=(const Count& other) {
    known_ = known_ && other.known_;
    assert(!known_ || value_ >= other.value_);
    value_ = known_ ? value_ - other.value_ : 0;
    return *this;
  }
  // Of so many times the same work.
  friend constexpr Count operator*(const Count& count, std::uint64_t times) {
    return count.known_ ? Count(count.value_ * times) : unknown();
  }
  friend constexpr Count operator+(Count a, const Count& b) { return a += b; }
  friend constexpr Count operator-(Count a, const Count& b) { return a -= b; }
  // Two unknown counts are equal, as two results that say the same.
  friend constexpr bool operator==(const Count&, const Count&) = default;

 private:
  std::uint64_t value_ = 0;
  bool known_ = true;
};

inline std::ostream& operator<<(std::ostream& stream, const Count& count) {
  return count.known() ? stream << count.value() : stream << "unknown";
}

}  // namespace potomac
