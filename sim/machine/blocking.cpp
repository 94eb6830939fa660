#include "sim/machine/blocking.hpp"

#include <algorithm>
#include <cstddef>

namespace potomac::sim {

std::string_view loop_order_text(const LoopOrder& order) {
  return kLoopOrderTexts.at(
      static_cast<std::size_t>(std::ranges::find(kLoopOrders, order) - kLoopOrders.begin()));
}

BlockWalk::BlockWalk(const ByIndex<std::int64_t>& gemm, const Blocking& blocking)
    : gemm_(gemm), blocking_(blocking) {
  for (const Index index : blocking_.order) {
    counts_[index] = (gemm[index] + blocking.extents[index] - 1) / blocking.extents[index];
    set(index, 0);
  }
}

bool BlockWalk::next() {
  for (std::size_t loop = blocking_.order.size(); loop-- > 0;) {
    const Index index = blocking_.order.at(loop);
    if (numbers_[index] + 1 < counts_[index]) {
      set(index, numbers_[index] + 1);
      loop_ = loop;
      return true;
    }
    set(index, 0);
  }
  return false;
}

void BlockWalk::skip(std::int64_t blocks) {
  const Index index = blocking_.order.at(loop_);
  set(index, numbers_[index] + blocks);
}

void BlockWalk::set(Index index, std::int64_t number) {
  numbers_[index] = number;
  const std::int64_t begin = number * blocking_.extents[index];
  block_[index] = {begin, std::min(begin + blocking_.extents[index], gemm_[index])};
}

}  // namespace potomac::sim
