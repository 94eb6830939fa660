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

DramDevice::DramDevice(const DramPreset& preset)
    : group_mask_(preset.bank_groups - 1),
      banks_(static_cast<std::size_t>(preset.banks())),
      groups_(static_cast<std::size_t>(preset.bank_groups)) {
  for (const DramRule& rule : dram_rules(preset)) {
    before_.at(index_of(rule.later)).push_back(rule);
    behind_.at(index_of(rule.earlier))
        .push_back({rule.scope, static_cast<std::uint8_t>(rule.later), rule.back > 1, rule.cycles});
  }
  activates_.fill(kNever);
}

const DramDevice::Scope& DramDevice::scope_of(DramScope scope, std::int64_t bank) const {
  switch (scope) {
    case DramScope::kBank:
      return banks_[static_cast<std::size_t>(bank)];
    case DramScope::kGroup:
      return groups_[static_cast<std::size_t>(bank & group_mask_)];
    case DramScope::kChannel:
      break;
  }
  return channel_;
}

std::int64_t DramDevice::last_of(const DramRule& rule, std::int64_t bank) const {
  return rule.back > 1 ? activates_.at(oldest_)
                       : scope_of(rule.scope, bank).last[index_of(rule.earlier)];
}

std::int64_t DramDevice::earliest_precharge_all() const {
  std::int64_t cycle = kNever;
  for (std::size_t bank = 0; bank < banks_.size(); ++bank) {
    if (banks_[bank].row != kClosed) {
      cycle = std::max(cycle, earliest(DramCommand::kPrecharge, static_cast<std::int64_t>(bank)));
    }
  }
  return cycle;
}

void DramDevice::fail(DramCommand command, std::int64_t bank, std::int64_t cycle) const {
  for (const DramRule& rule : before_[index_of(command)]) {
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
  if (command == DramCommand::kActivate) {
    activates_[oldest_] = cycle;
    oldest_ = (oldest_ + 1) % activates_.size();
  }
  const std::size_t index = index_of(command);
  Scope& of_bank = banks_[static_cast<std::size_t>(bank)];
  Scope& of_group = groups_[static_cast<std::size_t>(bank & group_mask_)];
  of_bank.last[index] = of_group.last[index] = channel_.last[index] = cycle;
  bus_ = cycle + 1;
  for (const Effect& effect : behind_[index]) {
    Scope& scope = effect.scope == DramScope::kBank    ? of_bank
                   : effect.scope == DramScope::kGroup ? of_group
                                                       : channel_;
    std::int64_t& ready = scope.ready[effect.later];
    ready = std::max(ready, (effect.is_fourth_last ? activates_[oldest_] : cycle) + effect.cycles);
  }
}

void DramDevice::issue(DramCommand command, DramAddress at, std::int64_t cycle) {
  require(command, at.bank, cycle);
  Bank& bank = banks_[static_cast<std::size_t>(at.bank)];
  if (command == DramCommand::kActivate) {
    assert(bank.row == kClosed);
    bank.row = at.row;
    ++open_;
  } else if (command == DramCommand::kPrecharge) {
    assert(bank.row != kClosed);
    bank.row = kClosed;
    --open_;
  } else {
    assert(command == DramCommand::kRefresh ? open_ == 0 : bank.row == at.row);
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

bool DramDevice::in_step(DramCommand command, std::int64_t bank, std::int64_t twist,
                         std::int64_t cycle, std::int64_t step) const {
  // Every later command behaves like the first ones of each group: those that come before it are
  // whole rounds away.
  const std::int64_t groups = group_mask_ + 1;
  for (const DramRule& rule : before_[index_of(command)]) {
    if (rule.earlier == command && rule.scope == DramScope::kGroup && rule.cycles > groups * step) {
      return false;
    }
  }
  const std::size_t index = index_of(command);
  for (std::int64_t i = 0; i < groups; ++i) {
    const std::int64_t at = bank_behind(bank, twist, i);
    if (std::max(banks_[static_cast<std::size_t>(at)].ready[index],
                 groups_[static_cast<std::size_t>(at & group_mask_)].ready[index]) >
        cycle + i * step) {
      return false;
    }
  }
  return earliest_of_channel(command) <= cycle;
}

void DramDevice::issue_row(DramCommand command, std::int64_t bank, std::int64_t twist,
                           std::int64_t first, std::int64_t step, std::int64_t count) {
  for (std::int64_t i = std::max<std::int64_t>(count - group_mask_ - 1, 0); i < count; ++i) {
    note(command, bank_behind(bank, twist, i), first + i * step);
  }
}

}  // namespace potomac::sim
