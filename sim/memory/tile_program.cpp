#include "sim/memory/tile_program.hpp"

namespace potomac::sim {

TileProgram::TileProgram(const Schedule& schedule, Issue issue, std::span<GemmOperands> operands,
                         const ElementBits& bits)
    : walk_(schedule, issue), operands_(operands), bits_(bits) {
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
  now_.first = {new_m || new_k, 0};
  now_.second = {new_n || new_k, 0};
  now_.results = {new_m || new_n, 0};
  if (!same_gemm) {
    part_ = &operands_[now_.tile.entry].part_of(now_.tile.copy);
  }
  if (now_.first.is_new) {
    now_.first.bits = part_->first.of_block(m.begin, m.end, k.begin, k.end) * bits_.first;
  }
  if (now_.second.is_new) {
    now_.second.bits = part_->second.of_block(n.begin, n.end, k.begin, k.end) * bits_.second;
  }
  now_.results_bits = m.size() * n.size() * bits_.result;
  if (now_.results.is_new && k.begin > 0) {
    now_.results.bits = now_.results_bits;
  }
}

}  // namespace potomac::sim
