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
      lookahead_(static_cast<std::size_t>(architecture.memory->dram->lookahead)),
      addresses_(preset_, architecture.memory->dram->mapping),
      places_(preset_, operands, bits),
      program_(architecture, schedule, operands, bits, transfer_order(architecture)),
      channels_(static_cast<std::size_t>(preset_.channels),
                DramChannel(preset_, architecture.memory->dram->mapping)),
      of_channels_(channels_.size()) {}

void DramControllers::expect_more() {
  for (; !program_.done() && expected_.size() < lookahead_; program_.next()) {
    const DramRequest request = request_of(program_.now());
    std::vector<std::size_t>& asked = expected_.emplace_back();
    for (const BurstRun& run : places_.find(request.block, request.place)) {
      split(run);
    }
    for (std::size_t channel = 0; channel < channels_.size(); ++channel) {
      std::vector<BurstRun>& own = of_channels_[channel];
      if (!own.empty()) {
        channels_[channel].expect(own, request.write);
        asked.push_back(channel);
        own.clear();
      }
    }
  }
}

// Adds a run to those of its channels.
void DramControllers::split(const BurstRun& run) {
  const auto add = [&](std::int64_t channel, const BurstRun& part) {
    const std::optional<BurstRun> own = addresses_.of_channel(part, channel);
    std::vector<BurstRun>& all = of_channels_[static_cast<std::size_t>(channel)];
    if (own && !all.empty() && all.back().end == own->begin) {
      all.back().end = own->end;
    } else if (own) {
      all.push_back(*own);
    }
  };
  if (run.end - run.begin < preset_.channels) {  // a burst has but one channel
    for (std::int64_t burst = run.begin; burst < run.end; ++burst) {
      add(addresses_.channel_of(burst), {burst, burst + 1});
    }
    return;
  }
  for (std::int64_t channel = 0; channel < preset_.channels; ++channel) {
    add(channel, run);
  }
}

std::int64_t DramControllers::transfer(std::int64_t cycle) {
  expect_more();
  assert(!expected_.empty());
  const std::int64_t asked = next_edge(cycle, array_khz_, preset_.clock_khz);
  std::int64_t end = asked;
  for (const std::size_t channel : expected_.front()) {
    const std::int64_t served = channels_[channel].serve(asked);
    end = std::max(end, served);
    if (observer_ != nullptr) {
      const double cycles =
          static_cast<double>(array_khz_) / static_cast<double>(preset_.clock_khz);
      const DramChannel::Data data = channels_[channel].data();
      observer_->passed(channel, data.write, cycles * static_cast<double>(data.begin),
                        cycles * static_cast<double>(served));
    }
  }
  expected_.pop_front();
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
