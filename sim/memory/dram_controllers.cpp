#include "sim/memory/dram_controllers.hpp"

#include <algorithm>
#include <cmath>

namespace potomac::sim {
namespace {

__extension__ using Int128 = __int128;

// The first edge of a clock of `to` kHz that is not before edge `cycle` of one of `from` kHz.
std::int64_t next_edge(std::int64_t cycle, std::int64_t from, std::int64_t to) {
  return static_cast<std::int64_t>((Int128{cycle} * to + from - 1) / from);
}

}  // namespace

DramControllers::DramControllers(const Architecture& architecture, const Schedule& /*schedule*/,
                                 std::span<GemmOperands> operands, const ElementBits& bits)
    : preset_(preset_of(*architecture.memory->dram)),
      array_khz_(std::llround(architecture.clock_mhz * 1e3)),
      places_(preset_, operands, bits),
      channels_(static_cast<std::size_t>(preset_.channels), DramChannel(preset_)) {}

std::int64_t DramControllers::transfer(const DramRequest& request, std::int64_t cycle) {
  const std::span<const BurstRun> bursts = places_.find(request.block, request.place);
  const std::int64_t asked = next_edge(cycle, array_khz_, preset_.clock_khz);
  std::int64_t end = asked;
  for (std::int64_t channel = 0; channel < preset_.channels; ++channel) {
    of_channel_.clear();
    for (const BurstRun& run : bursts) {
      // Burst number b is the channel's if b % channels == channel, and b / channels there.
      const BurstRun own{ceil_div(run.begin - channel, preset_.channels),
                         ceil_div(run.end - channel, preset_.channels)};
      if (own.begin == own.end) {
        continue;
      }
      if (!of_channel_.empty() && of_channel_.back().end == own.begin) {
        of_channel_.back().end = own.end;
      } else {
        of_channel_.push_back(own);
      }
    }
    end = std::max(
        end, channels_[static_cast<std::size_t>(channel)].serve(of_channel_, request.write, asked));
  }
  return next_edge(end, preset_.clock_khz, array_khz_);
}

DramCounts DramControllers::counts() const {
  DramCounts sum;
  for (const DramChannel& channel : channels_) {
    sum += channel.counts();
  }
  return sum;
}

}  // namespace potomac::sim
