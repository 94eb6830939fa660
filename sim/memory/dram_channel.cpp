#include "sim/memory/dram_channel.hpp"

#include <algorithm>
#include <limits>
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
      queue_(preset.queue),
      waiting_hits_(static_cast<std::size_t>(preset.banks()), 0),
      fresh_(static_cast<std::size_t>(preset.banks()), 0) {}

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
  take_in_hand();
  for (enqueue(); !queue_.empty() && is_own(queue_.front()); enqueue()) {
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

// Bursts of it may have been seen while those before it were in hand.
void DramChannel::take_in_hand() {
  column_ = expected_.front().write ? DramCommand::kWrite : DramCommand::kRead;
  own_hits_ = 0;
  for (const Waiting& waiting : queue_) {
    own_hits_ += is_own(waiting) && device_.open_row(waiting.at.bank) == waiting.at.row ? 1 : 0;
  }
}

// Whether a choice is given before another one, of two for the same cycle.
bool DramChannel::is_before(const Choice& choice, const Choice& than) {
  const auto rank = [](DramCommand command) {
    return command == DramCommand::kPrecharge ? 2 : command == DramCommand::kActivate ? 1 : 0;
  };
  return std::pair(rank(choice.command), choice.waiting.age) <
         std::pair(rank(than.command), than.waiting.age);
}

void DramChannel::enqueue() {
  const auto behind = [&] { return static_cast<std::size_t>(transfer_ - in_hand_); };
  while (queue_.size() < static_cast<std::size_t>(preset_.queue) && behind() < expected_.size()) {
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
  queue_.push_back({at, burst, transfer, age_++});
  if (device_.open_row(at.bank) == at.row) {
    ++waiting_hits_[static_cast<std::size_t>(at.bank)];
    own_hits_ += is_own(queue_.back()) ? 1 : 0;
    for (const Choice& other : others_) {
      if (other.waiting.at.bank == at.bank && other.waiting.transfer == transfer) {
        remove_other_of(at.bank);  // it was to be closed
        break;
      }
    }
  } else {
    add_other(queue_.back());
  }
}

// Whether a burst of the transfer, or of one before, waits for the row that is open in the bank.
bool DramChannel::is_wanted(std::int64_t bank, std::int64_t transfer) const {
  return waiting_hits_[static_cast<std::size_t>(bank)] > 0 &&
         std::ranges::any_of(queue_, [&](const Waiting& waiting) {
           return waiting.at.bank == bank && waiting.transfer <= transfer &&
                  waiting.at.row == device_.open_row(bank);
         });
}

// What a bank has to do before a burst that waits for another row than is open, if the one that is
// is not wanted.
void DramChannel::add_other(const Waiting& waiting) {
  const DramAddress at = waiting.at;
  const std::uint64_t bit = std::uint64_t{1} << at.bank;
  if ((other_banks_ & bit) == 0 && !is_wanted(at.bank, waiting.transfer)) {
    const DramCommand command = device_.open_row(at.bank) == DramDevice::kClosed
                                    ? DramCommand::kActivate
                                    : DramCommand::kPrecharge;
    other_banks_ |= bit;
    others_.push_back({command, waiting, device_.earliest(command, at.bank)});
    find_soonest_other();
  }
}

// The bank has served a burst that waited for its row, perhaps the last one.
void DramChannel::add_other_of(std::int64_t bank) {
  for (const Waiting& waiting : queue_) {
    if (waiting.at.bank == bank && waiting.at.row != device_.open_row(bank)) {
      add_other(waiting);
      return;
    }
  }
}

void DramChannel::find_soonest_other() {
  soonest_other_ = std::numeric_limits<std::int64_t>::max();
  for (const Choice& other : others_) {
    soonest_other_ = std::min(soonest_other_, other.cycle);
  }
}

void DramChannel::remove_other_of(std::int64_t bank) {
  other_banks_ &= ~(std::uint64_t{1} << bank);
  std::erase_if(others_, [&](const Choice& other) { return other.waiting.at.bank == bank; });
  find_soonest_other();
}

// Looks at the other choices again behind an activate or a precharge, which was one of them.
void DramChannel::update_others(const Choice& given) {
  const std::int64_t bank = given.waiting.at.bank;
  if (given.command == DramCommand::kActivate) {
    remove_other_of(bank);
  }
  for (Choice& other : others_) {
    if (given.command == DramCommand::kActivate) {
      other.cycle = device_.earliest(other.command, other.waiting.at.bank);
    } else if (other.waiting.at.bank == bank) {
      other.command = DramCommand::kActivate;
      other.cycle = device_.earliest(other.command, bank);
    }
  }
  find_soonest_other();
}

// The command that may be given first; of several in one cycle, by kind, then by age: bursts rise.
DramChannel::Choice DramChannel::choose() const {
  Choice best{column_, {}, std::numeric_limits<std::int64_t>::max(), 0};
  const std::int64_t soonest = std::max(now_, device_.earliest_of_channel(column_));
  std::uint64_t looked_at = 0;  // banks
  std::int64_t hits = own_hits_;
  for (std::size_t i = 0; hits > 0 && best.cycle > soonest; ++i) {
    const DramAddress at = queue_[i].at;
    if (device_.open_row(at.bank) != at.row) {
      continue;
    }
    --hits;
    const std::uint64_t bit = std::uint64_t{1} << at.bank;
    if ((looked_at & bit) == 0) {
      looked_at |= bit;
      const std::int64_t cycle = std::max(now_, device_.earliest(column_, at.bank));
      if (cycle < best.cycle) {
        best = {column_, queue_[i], cycle, i};
      }
    }
  }
  if (best.cycle == now_ || best.cycle < soonest_other_) {
    return best;
  }
  for (const Choice& other : others_) {
    const std::int64_t cycle = std::max(now_, other.cycle);
    if (cycle > best.cycle || (cycle == best.cycle && !is_before(other, best))) {
      continue;
    }
    best = other;
    best.cycle = cycle;
  }
  return best;
}

void DramChannel::give(const Choice& choice) {
  const DramAddress at = choice.waiting.at;
  const auto bank = static_cast<std::size_t>(at.bank);
  device_.issue(choice.command, at, choice.cycle);
  tell(choice.command, at, choice.cycle);
  now_ = choice.cycle + 1;
  switch (choice.command) {
    case DramCommand::kActivate:
      counts_.activates += 1;
      fresh_[bank] = 1;
      for (const Waiting& other : queue_) {
        if (other.at == at) {
          ++waiting_hits_[bank];
          own_hits_ += is_own(other) ? 1 : 0;
        }
      }
      update_others(choice);
      break;
    case DramCommand::kRead:
    case DramCommand::kWrite:
      queue_.erase(choice.position);
      --own_hits_;
      if (--waiting_hits_[bank] == 0 || (!queue_.empty() && !is_own(queue_.back()))) {
        add_other_of(at.bank);
      }
      last_column_ = choice.cycle;
      count_column(at.bank);
      break;
    case DramCommand::kPrecharge:
      waiting_hits_[bank] = 0;  // of later transfers
      update_others(choice);
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
  const std::vector<BurstRun>& runs = expected_.front().runs;
  const std::int64_t front = queue_.front().burst;
  const auto waiting = static_cast<std::int64_t>(queue_.size());
  if (by_burst_ || own_hits_ != waiting || choice.position != 0 || transfer_ != in_hand_ ||
      run_ == runs.size() || next_ != front + waiting || waiting < preset_.bank_groups) {
    return false;
  }
  const std::int64_t end = std::min(runs[run_].end, (front / stripe_ + 1) * stripe_);
  const DramAddress at = queue_.front().at;
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
  std::ranges::fill(waiting_hits_, 0);
  for (Waiting& one : queue_) {
    one.burst += count;
    one.at = addresses_.address_of(one.burst);
    ++waiting_hits_[static_cast<std::size_t>(one.at.bank)];
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
  std::ranges::fill(waiting_hits_, 0);
  std::ranges::fill(fresh_, 0);
  own_hits_ = 0;
  others_.clear();
  other_banks_ = 0;
  find_soonest_other();
  for (const Waiting& waiting : queue_) {
    add_other(waiting);
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
