#include "sim/memory/device_estimate.hpp"

#include <algorithm>

namespace potomac::sim {

DeviceEstimate::DeviceEstimate(const DramPreset& preset, GemmOperands& operands,
                               const ElementBits& bits)
    : preset_(preset), operands_(operands), bits_(bits), places_(preset, {&operands, 1}, bits) {}

BlockBits DeviceEstimate::of_blocks(const ByIndex<std::int64_t>& extents) {
  const auto [first, second, results] = of_all_blocks(extents);
  return {first.all, second.all, results.all};
}

BlockBits DeviceEstimate::bursts_of_blocks(const ByIndex<std::int64_t>& extents) {
  const auto [first, second, results] = of_all_blocks(extents);
  return {first.bursts, second.bursts, results.bursts};
}

std::array<DeviceEstimate::Taken, 3> DeviceEstimate::of_all_blocks(
    const ByIndex<std::int64_t>& extents) {
  const workloads::GemmShape& gemm = operands_.gemm();
  return {
      of_block(DramBlock::kFirst, Index::kM, Index::kK, extents,
               operands_.first_elements(extents) * bits_.first),
      of_block(DramBlock::kSecond, Index::kN, Index::kK, extents,
               operands_.second_elements(extents) * bits_.second),
      of_block(DramBlock::kResults, Index::kM, Index::kN, extents,
               gemm.count * gemm.m * gemm.n * bits_.result),
  };
}

DeviceEstimate::Taken DeviceEstimate::of_block(DramBlock block, Index one, Index other,
                                               const ByIndex<std::int64_t>& extents,
                                               std::int64_t elements_bits) {
  const auto [slot, is_new] = known_.try_emplace({block, extents[one], extents[other]});
  if (!is_new) {
    return slot->second;
  }
  const workloads::GemmShape& gemm = operands_.gemm();
  TilePlace place{.entry = 0, .copy = gemm.count / 2, .block = {}};
  std::int64_t blocks = gemm.count;
  for (const Index index : {Index::kM, Index::kN, Index::kK}) {
    const std::int64_t extent = extents_of(gemm)[index];
    const std::int64_t begin = ceil_div(extent, extents[index]) / 2 * extents[index];
    place.block[index] = {begin, std::min(begin + extents[index], extent)};
    blocks *= index == one || index == other ? ceil_div(extent, extents[index]) : 1;
  }
  const std::int64_t banks = preset_.bank_groups * preset_.channels;  // that a stripe lies in
  const std::int64_t stripe = preset_.bursts_per_row() * banks;
  std::int64_t bursts = 0;
  std::int64_t rows = 0;
  for (const BurstRun& run : places_.find(block, place)) {
    bursts += run.end - run.begin;
    for (std::int64_t begin = run.begin; begin < run.end;) {
      const std::int64_t end = std::min(run.end, (begin / stripe + 1) * stripe);
      rows += std::min(end - begin, banks);
      begin = end;
    }
  }
  // Four rows may be opened in tFAW.
  const std::int64_t to_open = ceil_div(rows * preset_.cycles.t_faw, 4 * preset_.burst_cycles());
  const std::int64_t least = ceil_div(elements_bits, blocks);
  slot->second = {std::max(bursts * preset_.burst_bits(), least),
                  std::max(std::max(bursts, to_open) * preset_.burst_bits(), least)};
  return slot->second;
}

}  // namespace potomac::sim
