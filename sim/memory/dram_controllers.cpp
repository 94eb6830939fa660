#include "sim/memory/dram_controllers.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <optional>

namespace potomac::sim {
namespace {

__extension__ using Int128 = __int128;

// The first edge of a clock of `to` kHz that is not before edge `cycle` of one of `from` kHz.
std::int64_t next_edge(std::int64_t cycle, std::int64_t from, std::int64_t to) {
  return static_cast<std::int64_t>((Int128{cycle} * to + from - 1) / from);
}

}  // namespace

DramControllers::DramControllers(const Architecture& architecture, const Schedule& schedule,
                                 std::span<GemmOperands> operands, const ElementBits& bits)
    : preset_(preset_of(*architecture.memory->dram)),
      array_khz_(std::llround(architecture.clock_mhz * 1e3)),
      lookahead_(architecture.memory->dram->lookahead),
      addresses_(preset_, architecture.memory->dram->mapping),
      places_(preset_, operands, bits),
      program_(architecture, schedule, operands, bits, transfer_order(architecture)),
      channels_(static_cast<std::size_t>(preset_.channels),
                DramChannel(preset_, architecture.memory->dram->mapping)) {}

void DramControllers::expect_more() {
  for (; !program_.done() && expected_ < lookahead_; program_.next()) {
    const DramRequest request = request_of(program_.now());
    const std::span<const BurstRun> bursts = places_.find(request.block, request.place);
    for (std::int64_t channel = 0; channel < preset_.channels; ++channel) {
      of_channel_.clear();
      for (const BurstRun& run : bursts) {
        const std::optional<BurstRun> own = addresses_.of_channel(run, channel);
        if (!own) {
          continue;
        }
        if (!of_channel_.empty() && of_channel_.back().end == own->begin) {
          of_channel_.back().end = own->end;
        } else {
          of_channel_.push_back(*own);
        }
      }
      channels_[static_cast<std::size_t>(channel)].expect(of_channel_, request.write);
    }
    ++expected_;
  }
}

std::int64_t DramControllers::transfer(std::int64_t cycle) {
  expect_more();
  assert(expected_ > 0);
  --expected_;
  const std::int64_t asked = next_edge(cycle, array_khz_, preset_.clock_khz);
  std::int64_t end = asked;
  for (DramChannel& channel : channels_) {
    end = std::max(end, channel.serve(asked));
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
