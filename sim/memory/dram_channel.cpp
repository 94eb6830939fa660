#include "sim/memory/dram_channel.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace potomac::sim {

DramCounts& DramCounts::operator+=(const DramCounts& other) {
  bursts_read += other.bursts_read;
  bursts_written += other.bursts_written;
  row_hits += other.row_hits;
  row_misses += other.row_misses;
  activates += other.activates;
  refreshes += other.refreshes;
  return *this;
}

DramChannel::DramChannel(const DramPreset& preset, DramMapping mapping)
    : preset_(preset),
      device_(preset),
      addresses_(preset, mapping),
      stripe_(preset.bursts_per_row() * preset.bank_groups),
      step_(preset.bank_groups == 1 ? preset.cycles.t_ccd_l : preset.cycles.t_ccd_s),
      refresh_due_(preset.cycles.t_refi),
      queue_(preset.banks()),
      fresh_(static_cast<std::size_t>(preset.banks()), 0),
      may_close_(static_cast<std::size_t>(preset.banks()), 0) {}

void DramChannel::expect(std::span<const BurstRun> runs, bool write) {
  std::vector<BurstRun> own;
  if (!spare_.empty()) {
    own = std::move(spare_.back());
    spare_.pop_back();
  }
  own.assign(runs.begin(), runs.end());
  expected_.push_back({std::move(own), write});
}

std::int64_t DramChannel::serve(std::int64_t cycle) {
  refresh_until(cycle);
  now_ = std::max(now_, cycle);
  column_ = expected_.front().write ? DramCommand::kWrite : DramCommand::kRead;
  first_column_ = kNever;
  queue_.take_in_hand(in_hand_);
  for (enqueue(); queue_.own() != 0; enqueue()) {
    const Choice choice = choose();
    if (choice.cycle >= refresh_due_) {
      refresh();
    } else if (!give_rest_of_row(choice)) {
      give(choice);
    }
  }
  spare_.push_back(std::move(expected_.front().runs));
  expected_.pop_front();
  ++in_hand_;
  if (transfer_ < in_hand_) {
    transfer_ = in_hand_;
    run_ = 0;
    next_ = 0;
  }
  return last_column_ + data_latency() + preset_.burst_cycles();
}

DramChannel::Data DramChannel::data() const {
  return {column_ == DramCommand::kWrite, first_column_ + data_latency()};
}

void DramChannel::enqueue() {
  const auto behind = [&] { return static_cast<std::size_t>(transfer_ - in_hand_); };
  while (queue_.size() < preset_.queue && behind() < expected_.size()) {
    const std::vector<BurstRun>& runs = expected_[behind()].runs;
    if (run_ == runs.size()) {
      ++transfer_;
      run_ = 0;
      next_ = 0;
      continue;
    }
    next_ = std::max(next_, runs[run_].begin);  // of the first run
    enqueue(next_, transfer_);
    go_on(runs, 1);
  }
}

// So many bursts of the run, the last of which may be its last.
void DramChannel::go_on(const std::vector<BurstRun>& runs, std::int64_t bursts) {
  next_ += bursts;
  if (next_ == runs[run_].end && ++run_ < runs.size()) {
    next_ = runs[run_].begin;
  }
}

void DramChannel::enqueue(std::int64_t burst, std::int64_t transfer) {
  const DramAddress at = addresses_.address_of(burst);
  const std::int64_t open_row = device_.open_row(at.bank);
  queue_.push({at, burst, transfer}, open_row);
  if (open_row == at.row) {
    if (is_to_close(at.bank) && queue_[waits_in(at.bank)].transfer == transfer) {
      not_to_close(at.bank);
    }
  } else if (open_row != DramDevice::kClosed) {
    close_if_unwanted(at.bank);
  }
}

// The oldest burst of a bank that waits for another row than is open. Precondition: there is one.
int DramChannel::waits_in(std::int64_t bank) const {
  return queue_.oldest(queue_.of_bank(bank) & ~queue_.open());
}

