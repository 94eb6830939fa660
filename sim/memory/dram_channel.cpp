#include "sim/memory/dram_channel.hpp"

#include <algorithm>
#include <bit>
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

DramChannel::DramChannel(const DramPreset& preset)
    : preset_(preset),
      device_(preset),
      stripe_(preset.bursts_per_row() * preset.bank_groups),
      stripe_bits_(std::countr_zero(static_cast<std::uint64_t>(stripe_))),
      bank_bits_(std::countr_zero(static_cast<std::uint64_t>(preset.banks_per_group))),
      step_(preset.bank_groups == 1 ? preset.cycles.t_ccd_l : preset.cycles.t_ccd_s),
      refresh_due_(preset.cycles.t_refi),
      waiting_hits_(static_cast<std::size_t>(preset.banks()), 0),
      fresh_(static_cast<std::size_t>(preset.banks()), 0) {
  queue_.reserve(static_cast<std::size_t>(preset.queue));
}

DramAddress DramChannel::address_of(std::int64_t burst) const {
  const std::int64_t group = burst & (preset_.bank_groups - 1);
  const std::int64_t in_groups = burst >> stripe_bits_;
  const std::int64_t bank = in_groups & (preset_.banks_per_group - 1);
  return {bank * preset_.bank_groups + group, in_groups >> bank_bits_};
}

std::int64_t DramChannel::serve(std::span<const BurstRun> runs, bool write, std::int64_t cycle) {
  if (runs.empty()) {
    return cycle;
  }
  refresh_until(cycle);
  now_ = std::max(now_, cycle);
  column_ = write ? DramCommand::kWrite : DramCommand::kRead;
  run_ = 0;
  next_ = runs.front().begin;
  for (fill(runs); !queue_.empty(); fill(runs)) {
    const Choice choice = choose();
    if (choice.cycle >= refresh_due_) {
      refresh();
    } else if (!give_rest_of_row(choice, runs)) {
      give(choice);
    }
  }
  return last_column_ + (write ? preset_.cycles.cwl : preset_.cycles.cl) + preset_.burst_cycles();
}

void DramChannel::fill(std::span<const BurstRun> runs) {
  while (run_ < runs.size() && queue_.size() < static_cast<std::size_t>(preset_.queue)) {
    const DramAddress at = address_of(next_);
    queue_.push_back({at, next_});
    if (device_.open_row(at.bank) == at.row) {
      ++waiting_hits_[static_cast<std::size_t>(at.bank)];
      ++hits_;
    } else if ((other_banks_ >> at.bank & 1U) == 0) {
      others_known_ = false;
    }
    ++next_;
    if (next_ == runs[run_].end && ++run_ < runs.size()) {
      next_ = runs[run_].begin;
    }
  }
}

// What the banks whose rows nobody waits for have to do first, each for its oldest burst.
void DramChannel::find_others() {
  others_.clear();
  other_banks_ = 0;
  for (const Waiting& waiting : queue_) {
    const DramAddress at = waiting.at;
    const std::uint64_t bit = std::uint64_t{1} << at.bank;
    const std::int64_t open = device_.open_row(at.bank);
    if ((other_banks_ & bit) != 0 || open == at.row ||
        waiting_hits_[static_cast<std::size_t>(at.bank)] > 0) {
      continue;
    }
    other_banks_ |= bit;
    const DramCommand command =
        open == DramDevice::kClosed ? DramCommand::kActivate : DramCommand::kPrecharge;
    others_.push_back({command, 0, at, device_.earliest(command, at.bank)});
  }
  others_known_ = true;
}

