// The controller against one that is written cycle by cycle, with the timing rules written anew
// over a log of all commands.
#include "sim/memory/dram_channel.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <ostream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

namespace potomac::sim {
namespace {

using enum DramCommand;

struct Given {
  DramCommand command;
  DramAddress at;
  std::int64_t cycle;

  friend bool operator==(const Given&, const Given&) = default;
};
std::ostream& operator<<(std::ostream& out, const Given& given) {
  return out << static_cast<int>(given.command) << " bank " << given.at.bank << " row "
             << given.at.row << " in " << given.cycle;
}

struct Asked {
  std::vector<BurstRun> runs;
  bool write = false;
  std::int64_t cycle = 0;
};

// A controller that looks, in each cycle, for the first thing in the order of dram_channel.hpp that
// may be done.
class ByCycle {
 public:
  ByCycle(const DramPreset& preset, DramMapping mapping)
      : p_(preset),
        is_xor_(mapping == DramMapping::kXor),
        rows_(static_cast<std::size_t>(preset.banks()), -1),
        due_(preset.cycles.t_refi) {}

  // The first of some transfers, of which the others come behind it.
  std::int64_t serve(std::span<const Asked> transfers) {
    const Asked& transfer = transfers.front();
    while (due_ <= transfer.cycle) {
      refresh();
    }
    now_ = std::max(now_, transfer.cycle);
    std::vector<Burst> bursts = bursts_of(transfer, 0);
    std::vector<Burst> behind;
    for (std::size_t i = 1; i < transfers.size(); ++i) {
      std::ranges::copy(bursts_of(transfers[i], i), std::back_inserter(behind));
    }
    std::int64_t last = 0;
    while (!bursts.empty()) {
      if (now_ >= due_) {
        refresh();
        continue;
      }
      std::vector<Burst> waiting = bursts;
      std::ranges::copy(behind, std::back_inserter(waiting));
      waiting.resize(std::min(waiting.size(), static_cast<std::size_t>(p_.queue)));
      const std::optional<std::size_t> served =
          one_cycle(waiting, std::min(waiting.size(), bursts.size()), transfer.write);
      if (served) {
        bursts.erase(bursts.begin() + static_cast<std::ptrdiff_t>(*served));
        last = now_;
      }
      ++now_;
    }
    return last + (transfer.write ? p_.cycles.cwl : p_.cycles.cl) + p_.burst_length / 2;
  }

  std::vector<Given> log;

 private:
  std::int64_t& row(std::int64_t bank) { return rows_[static_cast<std::size_t>(bank)]; }

  struct Burst {
    std::int64_t number;
    std::size_t transfer;  // 0: the one in hand
  };
  static std::vector<Burst> bursts_of(const Asked& transfer, std::size_t number) {
    std::vector<Burst> bursts;
    for (const BurstRun& run : transfer.runs) {
      for (std::int64_t burst = run.begin; burst < run.end; ++burst) {
        bursts.push_back({burst, number});
      }
    }
    return bursts;
  }

  DramAddress address(std::int64_t burst) const {
    const std::int64_t columns = p_.row_bytes * 8 / (p_.bus_bits * p_.burst_length);
    const std::int64_t group = burst % p_.bank_groups;
    burst = burst / p_.bank_groups / columns;
    const std::int64_t row = burst / p_.banks_per_group;
    std::int64_t bank = burst % p_.banks_per_group * p_.bank_groups + group;
    for (std::int64_t rest = row; is_xor_ && rest > 0 && p_.banks() > 1; rest /= p_.banks()) {
      bank ^= rest % p_.banks();
    }
    return {bank, row};
  }

