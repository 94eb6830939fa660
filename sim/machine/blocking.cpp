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
      return true;
    }
    set(index, 0);
  }
  return false;
}

void BlockWalk::set(Index index, std::int64_t begin) {
  block_[index] = {begin, std::min(begin + blocking_.extents[index], gemm_[index])};
}

}  // namespace potomac::sim
