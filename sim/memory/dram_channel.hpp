// The controller of one channel of DRAM: FR-FCFS, open page.
//
// It serves one transfer after the other, all reads or all writes. It sees as many bursts as its
// queue holds, in the order of their addresses: of the transfer in hand, and, once it has all of
// these, of those that are expected behind it. While it has one in hand, it gives one command in
// each cycle of its clock, the first of these that the device may take:
//
//   read or write, of the oldest burst of the transfer in hand whose row is open;
//   activate, of the oldest burst whose bank is closed;
//   precharge, of the oldest burst in whose bank another row is open, which no burst of its
//   transfer or one before waits for.
//
// A row stays open until another one of its bank is asked for, or all are closed for a refresh. One
// is due every tREFI; once it is, nothing else is begun before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "sim/memory/dram_device.hpp"
#include "sim/memory/dram_mapping.hpp"
#include "sim/memory/dram_places.hpp"
#include "sim/memory/dram_queue.hpp"

namespace potomac::sim {

struct DramCounts {
  std::uint64_t bursts_read = 0;
  std::uint64_t bursts_written = 0;
  std::uint64_t row_hits = 0;    // bursts whose row another one had been in before
  std::uint64_t row_misses = 0;  // bursts that were the first in a row that was opened for them
  std::uint64_t activates = 0;   // at least as many: a refresh may come between
  std::uint64_t refreshes = 0;

  std::uint64_t bursts() const { return bursts_read + bursts_written; }
  DramCounts& operator+=(const DramCounts& other);
  friend bool operator==(const DramCounts&, const DramCounts&) = default;
};

class DramChannel {
 public:
  // Called with each command. A precharge of all open banks and a refresh have kAllBanks.
  static constexpr std::int64_t kAllBanks = -1;
  using Observer = std::function<void(DramCommand command, DramAddress at, std::int64_t cycle)>;

  DramChannel(const DramPreset& preset, DramMapping mapping);

  // A transfer that will come behind those that are expected. `runs` rise and do not touch one
  // another. Precondition: there is one.
  void expect(std::span<const BurstRun> runs, bool write);
  // The first that is expected is asked for in `cycle` of DRAM's clock. Returns the cycle in which
  // the last of its data have passed the bus. Precondition: there is one.
  std::int64_t serve(std::int64_t cycle);

  const DramCounts& counts() const { return counts_; }
  // Of the transfer that was served last: the cycle in which its first data came to the bus.
  struct Data {
    bool write = false;
    std::int64_t begin = 0;
  };
  Data data() const;

  // Lets tests look on. Bursts of a row are one event where that changes nothing; or each is its
  // own.
  void observe(Observer observer) { observer_ = std::move(observer); }
  void burst_by_burst() { by_burst_ = true; }

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  struct Expected {
    std::vector<BurstRun> runs;
    bool write = false;
  };
  struct Choice {
    DramCommand command = DramCommand::kRead;
    int slot = 0;  // for whose burst
    std::int64_t cycle = 0;
  };

  void enqueue();
  void enqueue(std::int64_t burst, std::int64_t transfer);
  void go_on(const std::vector<BurstRun>& runs, std::int64_t bursts);
  int waits_in(std::int64_t bank) const;
  bool is_wanted(std::int64_t bank, std::int64_t transfer) const;
  bool is_to_close(std::int64_t bank) const { return (to_close_ >> bank & 1) != 0; }
  void close_if_unwanted(std::int64_t bank);
  void not_to_close(std::int64_t bank);
  Choice choose() const;
  void give(const Choice& choice);
  bool give_rest_of_row(const Choice& choice);
  void count_column(std::int64_t bank);
  std::int64_t data_latency() const {
    return column_ == DramCommand::kWrite ? preset_.cycles.cwl : preset_.cycles.cl;
  }
  void refresh();
  void refresh_until(std::int64_t cycle);
  void tell(DramCommand command, DramAddress at, std::int64_t cycle) const {
    if (observer_) {
      observer_(command, at, cycle);
    }
  }

  DramPreset preset_;
  DramDevice device_;
  DramAddresses addresses_;
  std::int64_t stripe_;  // bursts of a row in each bank group
  std::int64_t step_;    // between bursts that follow one another
  std::int64_t refresh_due_;
  std::int64_t now_ = 0;  // no command may be given before

  // The transfer in hand, and those behind it.
  std::deque<Expected> expected_;
  std::vector<std::vector<BurstRun>> spare_;  // room for more
  std::int64_t in_hand_ = 0;                  // the number of the first of them
  DramCommand column_ = DramCommand::kRead;
  std::int64_t first_column_ = 0;
  std::int64_t last_column_ = 0;

  DramQueue queue_;
  // Where it comes from: a transfer, of which a run, from burst `next_` on.
  std::int64_t transfer_ = 0;
  std::size_t run_ = 0;
  std::int64_t next_ = 0;

  std::vector<std::uint8_t> fresh_;  // by bank: its row was opened, and no burst was in it yet
  // Banks, as bits, whose row is to be closed for the oldest burst that waits for another one; from
  // which cycle on, by bank, and the least of these. No read or write comes into them before.
  std::uint64_t to_close_ = 0;
  std::vector<std::int64_t> may_close_;
  std::int64_t soonest_close_ = kNever;
  DramCounts counts_;
  Observer observer_;
  bool by_burst_ = false;
};

}  // namespace potomac::sim
