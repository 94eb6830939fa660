#include "sim/memory/dram_queue.hpp"

#include <utility>

namespace potomac::sim {

void DramQueue::close_gaps() {
  std::vector<std::pair<WaitingBurst, bool>> waiting;
  for (Set rest = all_; rest != 0;) {
    const int slot = oldest(rest);
    rest &= ~bit_of(slot);
    waiting.emplace_back((*this)[slot], (open_ & bit_of(slot)) != 0);
  }
  clear();
  for (const auto& [one, is_open] : waiting) {
    put(one, is_open);
  }
}

void DramQueue::clear() {
  begin_ = end_;
  all_ = own_ = open_ = 0;
  for (Set& of_bank : of_banks_) {
    of_bank = 0;
  }
}

}  // namespace potomac::sim
