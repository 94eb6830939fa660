#include "sim/memory/tiler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>

#include "sim/machine/cycles.hpp"
#include "sim/machine/schedule.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

using workloads::GemmShape;
using Extents = ByIndex<std::int64_t>;

constexpr std::int64_t kBitsOfKib = 8192;
constexpr std::array<LoopOrder, 6> kOrders = {{{Index::kM, Index::kN, Index::kK},
                                               {Index::kM, Index::kK, Index::kN},
                                               {Index::kN, Index::kM, Index::kK},
                                               {Index::kN, Index::kK, Index::kM},
                                               {Index::kK, Index::kM, Index::kN},
                                               {Index::kK, Index::kN, Index::kM}}};

std::int64_t bits_of_tile(const ScratchpadConfig& scratchpad) {
  return scratchpad.kib * kBitsOfKib / (scratchpad.double_buffered ? 2 : 1);
}

// The steps in which the array can take an index.
Extents units_of(ArrayShape array, Dataflow dataflow) {
  const ArrayIndices indices = array_indices(dataflow);
  Extents units;
  units[indices.rows] = array.rows;
  units[indices.cols] = array.cols;
  units[indices.streamed] = 1;
  return units;
}

// The smallest block that the array can work off.
Extents smallest(const GemmShape& gemm, ArrayShape array, Dataflow dataflow) {
  const Extents units = units_of(array, dataflow);
  const Extents extents = extents_of(gemm);
  return {std::min(units[Index::kM], extents[Index::kM]),
          std::min(units[Index::kN], extents[Index::kN]),
          std::min(units[Index::kK], extents[Index::kK])};
}

class Search {
 public:
  Search(GemmOperands& operands, const Architecture& architecture, const ElementBits& bits)
      : operands_(operands),
        architecture_(architecture),
        bits_(bits),
        room_(room_of(*architecture.memory, bits)),
        gemm_(extents_of(operands.gemm())),
        units_(units_of(architecture.array, architecture.dataflow)) {}

  Blocking run() {
    if (fits(gemm_, room_)) {
      return uncut(operands_.gemm());  // nothing is moved twice
    }
    try_all();
    return best_;
  }

 private:
  // Calls body(extent) for the extents of an index up to `most`, the largest first, until it says
  // false: multiples of the index's unit, and the GEMM's own extent. Without `every`, of those that
  // make equally many blocks the smallest.
  template <typename Body>
  void for_each_choice(Index index, std::int64_t most, bool every, const Body& body) const {
    const std::int64_t extent = gemm_[index];
    const std::int64_t unit = units_[index];
    if (most >= extent) {
      if (!body(extent)) {
        return;
      }
      most = extent - 1;
    }
    const std::int64_t steps = ceil_div(extent, unit);
    for (std::int64_t taken = most / unit; taken > 0; --taken) {
      if (!every) {
        taken = ceil_div(steps, ceil_div(steps, taken));
      }
      if (!body(taken * unit)) {
        return;
      }
    }
  }

  // The largest extent of an index beside the two others; 0 if there is none.
  std::int64_t largest(Index index, Extents extents) const {
    std::int64_t most = gemm_[index];
    const auto limit = [&](std::int64_t elements, Index one, Index other) {
      if (one == index || other == index) {
        most = std::min(most, elements / extents[one == index ? other : one]);
      }
    };
    limit(room_.first, Index::kM, Index::kK);
    limit(room_.second, Index::kN, Index::kK);
    limit(room_.results, Index::kM, Index::kN);
    return most == gemm_[index] ? most : most / units_[index] * units_[index];
  }

  // The same number of blocks, as equal as can be.
  std::int64_t balanced(Index index, std::int64_t extent) const {
    const std::int64_t steps = ceil_div(gemm_[index], units_[index]);
    const std::int64_t blocks = ceil_div(gemm_[index], extent);
    return std::min(ceil_div(steps, blocks) * units_[index], gemm_[index]);
  }

  void try_all() {
    const bool first = operands_.first_overlaps();
    const bool second = operands_.second_overlaps();
    if (keeps_sums(architecture_.dataflow)) {
      // Whole folds, whose depth is not cut, and blocks of one fold.
      try_with(Index::kK, gemm_[Index::kK], second ? Index::kN : Index::kM, first || second,
               second ? Index::kM : Index::kN);
      try_one_fold(first || second);
    } else if (first || second) {
      try_pairs(Index::kK, first ? Index::kM : Index::kN, true, first ? Index::kN : Index::kM);
    } else {
      // The index with the most blocks is the one that need not be tried.
      std::array<Index, 3> by_steps = {Index::kM, Index::kN, Index::kK};
      std::ranges::sort(by_steps, {},
                        [&](Index index) { return ceil_div(gemm_[index], units_[index]); });
      try_pairs(by_steps[1], by_steps[0], false, by_steps[2]);
    }
  }