// Precondition: a row of the bank is open. It is wanted if a burst waits for it that is of no later
// transfer than the oldest one that waits for another row.
void DramChannel::close_if_unwanted(std::int64_t bank) {
  const DramQueue::Set waiting = queue_.of_bank(bank);
  const DramQueue::Set hits = waiting & queue_.open();
  if (hits == waiting || is_to_close(bank) ||
      (hits != 0 && queue_[queue_.oldest(hits)].transfer <= queue_[waits_in(bank)].transfer)) {
    return;
  }
  const std::int64_t cycle = device_.earliest(DramCommand::kPrecharge, bank);
  to_close_ |= std::uint64_t{1} << bank;
  may_close_[static_cast<std::size_t>(bank)] = cycle;
  soonest_close_ = std::min(soonest_close_, cycle);
}

void DramChannel::not_to_close(std::int64_t bank) {
  to_close_ &= ~(std::uint64_t{1} << bank);
  soonest_close_ = kNever;
  for (std::uint64_t rest = to_close_; rest != 0; rest &= rest - 1) {
    soonest_close_ =
        std::min(soonest_close_, may_close_[static_cast<std::size_t>(std::countr_zero(rest))]);
  }
}

// The command that may be given first; of several in one cycle, by kind, then by age.
DramChannel::Choice DramChannel::choose() const {
  Choice best{column_, 0, kNever};
  const auto look_at = [&](DramCommand command, DramQueue::Set set) {
    const std::int64_t soonest = std::max(now_, device_.earliest_of_channel(command));
    while (set != 0 && best.cycle > soonest) {
      const int slot = queue_.oldest(set);
      const std::int64_t bank = queue_[slot].at.bank;
      set &= ~queue_.of_bank(bank);  // others of the bank are no sooner
      const std::int64_t cycle = std::max(now_, device_.earliest(command, bank));
      if (cycle < best.cycle) {
        best = {command, slot, cycle};
      }
    }
  };
  look_at(column_, queue_.own() & queue_.open());
  look_at(DramCommand::kActivate, queue_.closed());
  if (best.cycle == now_ || best.cycle <= soonest_close_) {
    return best;
  }
  for (std::uint64_t rest = to_close_; rest != 0; rest &= rest - 1) {
    const int bank = std::countr_zero(rest);
    const std::int64_t cycle = std::max(now_, may_close_[static_cast<std::size_t>(bank)]);
    if (cycle < best.cycle || (cycle == best.cycle && best.command == DramCommand::kPrecharge &&
                               queue_.is_older(waits_in(bank), best.slot))) {
      best = {DramCommand::kPrecharge, waits_in(bank), cycle};
    }
  }
  return best;
}

void DramChannel::give(const Choice& choice) {
  const DramAddress at = queue_[choice.slot].at;
  device_.issue(choice.command, at, choice.cycle);
  tell(choice.command, at, choice.cycle);
  now_ = choice.cycle + 1;
  switch (choice.command) {
    case DramCommand::kActivate:
      counts_.activates += 1;
      fresh_[static_cast<std::size_t>(at.bank)] = 1;
      queue_.row_opened(at);
      break;
    case DramCommand::kRead:
    case DramCommand::kWrite:
      queue_.erase(choice.slot);
      close_if_unwanted(at.bank);
      first_column_ = std::min(first_column_, choice.cycle);
      last_column_ = choice.cycle;
      count_column(at.bank);
      break;
    case DramCommand::kPrecharge:
      not_to_close(at.bank);
      queue_.row_closed(at.bank);
      break;
    case DramCommand::kRefresh:
      break;
  }
}

void DramChannel::count_column(std::int64_t bank) {
  (column_ == DramCommand::kWrite ? counts_.bursts_written : counts_.bursts_read) += 1;
  std::uint8_t& fresh = fresh_[static_cast<std::size_t>(bank)];
  (fresh != 0 ? counts_.row_misses : counts_.row_hits) += 1;
  fresh = 0;
}

