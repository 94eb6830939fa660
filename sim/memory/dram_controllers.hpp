// All channels of a DRAM behind one DMA: where the blocks of a pass lie, and when their bursts have
// passed.
//
// Tensors lie one behind the other, W, A, G and the results, as far as the pass has them; each
// packed, in the order of its shape, from a row boundary in all channels on. Bursts go round the
// channels. A transfer asks each channel for the bursts that its block touches, in rising order; a
// write of a part of a burst is masked and takes as long as a whole one. It is over when the last
// channel is. A channel begins with a transfer when it has given the last command of the one
// before.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/memory/dram_channel.hpp"
#include "sim/memory/dram_request.hpp"
#include "sim/memory/traffic.hpp"

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
  void find_bursts(DramBlock block, const TilePlace& place);

  DramPreset preset_;
  std::int64_t array_khz_;
  std::span<GemmOperands> operands_;
  ElementBits bits_;
  std::int64_t first_base_ = 0;  // bursts
  std::int64_t second_base_ = 0;
  std::int64_t results_base_ = 0;
  std::vector<DramChannel> channels_;
  // The transfer in hand.
  std::vector<workloads::ElementRun> elements_;
  std::vector<BurstRun> bursts_;
  std::vector<BurstRun> of_channel_;
};

}  // namespace potomac::sim
