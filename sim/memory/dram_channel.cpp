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
      others_(static_cast<std::size_t>(preset.banks())) {}

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
  queue_.take_in_hand(in_hand_);
  for (enqueue(); queue_.own() != 0; enqueue()) {
    const Choice choice = choose();
    if (choice.cycle >= refresh_due_) {
      refresh();
    } else if (!give_rest_of_row(choice)) {
      give(choice);
    }
  }
  const std::int64_t latency = expected_.front().write ? preset_.cycles.cwl : preset_.cycles.cl;
  spare_.push_back(std::move(expected_.front().runs));
  expected_.pop_front();
  ++in_hand_;
  if (transfer_ < in_hand_) {
    transfer_ = in_hand_;
    run_ = 0;
    next_ = 0;
  }
  return last_column_ + latency + preset_.burst_cycles();
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
  const bool is_open = device_.open_row(at.bank) == at.row;
  queue_.push({at, burst, transfer}, is_open);
  if (!is_open) {
    add_other_of(at.bank);
  } else if (has_other(at.bank) && queue_[waits_in(at.bank)].transfer == transfer) {
    remove_other_of(at.bank);  // it was to be closed
  }
}

// The oldest burst of a bank that waits for another row than is open. Precondition: there is one.
int DramChannel::waits_in(std::int64_t bank) const {
  return queue_.oldest(queue_.of_bank(bank) & ~queue_.open());
}

// Whether a burst of the transfer, or of one before, waits for the row that is open in the bank.
bool DramChannel::is_wanted(std::int64_t bank, std::int64_t transfer) const {
  const DramQueue::Set hits = queue_.of_bank(bank) & queue_.open();
  return hits != 0 && queue_[queue_.oldest(hits)].transfer <= transfer;
}

// What a bank has to do before the oldest burst that waits for another row than is open, if the one
// that is is not wanted.
void DramChannel::add_other_of(std::int64_t bank) {
  if (has_other(bank) || (queue_.of_bank(bank) & ~queue_.open()) == 0 ||
      is_wanted(bank, queue_[waits_in(bank)].transfer)) {
    return;
  }
  const DramCommand command = device_.open_row(bank) == DramDevice::kClosed
                                  ? DramCommand::kActivate
                                  : DramCommand::kPrecharge;
  const std::int64_t cycle = device_.earliest(command, bank);
  others_[static_cast<std::size_t>(bank)] = {command, cycle};
  other_banks_ |= std::uint64_t{1} << bank;
  soonest_other_ = std::min(soonest_other_, cycle);
}

void DramChannel::remove_other_of(std::int64_t bank) {
  other_banks_ &= ~(std::uint64_t{1} << bank);
  find_soonest_other();
}

void DramChannel::find_soonest_other() {
  soonest_other_ = std::numeric_limits<std::int64_t>::max();
  for (std::uint64_t rest = other_banks_; rest != 0; rest &= rest - 1) {
    soonest_other_ =
        std::min(soonest_other_, others_[static_cast<std::size_t>(std::countr_zero(rest))].cycle);
  }
}

// Anew, as an activate holds back those of other banks.
void DramChannel::find_cycles_of_others() {
  for (std::uint64_t rest = other_banks_; rest != 0; rest &= rest - 1) {
    const int bank = std::countr_zero(rest);
    Other& other = others_[static_cast<std::size_t>(bank)];
    other.cycle = device_.earliest(other.command, bank);
  }
  find_soonest_other();
}

// The command that may be given first; of several in one cycle, by kind, then by age.
DramChannel::Choice DramChannel::choose() const {
  Choice best{column_, 0, std::numeric_limits<std::int64_t>::max()};
  const std::int64_t soonest = std::max(now_, device_.earliest_of_channel(column_));
  for (DramQueue::Set hits = queue_.own() & queue_.open(); hits != 0 && best.cycle > soonest;) {
    const int slot = queue_.oldest(hits);
    const std::int64_t bank = queue_[slot].at.bank;
    hits &= ~queue_.of_bank(bank);  // the others of the bank are later
    const std::int64_t cycle = std::max(now_, device_.earliest(column_, bank));
    if (cycle < best.cycle) {
      best = {column_, slot, cycle};
    }
  }
  if (best.cycle == now_ || best.cycle < soonest_other_) {
    return best;
  }
  for (std::uint64_t rest = other_banks_; rest != 0; rest &= rest - 1) {
    const int bank = std::countr_zero(rest);
    const Other& other = others_[static_cast<std::size_t>(bank)];
    const std::int64_t cycle = std::max(now_, other.cycle);
    if (cycle > best.cycle) {
      continue;
    }
    const int slot = waits_in(bank);
    if (cycle < best.cycle ||
        (best.command == other.command
             ? queue_.is_older(slot, best.slot)
             : best.command == DramCommand::kPrecharge)) {  // reads and writes, then activates
      best = {other.command, slot, cycle};
    }
  }
  return best;
}

void DramChannel::give(const Choice& choice) {
  const DramAddress at = queue_[choice.slot].at;
  const auto bank = static_cast<std::size_t>(at.bank);
  device_.issue(choice.command, at, choice.cycle);
  tell(choice.command, at, choice.cycle);
  now_ = choice.cycle + 1;
  switch (choice.command) {
    case DramCommand::kActivate:
      counts_.activates += 1;
      fresh_[bank] = 1;
      queue_.row_opened(at);
      other_banks_ &= ~(std::uint64_t{1} << at.bank);
      find_cycles_of_others();
      break;
    case DramCommand::kRead:
    case DramCommand::kWrite:
      queue_.erase(choice.slot);
      add_other_of(at.bank);
      last_column_ = choice.cycle;
      count_column(at.bank);
      break;
    case DramCommand::kPrecharge:
      queue_.row_closed(at.bank);  // later transfers' bursts may wait for it
      others_[bank] = {DramCommand::kActivate, device_.earliest(DramCommand::kActivate, at.bank)};
      find_soonest_other();
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
  const DramAddress at = oldest.at;
  const std::int64_t twist = addresses_.twist_of(at.row) & (preset_.bank_groups - 1);
  const std::int64_t cycle = choice.cycle;
  if (end <= next_ || !device_.in_step(column_, at.bank, twist, cycle, step_)) {
    return false;
  }
  const std::int64_t before_refresh = (refresh_due_ - cycle + step_ - 1) / step_;
  const std::int64_t count = std::min(end - next_, before_refresh);
  device_.issue_row(column_, at.bank, twist, cycle, step_, count);
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
  last_column_ = cycle + (count - 1) * step_;
  now_ = last_column_ + 1;
  go_on(runs, count);
  queue_.clear();
  for (std::int64_t burst = front + count; burst < front + count + waiting; ++burst) {
    queue_.push({addresses_.address_of(burst), burst, in_hand_}, true);
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
  other_banks_ = 0;
  soonest_other_ = std::numeric_limits<std::int64_t>::max();
  for (std::int64_t bank = 0; bank < preset_.banks(); ++bank) {
    add_other_of(bank);
  }
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
