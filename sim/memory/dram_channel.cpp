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
  for (enqueue(runs); !queue_.empty(); enqueue(runs)) {
    const Choice choice = choose();
    if (choice.cycle >= refresh_due_) {
      refresh();
    } else if (!give_rest_of_row(choice, runs)) {
      give(choice);
    }
  }
  return last_column_ + (write ? preset_.cycles.cwl : preset_.cycles.cl) + preset_.burst_cycles();
}

// Whether a choice is given before another one, of two for the same cycle.
bool DramChannel::is_before(const Choice& choice, const Choice& than) {
  const auto rank = [](DramCommand command) {
    return command == DramCommand::kPrecharge ? 2 : command == DramCommand::kActivate ? 1 : 0;
  };
  return std::pair(rank(choice.command), choice.waiting.burst) <
         std::pair(rank(than.command), than.waiting.burst);
}

void DramChannel::enqueue(std::span<const BurstRun> runs) {
  while (run_ < runs.size() && queue_.size() < static_cast<std::size_t>(preset_.queue)) {
    const DramAddress at = address_of(next_);
    queue_.push_back({at, next_});
    if (device_.open_row(at.bank) == at.row) {
      ++waiting_hits_[static_cast<std::size_t>(at.bank)];
      ++hits_;
      if ((other_banks_ >> at.bank & 1U) != 0) {
        remove_other_of(at.bank);  // it was to be closed
      }
    } else {
      add_other(queue_.back());
    }
    ++next_;
    if (next_ == runs[run_].end && ++run_ < runs.size()) {
      next_ = runs[run_].begin;
    }
  }
}

// What a bank has to do before a burst that waits for another row than is open, if no burst waits
// for the one that is.
void DramChannel::add_other(const Waiting& waiting) {
  const DramAddress at = waiting.at;
  const std::uint64_t bit = std::uint64_t{1} << at.bank;
  if ((other_banks_ & bit) == 0 && waiting_hits_[static_cast<std::size_t>(at.bank)] == 0) {
    const DramCommand command = device_.open_row(at.bank) == DramDevice::kClosed
                                    ? DramCommand::kActivate
                                    : DramCommand::kPrecharge;
    other_banks_ |= bit;
    others_.push_back({command, waiting, device_.earliest(command, at.bank)});
    find_soonest_other();
  }
}

// The bank has served the last burst that waited for its row.
void DramChannel::add_other_of(std::int64_t bank) {
  for (const Waiting& waiting : queue_) {
    if (waiting.at.bank == bank) {
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
  std::int64_t hits = hits_;
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
          ++hits_;
        }
      }
      update_others(choice);
      break;
    case DramCommand::kRead:
    case DramCommand::kWrite:
      queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(choice.position));
      --hits_;
      if (--waiting_hits_[bank] == 0) {
        add_other_of(at.bank);
      }
      last_column_ = choice.cycle;
      count_column(at.bank);
      break;
    case DramCommand::kPrecharge:
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
bool DramChannel::give_rest_of_row(const Choice& choice, std::span<const BurstRun> runs) {
  const std::int64_t front = queue_.front().burst;
  const auto waiting = static_cast<std::int64_t>(queue_.size());
  if (by_burst_ || hits_ != waiting || choice.position != 0 || run_ == runs.size() ||
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