// If all of the queue are bursts of one row (in each bank group) that follow one another, and so do
// those that come next: all but the last queue full of them, in one go. Says whether it did.
bool DramChannel::give_rest_of_row(const Choice& choice) {
  if ((queue_.own() & queue_.open()) != queue_.all() || by_burst_ || transfer_ != in_hand_) {
    return false;
  }
  const std::vector<BurstRun>& runs = expected_.front().runs;
  const WaitingBurst oldest = queue_[queue_.oldest(queue_.all())];
  const std::int64_t front = oldest.burst;
  const std::int64_t waiting = queue_.size();
  if (run_ == runs.size() || next_ != front + waiting || waiting < preset_.bank_groups ||
      queue_[choice.slot].burst != front) {
    return false;
  }
  const std::int64_t end = std::min(runs[run_].end, (front / stripe_ + 1) * stripe_);
  const DramAddress begin = oldest.at;
  const std::int64_t twist = addresses_.twist_of(begin.row) & (preset_.bank_groups - 1);
  const std::int64_t cycle = choice.cycle;
  if (end <= next_ || !device_.in_step(column_, begin.bank, twist, cycle, step_)) {
    return false;
  }
  const std::int64_t before_refresh = (refresh_due_ - cycle + step_ - 1) / step_;
  const std::int64_t count = std::min(end - next_, before_refresh);
  device_.issue_row(column_, begin.bank, twist, cycle, step_, count);
  for (std::int64_t i = 0; i < (observer_ ? count : 0); ++i) {
    tell(column_, addresses_.address_of(front + i), cycle + i * step_);
  }
  for (std::int64_t i = 0; i < std::min(count, preset_.bank_groups); ++i) {
    count_column(addresses_.address_of(front + i).bank);
  }
  const auto others =
      static_cast<std::uint64_t>(std::max<std::int64_t>(count - preset_.bank_groups, 0));
  (column_ == DramCommand::kWrite ? counts_.bursts_written : counts_.bursts_read) += others;
  counts_.row_hits += others;
  first_column_ = std::min(first_column_, cycle);
  last_column_ = cycle + (count - 1) * step_;
  now_ = last_column_ + 1;
  go_on(runs, count);
  queue_.clear();
  for (std::int64_t burst = front + count; burst < front + count + waiting; ++burst) {
    const DramAddress at = addresses_.address_of(burst);
    queue_.push({at, burst, in_hand_}, at.row);
  }
  return true;
}

void DramChannel::refresh() {
  std::int64_t cycle = std::max(now_, refresh_due_);
  if (device_.any_open()) {
    cycle = std::max(cycle, device_.earliest_precharge_all());
    device_.precharge_all(cycle);
    tell(DramCommand::kPrecharge, {kAllBanks, 0}, cycle);
  }
  cycle = std::max(cycle, device_.earliest(DramCommand::kRefresh, 0));
  device_.issue(DramCommand::kRefresh, {}, cycle);
  tell(DramCommand::kRefresh, {kAllBanks, 0}, cycle);
  now_ = cycle + 1;
  refresh_due_ += preset_.cycles.t_refi;
  counts_.refreshes += 1;
  std::ranges::fill(fresh_, 0);
  queue_.all_rows_closed();
  to_close_ = 0;
  soonest_close_ = kNever;
}

// Makes up the refreshes of a channel that has had nothing to do. But for the first, they find all
// banks closed, and the last is all that matters afterwards.
void DramChannel::refresh_until(std::int64_t cycle) {
  while (refresh_due_ <= cycle) {
    refresh();
    const std::int64_t more = (cycle - refresh_due_) / preset_.cycles.t_refi;
    if (refresh_due_ <= cycle && more > 0) {
      refresh_due_ += more * preset_.cycles.t_refi;
      counts_.refreshes += static_cast<std::uint64_t>(more);
    }
  }
}

}  // namespace potomac::sim
