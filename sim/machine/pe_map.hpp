// What each PE of an array does in a pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "sim/machine/array_shape.hpp"

namespace potomac::sim {

struct PeActivity {
  std::uint64_t macs = 0;     // slots: both operands were there
  std::uint64_t gated = 0;    // of these, with an operand that is zero and fired nothing
  std::uint64_t toggles = 0;  // bits that changed in its registers

  friend bool operator==(const PeActivity&, const PeActivity&) = default;
};

// All PEs of an array, row by row.
struct PeMap {
  ArrayShape array;
  std::vector<PeActivity> pes;

  explicit PeMap(ArrayShape shape)
      : array(shape), pes(static_cast<std::size_t>(shape.rows * shape.cols)) {}
  PeActivity& at(std::int64_t row, std::int64_t col) {
    return pes[static_cast<std::size_t>(row * array.cols + col)];
  }

  friend bool operator==(const PeMap&, const PeMap&) = default;
};

using PeMapSink = std::function<void(const PeMap& map)>;

}  // namespace potomac::sim
