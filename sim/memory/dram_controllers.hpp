// All channels of a DRAM behind one DMA: when the bursts of a pass's blocks have passed.
//
// Bursts go round the channels. A transfer asks each channel for the bursts that its block touches, in rising order; a
// write of a part of a burst is masked and takes as long as a whole one. It is over when the last
// channel is. A channel begins with a transfer when it has given the last command of the one
// before.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/memory/dram_channel.hpp"
#include "sim/memory/dram_places.hpp"
#include "sim/memory/dram_request.hpp"

namespace potomac::sim {

class DramControllers {
 public:
  // Precondition: the architecture's DRAM is a device. All that it is given must outlive it.
  DramControllers(const Architecture& architecture, const Schedule& schedule,
                  std::span<GemmOperands> operands, const ElementBits& bits);

  // The next of the pass's transfers, asked for at the array's edge `cycle`. Returns the first edge
  // at which all of it is there, or has been taken.
  std::int64_t transfer(const DramRequest& request, std::int64_t cycle);

  DramCounts counts() const;

 private:
  DramPreset preset_;  // with the channels that are used
  std::int64_t array_khz_;
  DramPlaces places_;
  std::vector<DramChannel> channels_;
  std::vector<BurstRun> of_channel_;  // of the transfer in hand
};

}  // namespace potomac::sim