  void try_pairs(Index outer, Index inner, bool every, Index third) {
    for_each_choice(outer, gemm_[outer], every, [&](std::int64_t extent) {
      try_with(outer, extent, inner, every, third);
      return true;
    });
  }

  // All extents of `inner` beside one of `outer`; `third` as large as fits.
  void try_with(Index outer, std::int64_t outer_extent, Index inner, bool every, Index third) {
    Extents extents = smallest(operands_.gemm(), architecture_.array, architecture_.dataflow);
    extents[outer] = outer_extent;
    for_each_choice(inner, largest(inner, extents), every, [&](std::int64_t extent) {
      extents[inner] = extent;
      Extents bound = extents;
      bound[third] = gemm_[third];
      if (at_least(bound) > least_) {
        return false;  // and more blocks cost no less
      }
      const std::int64_t third_extent = largest(third, extents);
      if (third_extent > 0) {
        Extents found = extents;
        found[third] = balanced(third, third_extent);
        try_one(found);
      }
      return true;
    });
  }

  // os: blocks of one fold, whose depth may be cut.
  void try_one_fold(bool every) {
    Extents extents = smallest(operands_.gemm(), architecture_.array, architecture_.dataflow);
    const std::int64_t most = largest(Index::kK, extents);
    if (!every) {
      extents[Index::kK] = balanced(Index::kK, most);
      try_one(extents);
      return;
    }
    for_each_choice(Index::kK, most, true, [&](std::int64_t depth) {
      extents[Index::kK] = depth;
      try_one(extents);
      return true;
    });
  }

  void try_one(const Extents& extents) {
    if (!fits(extents, room_) || best_of_orders(extents, uncut_first_, uncut_second_) > least_ ||
        best_of_orders(extents, operands_.first_at_least(extents),
                       operands_.second_at_least(extents)) > least_) {
      return;
    }
    measure(extents);
  }

  // What any of the orders moves at least, whether the array can work it off or not.
  std::int64_t at_least(const Extents& extents) const {
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (const LoopOrder& order : kOrders) {
      least = std::min(least, traffic({extents, order}, uncut_first_, uncut_second_));
    }
    return least;
  }

  // The least traffic over the orders, with so many elements of the operands.
  std::int64_t best_of_orders(const Extents& extents, std::int64_t first,
                              std::int64_t second) const {
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (const LoopOrder& order : kOrders) {
      const Blocking blocking{extents, order};
      if (is_workable(blocking)) {
        least = std::min(least, traffic(blocking, first, second));
      }
    }
    return least;
  }

  bool is_workable(const Blocking& blocking) const {
    return sim::is_workable(operands_.gemm(), blocking, architecture_.array,
                            architecture_.dataflow);
  }

  std::int64_t traffic(const Blocking& blocking, std::int64_t first, std::int64_t second) const {
    const GemmShape& gemm = operands_.gemm();
    const Visits visits = visits_of(gemm, blocking);
    return visits.first * first * bits_.first + visits.second * second * bits_.second +
           (2 * visits.results - 1) * gemm.count * gemm.m * gemm.n * bits_.result;
  }

  void measure(const Extents& extents) {
    const std::int64_t first = operands_.first_elements(extents);
    const std::int64_t second = operands_.second_elements(extents);
    const std::int64_t tiles = ceil_div(gemm_[Index::kM], extents[Index::kM]) *
                               ceil_div(gemm_[Index::kN], extents[Index::kN]) *
                               ceil_div(gemm_[Index::kK], extents[Index::kK]);
    for (std::size_t i = 0; i < kOrders.size(); ++i) {
      const Blocking blocking{extents, kOrders.at(i)};
      if (!is_workable(blocking)) {
        continue;
      }
      const std::int64_t found = traffic(blocking, first, second);
      if (found > least_) {
        continue;
      }
      const std::tuple rank(found, cycles(blocking), tiles, i);
      if (rank < rank_) {
        rank_ = rank;
        least_ = found;
        best_ = blocking;
      }
    }
  }

