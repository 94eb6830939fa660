#include "sim/memory/dram_controllers.hpp"

#include <algorithm>
#include <array>
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
    : preset_(*architecture.memory->dram->device),
      array_khz_(std::llround(architecture.clock_mhz * 1e3)),
      operands_(operands),
      bits_(bits) {
  preset_.channels = channels_of(*architecture.memory->dram);
  channels_.assign(static_cast<std::size_t>(preset_.channels), DramChannel(preset_));
  struct Placed {
    workloads::Tensor tensor;
    std::int64_t bits;
    std::int64_t* base;
  };
  const TensorExtents& tensors = operands.front().tensors();
  std::array<Placed, 2> placed = {{
      {tensors.kinds.first, tensors.first * bits.first, &first_base_},
      {tensors.kinds.second, tensors.second * bits.second, &second_base_},
  }};
  std::ranges::sort(placed, {}, &Placed::tensor);
  const std::int64_t stripe = preset_.bursts_per_row() * preset_.bank_groups * preset_.channels;
  std::int64_t base = 0;
  for (const Placed& one : placed) {
    *one.base = base;
    base += ceil_div(ceil_div(one.bits, preset_.burst_bits()), stripe) * stripe;
  }
  results_base_ = base;
}

void DramControllers::find_bursts(DramBlock block, const TilePlace& place) {
  GemmOperands::Part& part = operands_[place.entry].part_of(place.copy);
  const std::int64_t copy = place.copy - part.first_copy;
  const Range& m = place.block[Index::kM];
  const Range& n = place.block[Index::kN];
  const Range& k = place.block[Index::kK];
  elements_.clear();
  std::int64_t base = 0;
  std::int64_t width = 0;
  switch (block) {
    case DramBlock::kFirst:
      part.first_runs.append(m.begin, m.end, k.begin, k.end, copy * part.first_step, elements_);
      base = first_base_;
      width = bits_.first;
      break;
    case DramBlock::kSecond:
      part.second_runs.append(n.begin, n.end, k.begin, k.end, copy * part.second_step, elements_);
      base = second_base_;
      width = bits_.second;
      break;
    case DramBlock::kResults:
      part.result_runs.append(m.begin, m.end, n.begin, n.end, copy * part.result_step, elements_);
      base = results_base_;
      width = bits_.result;
      break;
  }
  bursts_.clear();
  for (const workloads::ElementRun& run : elements_) {
    const std::int64_t begin = base + run.begin * width / preset_.burst_bits();
    const std::int64_t end = base + ceil_div(run.end * width, preset_.burst_bits());
    if (!bursts_.empty() && bursts_.back().end >= begin) {
      bursts_.back().end = std::max(bursts_.back().end, end);
    } else {
      bursts_.push_back({begin, end});
    }
  }
}

std::int64_t DramControllers::transfer(const DramRequest& request, std::int64_t cycle) {
  find_bursts(request.block, request.place);
  const std::int64_t asked = next_edge(cycle, array_khz_, preset_.clock_khz);
  std::int64_t end = asked;
  for (std::int64_t channel = 0; channel < preset_.channels; ++channel) {
    of_channel_.clear();
    for (const BurstRun& run : bursts_) {
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
