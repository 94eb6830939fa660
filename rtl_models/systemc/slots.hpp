// What travels on the array's wires: operands with their valid bits, and results on their way out.
#pragma once

#include <bit>
#include <cstdint>
#include <ostream>
#include <tuple>
#include <type_traits>

namespace potomac::rtl {

// What a wire carries: bits. A signal changes from 0.0 to -0.0, which are equal as values.
template <typename Word>
auto wire_of(Word word) {
  if constexpr (std::is_same_v<Word, float>) {
    return std::bit_cast<std::uint32_t>(word);
  } else {
    return word;
  }
}

// A first operand on its way east along a row.
template <typename Operand>
struct RowSlot {
  Operand operand{};
  bool valid = false;

  friend bool operator==(const RowSlot& a, const RowSlot& b) {
    return std::tuple(wire_of(a.operand), a.valid) == std::tuple(wire_of(b.operand), b.valid);
  }
};

// A second operand on its way south down a column. The tags mark a fold's edges: `first` starts a
// new sum, `last` ends it.
template <typename Operand>
struct ColumnSlot {
  Operand operand{};
  bool valid = false;
  bool first = false;
  bool last = false;

  friend bool operator==(const ColumnSlot& a, const ColumnSlot& b) {
    return std::tuple(wire_of(a.operand), a.valid, a.first, a.last) ==
           std::tuple(wire_of(b.operand), b.valid, b.first, b.last);
  }
};

// A streaming operand of the stationary array on its way east; `first` begins a fold.
template <typename Operand>
struct StreamSlot {
  Operand operand{};
  bool valid = false;
  bool first = false;

  friend bool operator==(const StreamSlot& a, const StreamSlot& b) {
    return std::tuple(wire_of(a.operand), a.valid, a.first) ==
           std::tuple(wire_of(b.operand), b.valid, b.first);
  }
};

// One row of a stationary tile on its way down a column. It moves on until its tile settles; where
// the tile does not fill the array, a slot that is not valid moves, and clears the place it comes
// to. `settle` marks a tile's last slot: at the edge at which it enters, the column stands still.
template <typename Operand>
struct TileSlot {
  Operand operand{};
  bool valid = false;
  bool moving = false;
  bool settle = false;

  friend bool operator==(const TileSlot& a, const TileSlot& b) {
    return std::tuple(wire_of(a.operand), a.valid, a.moving, a.settle) ==
           std::tuple(wire_of(b.operand), b.valid, b.moving, b.settle);
  }
};

// A partial sum on its way down a column of the stationary array.
template <typename Value>
struct PartialSum {
  Value value{};
  bool valid = false;
  std::int32_t turns = 0;  // no wire: see accumulator.hpp

  friend bool operator==(const PartialSum& a, const PartialSum& b) {
    return std::tuple(wire_of(a.value), a.valid, a.turns) ==
           std::tuple(wire_of(b.value), b.valid, b.turns);
  }
};

// Whether a slot has anything to say to the register that it reaches.
template <typename Slot>
bool is_occupied(const Slot& slot) {
  if constexpr (requires { slot.moving; }) {
    return slot.moving;
  } else {
    return slot.valid;
  }
}

// A finished result in a column's chain of shadow registers. `fresh`: it was captured while the
// results of the fold before were still on their way, and waits for its own turn.
template <typename Value>
struct ResultSlot {
  Value value{};
  bool valid = false;
  bool fresh = false;

  friend bool operator==(const ResultSlot& a, const ResultSlot& b) {
    return std::tuple(wire_of(a.value), a.valid, a.fresh) ==
           std::tuple(wire_of(b.value), b.valid, b.fresh);
  }
};

// What a column's drain tells its PEs: move results down at this edge; `start` marks the first edge
// of a fold's drain, from which on its results are no longer fresh.
struct DrainCommand {
  bool shift = false;
  bool start = false;

  friend bool operator==(const DrainCommand&, const DrainCommand&) = default;
};

// sc_signal asks for these: printing for messages. (Tracing: waveform.hpp.)
template <typename Operand>
std::ostream& operator<<(std::ostream& stream, const RowSlot<Operand>& slot) {
  return stream << +slot.operand << (slot.valid ? "" : " (invalid)");
}
template <typename Operand>
std::ostream& operator<<(std::ostream& stream, const ColumnSlot<Operand>& slot) {
  return stream << +slot.operand << (slot.valid ? "" : " (invalid)");
}
template <typename Value>
std::ostream& operator<<(std::ostream& stream, const ResultSlot<Value>& slot) {
  return stream << slot.value << (slot.valid ? "" : " (invalid)");
}

template <typename Operand>
std::ostream& operator<<(std::ostream& stream, const StreamSlot<Operand>& slot) {
  return stream << +slot.operand << (slot.valid ? "" : " (invalid)");
}
template <typename Operand>
std::ostream& operator<<(std::ostream& stream, const TileSlot<Operand>& slot) {
  return stream << +slot.operand << (slot.valid ? "" : " (invalid)")
                << (slot.moving ? " moving" : "");
}
template <typename Value>
std::ostream& operator<<(std::ostream& stream, const PartialSum<Value>& sum) {
  return stream << sum.value << (sum.valid ? "" : " (invalid)");
}

inline std::ostream& operator<<(std::ostream& stream, const DrainCommand& command) {
  return stream << (command.start ? "start" : command.shift ? "shift" : "hold");
}

}  // namespace potomac::rtl
