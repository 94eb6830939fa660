#include "sim/memory/dram_queue.hpp"

#include <algorithm>

namespace potomac::sim {

void DramQueue::close_gaps() {
  struct Left {
    WaitingBurst waiting;
    std::int64_t open_row;
  };
  constexpr std::int64_t kOther = DramDevice::kClosed - 1;
  std::vector<Left> left;
  for (Set rest = all_; rest != 0;) {
    const int slot = oldest(rest);
    const Set bit = bit_of(slot);
    rest &= ~bit;
    const WaitingBurst& one = (*this)[slot];
    left.push_back({one, (open_ & bit) != 0     ? one.at.row
                         : (closed_ & bit) != 0 ? DramDevice::kClosed
                                                : kOther});
  }
  clear();
  for (const Left& one : left) {
    put(one.waiting, one.open_row);
  }
}

void DramQueue::clear() {
  begin_ = end_;
  all_ = own_ = open_ = closed_ = 0;
  size_ = 0;
  std::ranges::fill(of_banks_, 0);
}

}  // namespace potomac::sim
