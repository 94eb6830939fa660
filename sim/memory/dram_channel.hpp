// The controller of one channel of DRAM: FR-FCFS, open page.
//
// It serves one transfer after the other, all reads or all writes. Of the bursts of a transfer it
// sees as many as its queue holds, in the order of their addresses. In each cycle of its clock it
// gives one command, the first of these that the device may take:
//
//   read or write, of the oldest burst whose row is open;
//   activate, of the oldest burst whose bank is closed;
//   precharge, of the oldest burst in whose bank another row is open, which no burst waits for.
//
// A row stays open until another one of its bank is asked for, or all are closed for a refresh. One
// is due every tREFI; once it is, nothing else is begun before it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "sim/memory/dram_device.hpp"
#include "sim/memory/dram_places.hpp"

namespace potomac::sim {

struct DramCounts {
  std::uint64_t bursts_read = 0;
  std::uint64_t bursts_written = 0;
  std::uint64_t row_hits = 0;    // bursts whose row another one had been in before
  std::uint64_t row_misses = 0;  // bursts that were the first in a row that was opened for them
  std::uint64_t activates = 0;   // at least as many: a refresh may come between
  std::uint64_t refreshes = 0;

  DramCounts& operator+=(const DramCounts& other);
  friend bool operator==(const DramCounts&, const DramCounts&) = default;
};

class DramChannel {
 public:
  // Called with each command. A precharge of all open banks and a refresh have kAllBanks.
  static constexpr std::int64_t kAllBanks = -1;
  using Observer = std::function<void(DramCommand command, DramAddress at, std::int64_t cycle)>;

  explicit DramChannel(const DramPreset& preset);

  // A transfer that is asked for in `cycle` of DRAM's clock. `runs` rise and do not touch one
  // another. Returns the cycle in which the last of its data have passed the bus.
  std::int64_t serve(std::span<const BurstRun> runs, bool write, std::int64_t cycle);

  const DramCounts& counts() const { return counts_; }

  // Lets tests look on. Bursts of a row are one event where that changes nothing; or each is its
  // own.
  void observe(Observer observer) { observer_ = std::move(observer); }
  void burst_by_burst() { by_burst_ = true; }

 private:
  struct Waiting {
    DramAddress at;
    std::int64_t burst = 0;
  };
  struct Choice {
    DramCommand command = DramCommand::kRead;
    Waiting waiting;  // for whom
    std::int64_t cycle = 0;
    std::size_t position = 0;  // of a read or write: in the queue
  };

  // Bursts lie group after group, then in a row's columns, then in the banks of a group, then in
  // rows: bursts that follow one another need not wait for a bank group.
  DramAddress address_of(std::int64_t burst) const;
  void enqueue(std::span<const BurstRun> runs);
  void add_other(const Waiting& waiting);
  void add_other_of(std::int64_t bank);
  void remove_other_of(std::int64_t bank);
  void find_soonest_other();
  void update_others(const Choice& given);
  static bool is_before(const Choice& choice, const Choice& than);
  Choice choose() const;
  void give(const Choice& choice);
  bool give_rest_of_row(const Choice& choice, std::span<const BurstRun> runs);
  void count_column(std::int64_t bank);
  void refresh();
  void refresh_until(std::int64_t cycle);
  void tell(DramCommand command, DramAddress at, std::int64_t cycle) const {
    if (observer_) {
      observer_(command, at, cycle);
    }
  }

  DramPreset preset_;
  DramDevice device_;
  std::int64_t stripe_;  // bursts of a row in each bank group
  int stripe_bits_;      // powers of two
  int bank_bits_;
  std::int64_t step_;  // between bursts that follow one another
  std::int64_t refresh_due_;
  std::int64_t now_ = 0;  // no command may be given before

  // The transfer in hand.
  DramCommand column_ = DramCommand::kRead;
  std::vector<Waiting> queue_;  // oldest first
  std::size_t run_ = 0;         // whose bursts come next, from `next_` on
  std::int64_t next_ = 0;
  std::int64_t last_column_ = 0;

  std::vector<std::int64_t> waiting_hits_;  // by bank: bursts of the queue for the row that is open
  std::vector<std::uint8_t> fresh_;  // by bank: its row was opened, and no burst was in it yet
  std::int64_t hits_ = 0;            // sum of waiting_hits_
  // Activates and precharges to choose from, one for each of these banks, and from which cycle on
  // they may be given. A read or write does not change that.
  std::vector<Choice> others_;
  std::int64_t soonest_other_ = 0;  // the least of their cycles
  std::uint64_t other_banks_ = 0;
  DramCounts counts_;
  Observer observer_;
  bool by_burst_ = false;
};

}  // namespace potomac::sim
