// All channels of a DRAM behind one DMA: when the bursts of a pass's blocks have passed.
//
// A transfer asks each channel for the bursts that its block touches, in rising order; a write of a
// part of a burst is masked and takes as long as a whole one. It is over when the last channel is.
// A channel begins with a transfer when it has given the last command of the one before. The order
// of the transfers is known: each channel expects `lookahead` of them, with the one in hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "sim/memory/dram_channel.hpp"
#include "sim/memory/dram_mapping.hpp"
#include "sim/memory/dram_places.hpp"
#include "sim/memory/memory_observer.hpp"
#include "sim/memory/transfers.hpp"

namespace potomac::sim {

class DramControllers {
 public:
  // Precondition: the architecture's DRAM is a device. All that it is given must outlive it.
  DramControllers(const Architecture& architecture, const Schedule& schedule,
                  std::span<GemmOperands> operands, const ElementBits& bits);

  // The next of the pass's transfers is asked for at the array's edge `cycle`. Returns the first
  // edge at which all of it is there, or has been taken.
  std::int64_t transfer(std::int64_t cycle);

  // Tells which channels data pass, and when. `observer` must outlive it.
  void observe(MemoryObserver& observer) { observer_ = &observer; }

  DramCounts counts() const;

 private:
  void expect_more();
  void split(const BurstRun& run);

  DramPreset preset_;  // with the channels that are used
  std::int64_t array_khz_;
  std::size_t lookahead_;
  DramAddresses addresses_;
  DramPlaces places_;
  TransferProgram program_;                        // of what is not yet expected
  std::deque<std::vector<std::size_t>> expected_;  // transfers: the channels that they ask
  std::vector<DramChannel> channels_;
  MemoryObserver* observer_ = nullptr;
  std::vector<std::vector<BurstRun>> of_channels_;  // of the transfer that is split
};

}  // namespace potomac::sim