// The command that may be given first; of several in one cycle, by kind, then by age.
DramChannel::Choice DramChannel::choose() {
  Choice best{column_, 0, {}, std::numeric_limits<std::int64_t>::max()};
  const std::int64_t soonest = std::max(now_, device_.earliest_of_channel(column_));
  std::uint64_t looked_at = 0;  // banks
  for (std::size_t i = 0; i < queue_.size() && hits_ > 0 && best.cycle > soonest; ++i) {
    const DramAddress at = queue_[i].at;
    const std::uint64_t bit = std::uint64_t{1} << at.bank;
    if ((looked_at & bit) == 0 && device_.open_row(at.bank) == at.row) {
      looked_at |= bit;
      const std::int64_t cycle = std::max(now_, device_.earliest(column_, at.bank));
      if (cycle < best.cycle) {
        best = {column_, i, at, cycle};
      }
    }
  }
  if (best.cycle == now_ || hits_ == static_cast<std::int64_t>(queue_.size())) {
    return best;
  }
  if (!others_known_) {
    find_others();
  }
  for (const Choice& other : others_) {
    const std::int64_t cycle = std::max(now_, other.cycle);
    if (cycle < best.cycle || (cycle == best.cycle && other.command == DramCommand::kActivate &&
                               best.command == DramCommand::kPrecharge)) {
      best = other;
      best.cycle = cycle;
    }
  }
  return best;
}

void DramChannel::give(const Choice& choice) {
  const auto bank = static_cast<std::size_t>(choice.at.bank);
  device_.issue(choice.command, choice.at, choice.cycle);
  tell(choice.command, choice.at, choice.cycle);
  now_ = choice.cycle + 1;
  switch (choice.command) {
    case DramCommand::kActivate:
      counts_.activates += 1;
      others_known_ = false;
      fresh_[bank] = true;
      for (const Waiting& other : queue_) {
        if (other.at == choice.at) {
          ++waiting_hits_[bank];
          ++hits_;
        }
      }
      break;
    case DramCommand::kRead:
    case DramCommand::kWrite:
      queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(choice.waiting));
      --hits_;
      if (--waiting_hits_[bank] == 0) {
        others_known_ = false;
      }
      last_column_ = choice.cycle;
      count_column(choice.at.bank);
      break;
    case DramCommand::kPrecharge:
      others_known_ = false;
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
bool DramChannel::give_rest_of_row(const Choice& choice, std::span<const BurstRun> runs) {
  const std::int64_t front = queue_.front().burst;
  const auto waiting = static_cast<std::int64_t>(queue_.size());
  if (by_burst_ || hits_ != waiting || choice.waiting != 0 || run_ == runs.size() ||
      next_ != front + waiting || waiting < preset_.bank_groups) {
    return false;
  }
  const std::int64_t end = std::min(runs[run_].end, (front / stripe_ + 1) * stripe_);
  const DramAddress at = queue_.front().at;
  const std::int64_t cycle = choice.cycle;
  if (end <= next_ || !device_.in_step(column_, at.bank, cycle, step_)) {
    return false;
  }
  const std::int64_t before_refresh = (refresh_due_ - cycle + step_ - 1) / step_;
  const std::int64_t count = std::min(end - next_, before_refresh);
  device_.issue_row(column_, at.bank, cycle, step_, count);
  for (std::int64_t i = 0; i < (observer_ ? count : 0); ++i) {
    tell(column_, address_of(front + i), cycle + i * step_);
  }
  for (std::int64_t i = 0; i < std::min(count, preset_.bank_groups); ++i) {
    count_column(address_of(front + i).bank);
  }
  const auto others =
      static_cast<std::uint64_t>(std::max<std::int64_t>(count - preset_.bank_groups, 0));
  (column_ == DramCommand::kWrite ? counts_.bursts_written : counts_.bursts_read) += others;
  counts_.row_hits += others;
  last_column_ = cycle + (count - 1) * step_;
  now_ = last_column_ + 1;
  next_ += count;
  if (next_ == runs[run_].end && ++run_ < runs.size()) {
    next_ = runs[run_].begin;
  }
  std::ranges::fill(waiting_hits_, 0);
  for (Waiting& one : queue_) {
    one.burst += count;
    one.at = address_of(one.burst);
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
  hits_ = 0;
  others_known_ = false;
}

// Of a channel that has had nothing to do. But for the first, they find all banks closed, and the
// last is all that matters afterwards.
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
