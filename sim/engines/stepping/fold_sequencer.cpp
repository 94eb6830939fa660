#include "sim/engines/stepping/fold_sequencer.hpp"

namespace potomac::sim {

void FoldSequencer::start(const Schedule& schedule, Issue issue) {
  array_ = schedule.array();
  dataflow_ = schedule.dataflow();
  walk_.emplace(schedule, issue);
  at_ = -walk_->now().preload;
  state_ = State::kFold;
  cycles_ = {};
  pe_cycles_ = {};
}

FeedCommand FoldSequencer::take(const ArrayStep& step) {
  const FoldTiming& timing = walk_->now();
  FeedCommand command;
  if (step.slot != ArrayStep::kNone) {
    command.number = static_cast<std::int64_t>(timing.number);
    command.fold = timing.fold;
    command.slot = step.slot;
    command.valid = true;
  }
  if (step.row != ArrayStep::kNone) {
    command.load_number = static_cast<std::int64_t>(step.loading_number);
    command.load = *step.loading;
    command.row = step.row;
    command.loads = true;
  }
  count(timing.fold);
  if (++at_ == timing.share) {
    walk_->next();
    end_fold();
  }
  return command;
}

void FoldSequencer::count(const Fold& fold) {
  if (at_ < 0) {
    cycles_.preload += 1;
    pe_cycles_.preload += pes();
    return;
  }
  cycles_.stream += 1;
  const ArrayExtents extents = array_extents(fold, dataflow_);
  const auto used = static_cast<std::uint64_t>(extents.rows * extents.cols);
  pe_cycles_.used += used;
  pe_cycles_.edge += pes() - used;
}

void FoldSequencer::count_drain() {
  cycles_.drain += 1;
  pe_cycles_.drain += pes();
  if (++at_ == array_.rows) {
    state_ = State::kDone;
  }
}

void FoldSequencer::count_stall() {
  cycles_.stall += 1;
  pe_cycles_.stall += pes();
}

void FoldSequencer::end_fold() {
  if (!walk_->done()) {
    at_ = -walk_->now().preload;
    return;
  }
  at_ = 0;
  state_ = keeps_sums(dataflow_) ? State::kDrain : State::kDone;
}

}  // namespace potomac::sim
