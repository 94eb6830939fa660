#include "sim/memory/dram_device.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <stdexcept>

namespace potomac::sim {
namespace {

std::size_t index_of(DramCommand command) {
  return static_cast<std::size_t>(command);
}

std::string_view name_of(DramCommand command) {
  constexpr std::array<std::string_view, kDramCommands> kNames = {"activate", "precharge", "read",
                                                                  "write", "refresh"};
  return kNames.at(index_of(command));
}

}  // namespace

std::vector<DramRule> dram_rules(const DramPreset& preset) {
  using enum DramCommand;
  using enum DramScope;
  const DramTiming& t = preset.cycles;
  const std::int64_t burst = preset.burst_cycles();
  return {
      {"tRP", kPrecharge, kActivate, kBank, t.t_rp},
      {"tRC", kActivate, kActivate, kBank, t.t_rc},
      {"tRRD_L", kActivate, kActivate, kGroup, t.t_rrd_l},
      {"tRRD_S", kActivate, kActivate, kChannel, t.t_rrd_s},
      {"tFAW", kActivate, kActivate, kChannel, t.t_faw, 4},
      {"tRFC", kRefresh, kActivate, kChannel, t.t_rfc},

      {"tRAS", kActivate, kPrecharge, kBank, t.t_ras},
      {"tRTP", kRead, kPrecharge, kBank, t.t_rtp},
      {"tWR", kWrite, kPrecharge, kBank, t.cwl + burst + t.t_wr},

      {"tRCD", kActivate, kRead, kBank, t.t_rcd},
      {"tCCD_L", kRead, kRead, kGroup, t.t_ccd_l},
      {"tCCD_S", kRead, kRead, kChannel, t.t_ccd_s},
      {"tWTR_L", kWrite, kRead, kGroup, t.cwl + burst + t.t_wtr_l},
      {"tWTR_S", kWrite, kRead, kChannel, t.cwl + burst + t.t_wtr_s},

      {"tRCD", kActivate, kWrite, kBank, t.t_rcd},
      {"tCCD_L", kWrite, kWrite, kGroup, t.t_ccd_l},
      {"tCCD_S", kWrite, kWrite, kChannel, t.t_ccd_s},
      {"turnaround", kRead, kWrite, kChannel, t.cl + burst + t.turnaround - t.cwl},

      {"tRP", kPrecharge, kRefresh, kChannel, t.t_rp},
      {"tRC", kActivate, kRefresh, kChannel, t.t_rc},
      {"tRFC", kRefresh, kRefresh, kChannel, t.t_rfc},
  };
}

DramDevice::DramDevice(const DramPreset& preset) : groups_(preset.bank_groups) {
  for (const DramRule& rule : dram_rules(preset)) {
    rules_.at(index_of(rule.later)).push_back(rule);
  }
  Last never{};
  never.fill(kNever);
  channel_last_ = never;
  activates_.fill(kNever);
  group_last_.assign(static_cast<std::size_t>(preset.bank_groups), never);
  banks_.assign(static_cast<std::size_t>(preset.banks()), Bank{kClosed, never});
}

std::int64_t DramDevice::last_of(const DramRule& rule, std::int64_t bank) const {
  if (rule.back > 1) {
    return activates_.at(oldest_);
  }
  const std::size_t earlier = index_of(rule.earlier);
  switch (rule.scope) {
    case DramScope::kBank:
      return banks_[static_cast<std::size_t>(bank)].last[earlier];
    case DramScope::kGroup:
      return group_last_[static_cast<std::size_t>(bank % groups_)][earlier];
    case DramScope::kChannel:
      break;
  }
  return channel_last_[earlier];
}

std::int64_t DramDevice::earliest(DramCommand command, std::int64_t bank) const {
  std::int64_t cycle = bus_ + 1;
  for (const DramRule& rule : rules_[index_of(command)]) {
    cycle = std::max(cycle, last_of(rule, bank) + rule.cycles);
  }
  return cycle;
}

std::int64_t DramDevice::earliest_precharge_all() const {
  std::int64_t cycle = bus_ + 1;
  for (std::size_t bank = 0; bank < banks_.size(); ++bank) {
    if (banks_[bank].row != kClosed) {
      cycle = std::max(cycle, earliest(DramCommand::kPrecharge, static_cast<std::int64_t>(bank)));
    }
  }
  return cycle;
}

void DramDevice::require(DramCommand command, std::int64_t bank, std::int64_t cycle) const {
  if (cycle >= earliest(command, bank)) {
    return;
  }
  for (const DramRule& rule : rules_[index_of(command)]) {
    const std::int64_t last = last_of(rule, bank);
    if (cycle < last + rule.cycles) {
      throw std::logic_error(fmt::format(
          "DRAM: {} of bank {} in cycle {} breaks {}: {} cycles behind the {} in {}",
          name_of(command), bank, cycle, rule.name, rule.cycles, name_of(rule.earlier), last));
    }
  }
  throw std::logic_error(fmt::format("DRAM: {} of bank {} in cycle {}: the command bus is taken",
                                     name_of(command), bank, cycle));
}

void DramDevice::note(DramCommand command, std::int64_t bank, std::int64_t cycle) {
  const std::size_t index = index_of(command);
  banks_[static_cast<std::size_t>(bank)].last[index] = cycle;
  group_last_[static_cast<std::size_t>(bank % groups_)][index] = cycle;
  channel_last_[index] = cycle;
  bus_ = cycle;
}

void DramDevice::issue(DramCommand command, DramAddress at, std::int64_t cycle) {
  require(command, at.bank, cycle);
  Bank& bank = banks_[static_cast<std::size_t>(at.bank)];
  switch (command) {
    case DramCommand::kActivate:
      assert(bank.row == kClosed);
      bank.row = at.row;
      ++open_;
      activates_.at(oldest_) = cycle;
      oldest_ = (oldest_ + 1) % activates_.size();
      break;
    case DramCommand::kPrecharge:
      assert(bank.row != kClosed);
      bank.row = kClosed;
      --open_;
      break;
    case DramCommand::kRead:
    case DramCommand::kWrite:
      assert(bank.row == at.row);
      break;
    case DramCommand::kRefresh:
      assert(open_ == 0);
      break;
  }
  note(command, at.bank, cycle);
}

void DramDevice::precharge_all(std::int64_t cycle) {
  for (std::size_t i = 0; i < banks_.size(); ++i) {
    if (banks_[i].row != kClosed) {
      require(DramCommand::kPrecharge, static_cast<std::int64_t>(i), cycle);
    }
  }
  for (std::size_t i = 0; i < banks_.size(); ++i) {
    if (banks_[i].row != kClosed) {
      banks_[i].row = kClosed;
      note(DramCommand::kPrecharge, static_cast<std::int64_t>(i), cycle);
    }
  }
  open_ = 0;
}

bool DramDevice::in_step(DramCommand command, std::int64_t bank, std::int64_t cycle,
                         std::int64_t step) const {
  // Every later command behaves like the first `groups_` of them: those that come before it are
  // whole rounds away.
  const std::int64_t first = bank - bank % groups_;
  for (std::int64_t i = 0; i < groups_; ++i) {
    const std::int64_t at = first + (bank + i) % groups_;
    for (const DramRule& rule : rules_[index_of(command)]) {
      const bool of_channel = rule.scope == DramScope::kChannel;
      if (last_of(rule, at) + rule.cycles > (of_channel ? cycle : cycle + i * step)) {
        return false;
      }
      const bool repeats = rule.earlier == command && rule.scope == DramScope::kGroup;
      if (repeats && rule.cycles > groups_ * step) {
        return false;
      }
    }
  }
  return true;
}

void DramDevice::issue_row(DramCommand command, std::int64_t bank, std::int64_t first,
                           std::int64_t step, std::int64_t count) {
  const std::int64_t of_group = bank - bank % groups_;
  for (std::int64_t i = std::max<std::int64_t>(count - groups_, 0); i < count; ++i) {
    note(command, of_group + (bank + i) % groups_, first + i * step);
  }
}

}  // namespace potomac::sim
