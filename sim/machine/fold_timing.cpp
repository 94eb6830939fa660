#include "sim/machine/fold_timing.hpp"

#include <algorithm>

namespace potomac::sim {

ArrayExtents array_extents(const workloads::GemmShape& gemm, Dataflow dataflow) {
  const ArrayIndices indices = array_indices(dataflow);
  const ByIndex<std::int64_t> extents = extents_of(gemm);
  return {extents[indices.rows], extents[indices.cols], extents[indices.streamed]};
}

ArrayExtents array_extents(const Fold& fold, Dataflow dataflow) {
  return array_extents(workloads::GemmShape{1, fold.m.size(), fold.n.size(), fold.k.size()},
                       dataflow);
}

std::uint64_t last_tile(const workloads::GemmShape& gemm, ArrayShape array, Dataflow dataflow) {
  const ArrayExtents extents = array_extents(gemm, dataflow);
  return static_cast<std::uint64_t>(((extents.rows - 1) % array.rows + 1) *
                                    ((extents.cols - 1) % array.cols + 1));
}

std::int64_t last_share(const Schedule& schedule, std::int64_t slots) {
  return slots + schedule.array().rows + schedule.array().cols - 2;
}

std::int64_t share_before(const Schedule& schedule, Issue issue, std::int64_t slots,
                          std::int64_t next_slots) {
  if (issue == Issue::kSerial) {
    return last_share(schedule, slots);
  }
  const std::int64_t rows = schedule.array().rows;
  return keeps_sums(schedule.dataflow()) ? slots + std::max<std::int64_t>(0, rows - next_slots)
                                         : std::max(slots, rows);
}

FoldWalk::FoldWalk(const Schedule& schedule, Issue issue)
    : schedule_(&schedule), issue_(issue), behind_(schedule) {
  set_now(keeps_sums(schedule.dataflow()) ? 0 : schedule.array().rows);
}

void FoldWalk::next() {
  if (behind_.done()) {
    done_ = true;
    return;
  }
  const bool alone = issue_ == Issue::kSerial && !keeps_sums(schedule_->dataflow());
  set_now(alone ? schedule_->array().rows : 0);
}

void FoldWalk::set_now(std::int64_t preload) {
  const Dataflow dataflow = schedule_->dataflow();
  now_.fold = behind_.fold();
  now_.number = behind_.number();
  now_.preload = preload;
  now_.slots = array_extents(now_.fold, dataflow).streamed;
  now_.loads.reset();
  behind_.next_fold();
  if (behind_.done()) {
    now_.share = last_share(*schedule_, now_.slots);
    return;
  }
  const Fold next = behind_.fold();
  now_.share = share_before(*schedule_, issue_, now_.slots, array_extents(next, dataflow).streamed);
  if (issue_ == Issue::kPipelined && !keeps_sums(dataflow)) {
    now_.loads = next;
  }
}

}  // namespace potomac::sim
