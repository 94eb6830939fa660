// The bursts that the controller of a DRAM channel sees, in the order in which they came. Sets of
// them are bits of a word, so that what the controller looks for is found in a few operations.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <vector>

#include "sim/machine/dram_preset.hpp"
#include "sim/memory/dram_device.hpp"

namespace potomac::sim {

struct WaitingBurst {
  DramAddress at;
  std::int64_t burst = 0;     // its number in the channel
  std::int64_t transfer = 0;  // its transfer's: those that came later have no less
};

class DramQueue {
 public:
  static constexpr int kSlots = 64;
  static_assert(kSlots >= kMostDramQueue);
  // Bursts by the slots that they are in.
  using Set = std::uint64_t;

  explicit DramQueue(std::int64_t banks) : of_banks_(static_cast<std::size_t>(banks), 0) {}

  std::int64_t size() const { return size_; }
  Set all() const { return all_; }
  // Of the transfer in hand.
  Set own() const { return own_; }
  // Those whose row is open; those whose bank has none open.
  Set open() const { return open_; }
  Set closed() const { return closed_; }
  Set of_bank(std::int64_t bank) const { return of_banks_[static_cast<std::size_t>(bank)]; }
  const WaitingBurst& operator[](int slot) const { return slots_[static_cast<std::size_t>(slot)]; }

  // Precondition: the set has one.
  int oldest(Set set) const {
    const int begin = slot_of(begin_);
    return (std::countr_zero(std::rotr(set, begin)) + begin) % kSlots;
  }
  bool is_older(int one, int other) const { return age_of(one) < age_of(other); }
  // Preconditions: there are less than kSlots; its transfer is no earlier than those of the others.
  // `open_row`: its bank's, or DramDevice::kClosed.
  void push(const WaitingBurst& waiting, std::int64_t open_row) {
    if (end_ - begin_ == kSlots) {
      begin_ = all_ == 0 ? end_ : begin_ + static_cast<std::uint64_t>(age_of(oldest(all_)));
      if (end_ - begin_ == kSlots) {
        close_gaps();
      }
    }
    put(waiting, open_row);
  }
  void erase(int slot) {
    const Set bit = bit_of(slot);
    of_banks_[static_cast<std::size_t>((*this)[slot].at.bank)] &= ~bit;
    all_ &= ~bit;
    own_ &= ~bit;
    open_ &= ~bit;
    closed_ &= ~bit;
    --size_;
  }

  // This transfer's are the own ones from here on.
  void take_in_hand(std::int64_t transfer) {
    in_hand_ = transfer;
    own_ = 0;
    for (Set rest = all_; rest != 0; rest &= ~own_) {  // they are in front
      const int slot = oldest(rest);
      if ((*this)[slot].transfer != transfer) {
        break;
      }
      own_ |= bit_of(slot);
    }
  }
  void clear();
  void row_opened(DramAddress at) {
    for (Set rest = of_bank(at.bank); rest != 0; rest &= rest - 1) {
      const int slot = std::countr_zero(rest);
      open_ |= (*this)[slot].at == at ? bit_of(slot) : 0;
    }
    closed_ &= ~of_bank(at.bank);
  }
  void row_closed(std::int64_t bank) {
    open_ &= ~of_bank(bank);
    closed_ |= of_bank(bank);
  }
  void all_rows_closed() {
    open_ = 0;
    closed_ = all_;
  }

 private:
  static Set bit_of(int slot) { return Set{1} << slot; }
  static int slot_of(std::uint64_t place) { return static_cast<int>(place % kSlots); }
  // How many places behind the first.
  int age_of(int slot) const { return (slot - slot_of(begin_) + kSlots) % kSlots; }

  void put(const WaitingBurst& waiting, std::int64_t open_row) {
    const int slot = slot_of(end_++);
    const Set bit = bit_of(slot);
    assert((all_ & bit) == 0);
    slots_[static_cast<std::size_t>(slot)] = waiting;
    of_banks_[static_cast<std::size_t>(waiting.at.bank)] |= bit;
    all_ |= bit;
    own_ |= waiting.transfer == in_hand_ ? bit : 0;
    open_ |= open_row == waiting.at.row ? bit : 0;
    closed_ |= open_row == DramDevice::kClosed ? bit : 0;
    ++size_;
  }

  // All slots from the oldest one's on were in use once: gaps are closed.
  void close_gaps();

  std::array<WaitingBurst, kSlots> slots_;
  // Places from 0 on are the slots, round after round: the oldest one's is begin_ or behind it, the
  // next one's is end_.
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  Set all_ = 0;
  Set own_ = 0;
  Set open_ = 0;
  Set closed_ = 0;
  std::int64_t size_ = 0;
  std::vector<Set> of_banks_;
  std::int64_t in_hand_ = 0;
};

}  // namespace potomac::sim