  // The burst that had its data moved.
  std::optional<std::size_t> one_cycle(std::span<const Burst> waiting, std::size_t in_hand,
                                       bool write) {
    const DramCommand column = write ? kWrite : kRead;
    for (std::size_t i = 0; i < in_hand; ++i) {
      const DramAddress at = address(waiting[i].number);
      if (row(at.bank) == at.row && may(column, at.bank)) {
        log.push_back({column, at, now_});
        return i;
      }
    }
    for (const Burst& burst : waiting) {
      const DramAddress at = address(burst.number);
      if (row(at.bank) == -1 && may(kActivate, at.bank)) {
        log.push_back({kActivate, at, now_});
        row(at.bank) = at.row;
        return std::nullopt;
      }
    }
    for (const Burst& burst : waiting) {
      const DramAddress at = address(burst.number);
      const bool wanted = std::ranges::any_of(waiting, [&](const Burst& other) {
        return other.transfer <= burst.transfer &&
               address(other.number) == DramAddress{at.bank, row(at.bank)};
      });
      if (row(at.bank) != -1 && row(at.bank) != at.row && !wanted && may(kPrecharge, at.bank)) {
        log.push_back({kPrecharge, at, now_});
        row(at.bank) = -1;
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  void refresh() {
    now_ = std::max(now_, due_);
    if (std::ranges::any_of(rows_, [](std::int64_t one) { return one != -1; })) {
      const auto all_may = [&] {
        for (std::int64_t bank = 0; bank < p_.banks(); ++bank) {
          if (row(bank) != -1 && !may(kPrecharge, bank)) {
            return false;
          }
        }
        return true;
      };
      while (!all_may()) {
        ++now_;
      }
      log.push_back({kPrecharge, {-1, 0}, now_});
      std::ranges::fill(rows_, -1);
    }
    while (!may(kRefresh, 0)) {
      ++now_;
    }
    log.push_back({kRefresh, {-1, 0}, now_});
    ++now_;
    due_ += p_.cycles.t_refi;
  }

  // Whether the command breaks no rule against any command before.
  bool may(DramCommand command, std::int64_t bank) const {
    int activates = 0;
    for (std::size_t back = 1; back <= log.size(); ++back) {
      const Given& given = log[log.size() - back];
      const std::int64_t gap = now_ - given.cycle;
      if (gap > 2000) {
        break;
      }
      activates += given.command == kActivate ? 1 : 0;
      if (gap < least_gap(given, command, bank) ||
          (command == kActivate && given.command == kActivate && activates == 4 &&
           gap < p_.cycles.t_faw)) {
        return false;
      }
    }
    return true;
  }

  // Between two commands for one bank, for two of one group, for two groups.
  struct Gap {
    DramCommand earlier, later;
    std::int64_t bank, group, other;
  };
  std::vector<Gap> gaps() const {
    const DramTiming& t = p_.cycles;
    const std::int64_t data = p_.burst_length / 2;
    const std::int64_t written = t.cwl + data;
    const std::int64_t turned = t.cl + data + t.turnaround - t.cwl;
    return {{kActivate, kActivate, std::max(t.t_rc, t.t_rrd_l), t.t_rrd_l, t.t_rrd_s},
            {kActivate, kRefresh, t.t_rc, t.t_rc, t.t_rc},
            {kActivate, kPrecharge, t.t_ras, 1, 1},
            {kActivate, kRead, t.t_rcd, 1, 1},
            {kActivate, kWrite, t.t_rcd, 1, 1},
            {kPrecharge, kActivate, t.t_rp, 1, 1},
            {kPrecharge, kRefresh, t.t_rp, t.t_rp, t.t_rp},
            {kRead, kPrecharge, t.t_rtp, 1, 1},
            {kRead, kRead, t.t_ccd_l, t.t_ccd_l, t.t_ccd_s},
            {kRead, kWrite, turned, turned, turned},
            {kWrite, kPrecharge, written + t.t_wr, 1, 1},
            {kWrite, kWrite, t.t_ccd_l, t.t_ccd_l, t.t_ccd_s},
            {kWrite, kRead, written + t.t_wtr_l, written + t.t_wtr_l, written + t.t_wtr_s},
            {kRefresh, kActivate, t.t_rfc, t.t_rfc, t.t_rfc},
            {kRefresh, kRefresh, t.t_rfc, t.t_rfc, t.t_rfc}};
  }

  std::int64_t least_gap(const Given& before, DramCommand command, std::int64_t bank) const {
    for (const Gap& gap : gaps_) {
      if (gap.earlier == before.command && gap.later == command) {
        const std::int64_t groups = p_.bank_groups;
        const bool same_bank = before.at.bank == -1 || before.at.bank == bank;
        return same_bank                                  ? gap.bank
               : before.at.bank % groups == bank % groups ? gap.group
                                                          : gap.other;
      }
    }
    return 1;
  }

  DramPreset p_;
  bool is_xor_;
  std::vector<std::int64_t> rows_;
  std::int64_t due_;
  std::int64_t now_ = 0;
  std::vector<Gap> gaps_ = gaps();
};

DramPreset drawn_preset() {
  const auto name = *rc::gen::element<std::string>("ddr4-2400", "lpddr4-3200", "hbm2");
  DramPreset preset = load_dram_preset(name);
  if (*rc::gen::arbitrary<bool>()) {
    preset.queue = *rc::gen::inRange<std::int64_t>(1, 9);
  }
  if (*rc::gen::arbitrary<bool>()) {  // so that rows end often
    preset.row_bytes = preset.burst_bits() / 8 * (std::int64_t{1} << *rc::gen::inRange(0, 4));
  }
  if (*rc::gen::arbitrary<bool>()) {  // so that bursts of one row are held back by their group
    preset.cycles.t_ccd_l = preset.cycles.t_ccd_s * preset.bank_groups + 1;
  }
  return preset;
}

std::vector<Asked> drawn_transfers() {
  std::vector<Asked> transfers;
  std::int64_t cycle = 0;
  const int count = *rc::gen::inRange(1, 9);
  const bool is_short = *rc::gen::arbitrary<bool>();
  for (int i = 0; i < count; ++i) {
    Asked& transfer = transfers.emplace_back();
    cycle += *rc::gen::element(*rc::gen::inRange(0, 30), *rc::gen::inRange(0, 400),
                               *rc::gen::inRange(0, 30000));
    transfer.cycle = cycle;
    transfer.write = *rc::gen::arbitrary<bool>();
    std::int64_t at = *rc::gen::inRange(0, 5000);
    const int runs = is_short ? 1 : *rc::gen::inRange(1, 8);
    for (int run = 0; run < runs; ++run) {
      const std::int64_t length =
          is_short ? *rc::gen::element(1, 2, 3) : *rc::gen::element(1, 2, 3, 17, 150, 700);
      transfer.runs.push_back({at, at + length});
      at += length + *rc::gen::element(1, 5, 128, 512, 2048);
    }
  }
  return transfers;
}

// Where the channel differs from the one that goes cycle by cycle; empty if nowhere.
std::string difference(const DramPreset& preset, DramMapping mapping, std::size_t lookahead,
                       const std::vector<Asked>& transfers) {
  DramChannel channel(preset, mapping);
  std::vector<Given> given;
  channel.observe([&](DramCommand command, DramAddress at, std::int64_t cycle) {
    given.push_back({command, at, cycle});
  });
  DramChannel one_by_one(preset, mapping);
  one_by_one.burst_by_burst();
  ByCycle by_cycle(preset, mapping);
  std::size_t expected = 0;
  bool same = true;
  for (std::size_t i = 0; i < transfers.size(); ++i) {
    const std::span<const Asked> seen =
        std::span(transfers).subspan(i, std::min(lookahead, transfers.size() - i));
    for (; expected < i + seen.size(); ++expected) {
      channel.expect(transfers[expected].runs, transfers[expected].write);
      one_by_one.expect(transfers[expected].runs, transfers[expected].write);
    }
    const std::int64_t end = channel.serve(transfers[i].cycle);
    same = same && by_cycle.serve(seen) == end && one_by_one.serve(transfers[i].cycle) == end;
  }
  // Refreshes of a channel that has nothing to do are not given one by one.
  const auto refreshes = std::ranges::count(by_cycle.log, kRefresh, &Given::command);
  const auto without_refreshes = [](std::vector<Given> all) {
    std::erase_if(all, [](const Given& one) { return one.command == kRefresh; });
    return all;
  };
  const std::vector<Given> own = without_refreshes(given);
  const std::vector<Given> right = without_refreshes(by_cycle.log);
  const auto [one, other] = std::ranges::mismatch(own, right);
  if (one != own.end() && other != right.end()) {
    std::ostringstream text;
    text << *one << " instead of " << *other;
    return text.str();
  }
  if (own.size() != right.size()) {
    return "more or less commands";
  }
  return same && one_by_one.counts() == channel.counts() &&
                 channel.counts().refreshes == static_cast<std::uint64_t>(refreshes)
             ? ""
             : "other times or counts";
}

RC_GTEST_PROP(DramChannel, GivesTheCommandsOfOneThatGoesCycleByCycle, ()) {
  const DramPreset preset = drawn_preset();
  const auto mapping = *rc::gen::element(DramMapping::kXor, DramMapping::kPlain);
  const auto lookahead = *rc::gen::inRange<std::size_t>(1, 6);
  RC_ASSERT(difference(preset, mapping, lookahead, drawn_transfers()) == "");
}

// The first burst waits while many behind it find their row open, which it would close.
TEST(DramChannel, ServesTheOldestLastIfItsBankIsWanted) {
  DramPreset preset = load_dram_preset("ddr4-2400");
  for (preset.queue = 1; preset.queue <= kMostDramQueue; preset.queue *= 2) {
    for (const std::int64_t behind : {1, 20, 70, 130, 500}) {
      const std::vector<Asked> transfers = {
          {.runs = {{2048, 2049}}, .write = false, .cycle = 0},
          {.runs = {{0, 1}, {2048, 2048 + behind}, {4096, 4200}}, .write = false, .cycle = 100},
          {.runs = {{0, 9}}, .write = true, .cycle = 100}};
      EXPECT_EQ(difference(preset, DramMapping::kPlain, 3, transfers), "")
          << preset.queue << ", " << behind;
    }
  }
}

std::int64_t serve(DramChannel& channel, const std::vector<BurstRun>& runs, bool write,
                   std::int64_t cycle) {
  channel.expect(runs, write);
  return channel.serve(cycle);
}

TEST(DramChannel, ReadsALongRunAtTheFullRateBetweenRefreshes) {
  for (const char* name : {"ddr4-2400", "lpddr4-3200", "hbm2"}) {
    const DramPreset preset = load_dram_preset(name);
    DramChannel channel(preset, DramMapping::kXor);
    constexpr std::int64_t kBursts = 1000000;
    const std::vector<BurstRun> runs = {{0, kBursts}};
    const std::int64_t cycles = serve(channel, runs, false, 0);
    const auto bus = static_cast<double>(kBursts * preset.burst_cycles());
    const double rest = 1.0 - static_cast<double>(preset.cycles.t_rfc + preset.cycles.t_rp + 30) /
                                  static_cast<double>(preset.cycles.t_refi);
    EXPECT_GT(bus / static_cast<double>(cycles), rest - 0.03) << name;
    EXPECT_LT(bus / static_cast<double>(cycles), 1.0) << name;
    const DramCounts& counts = channel.counts();
    EXPECT_EQ(counts.row_hits + counts.row_misses, static_cast<std::uint64_t>(kBursts));
    EXPECT_GE(counts.row_misses, static_cast<std::uint64_t>(kBursts / preset.bursts_per_row()));
    EXPECT_GE(counts.activates, counts.row_misses);
  }
}

// An example by hand: DDR4-2400, one burst of a closed row, then one of another row of the same
// bank.
TEST(DramChannel, ByHand) {
  const DramPreset preset = load_dram_preset("ddr4-2400");
  DramChannel channel(preset, DramMapping::kPlain);
  const std::vector<BurstRun> first = {{0, 1}};
  // Activate in 100, read in 116, data from 132 to 136.
  EXPECT_EQ(serve(channel, first, false, 100), 136);
  // 4 groups * 128 bursts a row * 4 banks: the next row of bank 0. Precharge not before 139 (tRAS),
  // activate in 155, read in 171.
  const std::vector<BurstRun> second = {{2048, 2049}};
  EXPECT_EQ(serve(channel, second, false, 120), 171 + 16 + 4);
  EXPECT_EQ(serve(channel, second, false, 200), 200 + 16 + 4);  // its row is open
  EXPECT_EQ(channel.counts().row_hits, 1U);
  EXPECT_EQ(channel.counts().row_misses, 2U);
}

}  // namespace
}  // namespace potomac::sim
