// Tiles that were found before, for studies that try many memories: what was found for a pass on
// one memory is looked for again on others only as far as it depends on them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "sim/memory/tiler.hpp"
#include "workloads/layers/layer.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

// Of one pass. One thread at a time may use it: whoever has locked `mutex`.
class KnownTilesOfPass {
 public:
  KnownTilesOfPass(const workloads::LayerShape& layer, workloads::Pass pass,
                   const workloads::Lowering& lowering)
      : operands_(operands_of(layer, pass, lowering)) {}

  std::mutex mutex;

  std::vector<GemmOperands>& operands() { return operands_; }
  // As Tiler::best() for the objective of the architecture, of entry number `entry`.
  // Precondition: require_room() passed.
  JudgedBlocking best(std::size_t entry, const Architecture& architecture, const ElementBits& bits);

 private:
  // All that tiles depend on but the scratchpads' sizes: extents, widths, array, times.
  using Key =
      std::tuple<std::size_t, std::array<std::int64_t, 3>, std::array<std::int64_t, 2>, Dataflow,
                 Issue, TileObjective, std::array<bool, 3>, std::array<double, 3>>;
  struct Found {
    TileRoom room;
    JudgedBlocking best;
  };

  std::vector<GemmOperands> operands_;
  std::map<Key, std::vector<Found>> found_;
};

// Of all passes of a workload. Its layers must outlive it.
class KnownTiles {
 public:
  KnownTilesOfPass& of(const workloads::LayerShape& layer, workloads::Pass pass,
                       const workloads::Lowering& lowering);

 private:
  std::mutex mutex_;
  std::map<
      std::tuple<const workloads::LayerShape*, workloads::Pass, workloads::StridedBackwardData>,
      KnownTilesOfPass>
      passes_;
};

}  // namespace potomac::sim
