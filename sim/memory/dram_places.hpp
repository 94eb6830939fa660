// Where the tensors of a pass lie in a DRAM device, and which bursts a block of them touches.
//
// Tensors lie one behind the other, W, A, G and the results, as far as the pass has them; each
// packed, in the order of its shape, from a row boundary in all channels on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/machine/dram_preset.hpp"
#include "sim/memory/dram_request.hpp"
#include "sim/memory/traffic.hpp"

namespace potomac::sim {

// Bursts [begin, end), numbered from 0 on over all channels, or over those of one.
struct BurstRun {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  friend bool operator==(const BurstRun&, const BurstRun&) = default;
};

class DramPlaces {
 public:
  // `preset` has the channels that are used. `operands` are the pass's, at least one entry, and
  // must outlive it.
  DramPlaces(const DramPreset& preset, std::span<GemmOperands> operands, const ElementBits& bits);

  // The bursts that a block touches, each once, in rising order; runs do not touch one another.
  // Valid till the next call.
  std::span<const BurstRun> find(DramBlock block, const TilePlace& place);

 private:
  std::int64_t burst_bits_;
  std::span<GemmOperands> operands_;
  ElementBits bits_;
  std::int64_t first_base_ = 0;  // bursts
  std::int64_t second_base_ = 0;
  std::int64_t results_base_ = 0;
  std::vector<workloads::ElementRun> elements_;
  std::vector<BurstRun> bursts_;
};

}  // namespace potomac::sim
