#include "sim/machine/blocking.hpp"

#include <algorithm>
#include <cstddef>

namespace potomac::sim {

BlockWalk::BlockWalk(const ByIndex<std::int64_t>& gemm, const Blocking& blocking)
    : gemm_(gemm), blocking_(blocking) {
  for (const Index index : blocking_.order) {
    set(index, 0);
  }
}

bool BlockWalk::next() {
  for (std::size_t loop = blocking_.order.size(); loop-- > 0;) {
    const Index index = blocking_.order.at(loop);
    if (block_[index].end < gemm_[index]) {
      set(index, block_[index].end);
      loop_ = loop;
      return true;
    }
    set(index, 0);
  }
  return false;
}

std::int64_t BlockWalk::number() const {
  const Index index = blocking_.order.at(loop_);
  return block_[index].begin / blocking_.extents[index];
}

std::int64_t BlockWalk::left() const {
  const Index index = blocking_.order.at(loop_);
  return (gemm_[index] - block_[index].end + blocking_.extents[index] - 1) /
         blocking_.extents[index];
}

void BlockWalk::skip(std::int64_t blocks) {
  const Index index = blocking_.order.at(loop_);
  set(index, block_[index].begin + blocks * blocking_.extents[index]);
}

void BlockWalk::set(Index index, std::int64_t begin) {
  block_[index] = {begin, std::min(begin + blocking_.extents[index], gemm_[index])};
}

}  // namespace potomac::sim