  std::uint64_t cycles(const Blocking& blocking) const {
    return cycles_of({{operands_.gemm()}, architecture_.array, architecture_.dataflow, {blocking}},
                     architecture_.issue)
        .total();
  }

  GemmOperands& operands_;
  const Architecture& architecture_;
  ElementBits bits_;
  TileRoom room_;
  Extents gemm_;
  Extents units_;
  std::int64_t uncut_first_ = operands_.first_elements(gemm_);
  std::int64_t uncut_second_ = operands_.second_elements(gemm_);
  Blocking best_;
  std::int64_t least_ = std::numeric_limits<std::int64_t>::max();
  std::tuple<std::int64_t, std::uint64_t, std::int64_t, std::size_t> rank_{
      least_, std::numeric_limits<std::uint64_t>::max(), least_, kOrders.size()};
};

}  // namespace

TileRoom room_of(const MemoryConfig& memory, const ElementBits& bits) {
  return {bits_of_tile(memory.first) / bits.first, bits_of_tile(memory.second) / bits.second,
          bits_of_tile(memory.results) / bits.result};
}

bool fits(const Extents& extents, const TileRoom& room) {
  return extents[Index::kM] * extents[Index::kK] <= room.first &&
         extents[Index::kN] * extents[Index::kK] <= room.second &&
         extents[Index::kM] * extents[Index::kN] <= room.results;
}

SmallestTile smallest_tile(const Architecture& architecture, const GemmShape& gemm,
                           const ElementBits& bits) {
  const Extents block = smallest(gemm, architecture.array, architecture.dataflow);
  return {block[Index::kM] * block[Index::kK] * bits.first,
          block[Index::kN] * block[Index::kK] * bits.second,
          block[Index::kM] * block[Index::kN] * bits.result};
}

void require_room(const Architecture& architecture, const GemmShape& gemm, const ElementBits& bits,
                  const std::string& machine, const std::string& layer) {
  const MemoryConfig& memory = *architecture.memory;
  const SmallestTile tile = smallest_tile(architecture, gemm, bits);
  const auto require = [&](const char* name, const ScratchpadConfig& scratchpad,
                           std::int64_t needed, std::int64_t element) {
    const std::string place = fmt::format("layer {}, memory.{}", layer, name);
    if (scratchpad.word_bits < element) {
      throw InputError({"", place + ".word_bits",
                        fmt::format("a word of {} bits is narrower than the {} that a lane of the "
                                    "{} array takes in a cycle",
                                    scratchpad.word_bits, element, machine),
                        fmt::format("set memory.{}.word_bits to {} or more", name, element)});
    }
    if (needed > bits_of_tile(scratchpad)) {
      const std::int64_t kib = ceil_div(needed * (scratchpad.double_buffered ? 2 : 1), kBitsOfKib);
      throw InputError(
          {"", place + ".kib",
           fmt::format(
               "{} KiB{} are too small for one fold of the {} array, {} elements of {} bits",
               scratchpad.kib, scratchpad.double_buffered ? ", double-buffered," : "", machine,
               needed / element, element),
           fmt::format("set memory.{}.kib to {} or more", name, kib)});
    }
  };
  require("first", memory.first, tile.first, bits.first);
  require("second", memory.second, tile.second, bits.second);
  require("results", memory.results, tile.results, bits.result);
}

Blocking least_traffic(GemmOperands& operands, const Architecture& architecture,
                       const ElementBits& bits) {
  return Search(operands, architecture, bits).run();
}

std::vector<Blocking> finer(GemmOperands& operands, const Architecture& architecture,
                            const ElementBits& bits, const Blocking& blocking) {
  const GemmShape& gemm = operands.gemm();
  const Extents units = units_of(architecture.array, architecture.dataflow);
  const std::int64_t traffic = traffic_of(operands, blocking, bits).total();
  std::vector<Blocking> list{blocking};
  for (const Index index : {Index::kM, Index::kN, Index::kK}) {
    Blocking next = blocking;
    while (next.extents[index] > units[index]) {
      next.extents[index] = ceil_div(ceil_div(next.extents[index], units[index]), 2) * units[index];
      if (!is_workable(gemm, next, architecture.array, architecture.dataflow) ||
          traffic_of(operands, next, bits).total() != traffic) {
        break;
      }
      list.push_back(next);
    }
  }
  return list;
}

}  // namespace potomac::sim
