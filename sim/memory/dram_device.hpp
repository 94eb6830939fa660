// One channel of a DRAM device: which rows are open, and when a command may come. Every rule that
// holds two commands apart stands in one list.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/machine/dram_preset.hpp"

namespace potomac::sim {

enum class DramCommand { kActivate, kPrecharge, kRead, kWrite, kRefresh };
inline constexpr std::size_t kDramCommands = 5;

struct DramAddress {
  std::int64_t bank = 0;  // bank_groups * its number in the group + the group
  std::int64_t row = 0;

  friend bool operator==(const DramAddress&, const DramAddress&) = default;
};

// What two commands have in common if a rule keeps them apart.
enum class DramScope { kBank, kGroup, kChannel };
struct DramRule {
  std::string_view name;
  DramCommand earlier;
  DramCommand later;
  DramScope scope;
  std::int64_t cycles;
  int back = 1;  // counted from the last, or the fourth last, of the earlier ones
};
std::vector<DramRule> dram_rules(const DramPreset& preset);

class DramDevice {
 public:
  static constexpr std::int64_t kClosed = -1;

  explicit DramDevice(const DramPreset& preset);

  // The row that is open in a bank, or kClosed.
  std::int64_t open_row(std::int64_t bank) const {
    return banks_[static_cast<std::size_t>(bank)].row;
  }
  bool any_open() const { return open_ > 0; }

  // The first cycle in which the bank, or for a refresh all of the channel, may take the command.
  std::int64_t earliest(DramCommand command, std::int64_t bank) const {
    const auto index = static_cast<std::size_t>(command);
    return std::max({banks_[static_cast<std::size_t>(bank)].ready[index],
                     groups_[static_cast<std::size_t>(bank & group_mask_)].ready[index],
                     channel_.ready[index], bus_});
  }
  // The first cycle in which any bank may, as far as the channel is concerned.
  std::int64_t earliest_of_channel(DramCommand command) const {
    return std::max(channel_.ready[static_cast<std::size_t>(command)], bus_);
  }
  // All open banks together.
  std::int64_t earliest_precharge_all() const;

  // Precondition: the bank's state allows the command (a refresh needs all closed). Throws
  // std::logic_error with the rule that it breaks, if `cycle` is too early.
  void issue(DramCommand command, DramAddress at, std::int64_t cycle);
  void precharge_all(std::int64_t cycle);

  // Issues `count` reads or writes of open rows, in cycles `first`, `first` + `step`, ...: the
  // banks are those from `bank` on, group after group, the groups' numbers XORed with `twist`. The
  // caller knows that they are in time.
  void issue_row(DramCommand command, std::int64_t bank, std::int64_t twist, std::int64_t first,
                 std::int64_t step, std::int64_t count);
  // Whether such reads or writes, `step` cycles apart, may begin in `cycle` without a bank's or a
  // group's rule in the way.
  bool in_step(DramCommand command, std::int64_t bank, std::int64_t twist, std::int64_t cycle,
               std::int64_t step) const;

 private:
  static constexpr std::int64_t kNever = -(std::int64_t{1} << 60);

  using OfCommands = std::array<std::int64_t, kDramCommands>;
  // What a bank, a bank group or the channel remembers: the last commands of each kind, and from
  // which cycle on its rules allow the next ones.
  struct Scope {
    OfCommands last{};
    OfCommands ready{};

    Scope() {
      last.fill(kNever);
      ready.fill(kNever);
    }
  };
  struct Bank : Scope {
    std::int64_t row = kClosed;
  };

  // The bank `further` groups behind one.
  std::int64_t bank_behind(std::int64_t bank, std::int64_t twist, std::int64_t further) const {
    return (bank & ~group_mask_) + ((((bank ^ twist) + further) & group_mask_) ^ twist);
  }
  std::int64_t last_of(const DramRule& rule, std::int64_t bank) const;
  const Scope& scope_of(DramScope scope, std::int64_t bank) const;
  void require(DramCommand command, std::int64_t bank, std::int64_t cycle) const {
    if (cycle < earliest(command, bank)) {
      fail(command, bank, cycle);
    }
  }
  [[noreturn]] void fail(DramCommand command, std::int64_t bank, std::int64_t cycle) const;
  void note(DramCommand command, std::int64_t bank, std::int64_t cycle);

  std::int64_t group_mask_;
  std::array<std::vector<DramRule>, kDramCommands> before_;  // by the later command
  // What a command changes: ready times of a scope.
  struct Effect {
    DramScope scope;
    std::uint8_t later;
    bool is_fourth_last;
    std::int64_t cycles;
  };
  std::array<std::vector<Effect>, kDramCommands> behind_;  // by the earlier one
  std::vector<Bank> banks_;
  std::vector<Scope> groups_;
  Scope channel_;
  std::array<std::int64_t, 4> activates_{};  // the last four, oldest at `oldest_`
  std::size_t oldest_ = 0;
  std::int64_t open_ = 0;      // banks
  std::int64_t bus_ = kNever;  // one command in a cycle: the first that is free
};

}  // namespace potomac::sim
