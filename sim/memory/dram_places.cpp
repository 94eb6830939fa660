#include "sim/memory/dram_places.hpp"

#include <algorithm>
#include <array>

namespace potomac::sim {

DramPlaces::DramPlaces(const DramPreset& preset, std::span<GemmOperands> operands,
                       const ElementBits& bits)
    : burst_bits_(preset.burst_bits()), operands_(operands), bits_(bits) {
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
  const std::int64_t stripe = preset.bursts_per_row() * preset.bank_groups * preset.channels;
  std::int64_t base = 0;
  for (const Placed& one : placed) {
    *one.base = base;
    base += ceil_div(ceil_div(one.bits, burst_bits_), stripe) * stripe;
  }
  results_base_ = base;
}

std::span<const BurstRun> DramPlaces::find(DramBlock block, const TilePlace& place) {
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
    const std::int64_t begin = base + run.begin * width / burst_bits_;
    const std::int64_t end = base + ceil_div(run.end * width, burst_bits_);
    if (!bursts_.empty() && bursts_.back().end >= begin) {
      bursts_.back().end = std::max(bursts_.back().end, end);
    } else {
      bursts_.push_back({begin, end});
    }
  }
  return bursts_;
}

}  // namespace potomac::sim
