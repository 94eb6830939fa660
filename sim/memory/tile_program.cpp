#include "sim/memory/tile_program.hpp"

#include <numeric>

namespace potomac::sim {

TileProgram::TileProgram(const Schedule& schedule, Issue issue, std::span<GemmOperands> operands,
                         const ElementBits& bits, const std::optional<BlockBits>& alike)
    : walk_(schedule, issue), operands_(operands), bits_(bits), alike_(alike) {
  if (!done()) {
    set_now(false);
  }
}

void TileProgram::next() {
  const std::int64_t gemm = walk_.now().gemm;
  walk_.next();
  if (!done()) {
    set_now(walk_.now().gemm == gemm);
  }
}

// What a block touches depends on where it begins within an image or a kernel.
void TileProgram::set_periods() {
  if (alike_) {
    periods_ = {1, 1, 1};
    return;
  }
  const Blocking blocking = walk_.blocking();
  const auto blocks = [&](std::int64_t inner, Index index) {
    return inner / std::gcd(inner, blocking.extents[index]);
  };
  ByIndex<std::int64_t> of_index;
  of_index[Index::kM] = blocks(part_->first.inner_rows(), Index::kM);
  of_index[Index::kN] = blocks(part_->second.inner_rows(), Index::kN);
  of_index[Index::kK] = std::lcm(blocks(part_->first.inner_depth(), Index::kK),
                                 blocks(part_->second.inner_depth(), Index::kK));
  for (std::size_t loop = 0; loop < periods_.size(); ++loop) {
    periods_.at(loop) = of_index[blocking.order.at(loop)];
  }
}

std::int64_t TileProgram::period() const {
  return walk_.level() < TileWalk::Level::kOuter
             ? 1
             : periods_.at(static_cast<std::size_t>(walk_.level()) -
                           static_cast<std::size_t>(TileWalk::Level::kOuter));
}

std::int64_t TileProgram::left() const {
  switch (walk_.level()) {
    case TileWalk::Level::kEntries:
      return 0;
    case TileWalk::Level::kCopies:  // another part's lie otherwise
      return part_->first_copy + part_->count - 1 - now_.tile.copy;
    default:
      return walk_.left();
  }
}

void TileProgram::repeat(const TileWalk::Mark& since, std::int64_t times) {
  walk_.repeat(since, times);
  now_.tile = walk_.now();  // what is new is as it was
  set_bits();
}

void TileProgram::set_now(bool same_gemm) {
  const ByIndex<Range> before = now_.tile.block;
  now_.tile = walk_.now();
  const ByIndex<Range>& block = now_.tile.block;
  const Range& m = block[Index::kM];
  const Range& n = block[Index::kN];
  const Range& k = block[Index::kK];
  const bool new_m = !same_gemm || m != before[Index::kM];
  const bool new_n = !same_gemm || n != before[Index::kN];
  const bool new_k = !same_gemm || k != before[Index::kK];
  now_.first.is_new = new_m || new_k;
  now_.second.is_new = new_n || new_k;
  now_.results.is_new = new_m || new_n;
  if (!same_gemm) {
    part_ = &operands_[now_.tile.entry].part_of(now_.tile.copy);
    set_periods();
  }
  set_bits();
}

void TileProgram::set_bits() {
  const Range& m = now_.tile.block[Index::kM];
  const Range& n = now_.tile.block[Index::kN];
  const Range& k = now_.tile.block[Index::kK];
  const bool has_sums = now_.results.is_new && k.begin > 0;
  if (alike_) {
    now_.first.bits = now_.first.is_new ? alike_->first : 0;
    now_.second.bits = now_.second.is_new ? alike_->second : 0;
    now_.results_bits = alike_->results;
    now_.results.bits = has_sums ? alike_->results : 0;
    return;
  }
  now_.first.bits =
      now_.first.is_new ? part_->first.of_block(m.begin, m.end, k.begin, k.end) * bits_.first : 0;
  now_.second.bits = now_.second.is_new
                         ? part_->second.of_block(n.begin, n.end, k.begin, k.end) * bits_.second
                         : 0;
  now_.results_bits = m.size() * n.size() * bits_.result;
  now_.results.bits = has_sums ? now_.results_bits : 0;
}

}  // namespace potomac::sim
