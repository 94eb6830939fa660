#include "sim/memory/tiler.hpp"

#include <algorithm>
#include <array>
#include <boost/container/static_vector.hpp>
#include <iterator>
#include <limits>
#include <tuple>
#include <utility>

#include "sim/machine/cycles.hpp"
#include "sim/machine/schedule.hpp"
#include "sim/memory/memory_pace.hpp"

namespace potomac::sim {
namespace {

using Extents = ByIndex<std::int64_t>;

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
// A device's cycles are judged to about this part of them.
constexpr std::uint64_t kDeviceTolerance = 64;

constexpr std::array<Index, 3> kIndices = {Index::kM, Index::kN, Index::kK};

Architecture with_a_bandwidth(const Architecture& architecture) {
  Architecture simple = architecture;
  if (simple.memory->dram) {
    simple.memory->dram = without_device(*architecture.memory->dram);
  }
  return simple;
}

std::int64_t blocks_in(const Extents& gemm, const Extents& extents, Index index) {
  return ceil_div(gemm[index], extents[index]);
}

// Which indices are cut, as bits.
using Cut = unsigned;
Cut bit_of(Index index) {
  return 1U << static_cast<unsigned>(index);
}

// Loops of one block may stand anywhere: of orders that are the same but for these, the first
// counts. By what is cut, which of kLoopOrders do.
using Orders = boost::container::static_vector<LoopOrder, 6>;
std::array<Orders, 8> orders_by_cut() {
  std::array<Orders, 8> list;
  for (Cut cut = 0; cut < list.size(); ++cut) {
    std::vector<std::vector<Index>> seen;
    for (const LoopOrder& order : kLoopOrders) {
      std::vector<Index> loops;
      std::ranges::copy_if(order, std::back_inserter(loops),
                           [&](Index index) { return (cut & bit_of(index)) != 0; });
      if (std::ranges::find(seen, loops) == seen.end()) {
        seen.push_back(loops);
        list.at(cut).push_back(order);
      }
    }
  }
  return list;
}

}  // namespace

Tiler::Tiler(GemmOperands& operands, const Architecture& architecture, const ElementBits& bits)
    : operands_(operands),
      architecture_(with_a_bandwidth(architecture)),
      bits_(bits),
      gemm_(extents_of(operands.gemm())),
      uncut_first_(operands.first_elements(gemm_)),
      uncut_second_(operands.second_elements(gemm_)) {
  const Extents units = array_units(architecture.array, architecture.dataflow);
  for (const Index index : kIndices) {
    choices_[index] = choices_of(gemm_[index], units[index]);
  }
  const std::optional<DramConfig>& dram = architecture.memory->dram;
  if (dram && dram->device) {
    device_.emplace(preset_of(*dram), operands, bits);
  }
  if (dram) {
    rate_ = bus_rate(*architecture_.memory->dram, architecture_.clock_mhz);
    latency_ = static_cast<std::uint64_t>(
        DramBus(*architecture_.memory->dram, architecture_.clock_mhz).latency_cycles());
  }
}

Tiler::Choices Tiler::choices_of(std::int64_t extent, std::int64_t unit) {
  const std::int64_t steps = ceil_div(extent, unit);
  Choices choices;
  for (std::int64_t blocks = 1; blocks <= steps; blocks += blocks < kAllCounts ? 1 : blocks / 16) {
    const std::int64_t size = std::min(ceil_div(steps, blocks) * unit, extent);
    if (choices.empty() || size < choices.back()) {
      choices.push_back(size);
    }
  }
  if (choices.back() > std::min(unit, extent)) {
    choices.push_back(std::min(unit, extent));
  }
  return choices;
}

template <typename Body>
void Tiler::for_each_extents(const ByIndex<Choices>& choices, const TileRoom& room,
                             const Body& body) const {
  const bool os = keeps_sums(architecture_.dataflow);
  for (const std::int64_t k : choices[Index::kK]) {
    // In os, a depth is cut only in blocks of one fold.
    const bool one_fold = os && k < gemm_[Index::kK];
    for (const std::int64_t m : choices[Index::kM]) {
      if (m * k > room.first || (one_fold && m > choices[Index::kM].back())) {
        continue;
      }
      for (const std::int64_t n : choices[Index::kN]) {
        if (n * k <= room.second && m * n <= room.results &&
            (!one_fold || n == choices[Index::kN].back())) {
          body(Extents{m, n, k});
        }
      }
    }
  }
}

template <typename Body>
void Tiler::for_each_order(const Extents& extents, const Body& body) const {
  static const std::array<Orders, 8> by_cut = orders_by_cut();
  Cut cut = 0;
  for (const Index index : kIndices) {
    cut |= extents[index] < gemm_[index] ? bit_of(index) : 0;
  }
  const bool depth_last =
      keeps_sums(architecture_.dataflow) && extents[Index::kK] < gemm_[Index::kK];
  for (const LoopOrder& order : by_cut.at(cut)) {
    if (!depth_last || order.back() == Index::kK) {
      body(Blocking{extents, order});
    }
  }
}

std::vector<Blocking> Tiler::candidates() const {
  const std::int64_t all = std::numeric_limits<std::int64_t>::max();
  std::vector<Blocking> list;
  for_each_extents(choices_, {all, all, all}, [&](const Extents& extents) {
    for_each_order(extents, [&](const Blocking& blocking) { list.push_back(blocking); });
  });
  return list;
}

// They depend on no other extent: of the other two, blocks are whole folds.
std::uint64_t Tiler::array_cycles(const Extents& extents) {
  const Index streamed = array_indices(architecture_.dataflow).streamed;
  const std::int64_t extent = keeps_sums(architecture_.dataflow) ? 0 : extents[streamed];
  const auto [found, is_new] = array_cycles_.try_emplace(extent, 0);
  if (is_new) {
    Blocking blocking = uncut(operands_.gemm());
    if (extent > 0) {
      blocking.extents[streamed] = extent;
    }
    const Schedule schedule({operands_.gemm()}, architecture_.array, architecture_.dataflow,
                            {blocking});
    found->second = cycles_of(schedule, architecture_.issue).total();
  }
  return found->second;
}

std::uint64_t Tiler::bus_cycles(std::int64_t bits) const {
  return rate_ ? static_cast<std::uint64_t>(rate_->cycles_for(bits)) : 0;
}

std::int64_t Tiler::traffic_bits(const Blocking& blocking, std::int64_t first,
                                 std::int64_t second) const {
  const workloads::GemmShape& gemm = operands_.gemm();
  const Visits visits = visits_of(gemm, blocking);
  return visits.first * first * bits_.first + visits.second * second * bits_.second +
         (2 * visits.results - 1) * gemm.count * gemm.m * gemm.n * bits_.result;
}

std::int64_t Tiler::tiles_of(const Extents& extents) const {
  std::int64_t tiles = operands_.gemm().count;
  for (const Index index : kIndices) {
    tiles *= blocks_in(gemm_, extents, index);
  }
  return tiles;
}

Tiler::Candidate Tiler::first_look(const Blocking& blocking) {
  Candidate candidate;
  candidate.blocking = blocking;
  candidate.tiles = tiles_of(blocking.extents);
  candidate.traffic_bits = traffic_bits(blocking, uncut_first_, uncut_second_);
  candidate.cycles =
      std::max(array_cycles(blocking.extents), latency_ + bus_cycles(candidate.traffic_bits));
  return candidate;
}

// What all blocks take, if each of a kind takes that.
std::int64_t Tiler::all_of(const Blocking& blocking, const BlockBits& each) const {
  const Visits visits = visits_of(operands_.gemm(), blocking);
  const auto blocks = [&](Index one, Index other) {
    return operands_.gemm().count * blocks_in(gemm_, blocking.extents, one) *
           blocks_in(gemm_, blocking.extents, other);
  };
  return visits.first * blocks(Index::kM, Index::kK) * each.first +
         visits.second * blocks(Index::kN, Index::kK) * each.second +
         (2 * visits.results - 1) * blocks(Index::kM, Index::kN) * each.results;
}

Tiler::Moved Tiler::moved_by(const Candidate& candidate) {
  const Extents& extents = candidate.blocking.extents;
  if (device_) {
    const BlockBits each = device_->of_blocks(extents);
    return {.first = each.first,
            .second = each.second,
            .stored = each.results,
            .left = 2 * each.results,
            .all = all_of(candidate.blocking, each),
            .loads_last = true};
  }
  const Extents rest = rest_of(extents);
  const auto from = [&](Index index) { return gemm_[index] - rest[index]; };
  GemmOperands::Part& part = operands_.part_of(0);
  GemmOperands::Part& last = operands_.part_of(operands_.gemm().count - 1);
  return {
      .first = part.first.of_block(0, extents[Index::kM], 0, extents[Index::kK]) * bits_.first,
      .second = part.second.of_block(0, extents[Index::kN], 0, extents[Index::kK]) * bits_.second,
      .stored = rest[Index::kM] * rest[Index::kN] * bits_.result,
      .left = 2 * extents[Index::kM] * extents[Index::kN] * bits_.result,
      .all = candidate.traffic_bits,
      .loads_last = last.first.of_block(from(Index::kM), gemm_[Index::kM], from(Index::kK),
                                        gemm_[Index::kK]) > 0 &&
                    last.second.of_block(from(Index::kN), gemm_[Index::kN], from(Index::kK),
                                         gemm_[Index::kK]) > 0};
}

// Of the last block.
Extents Tiler::rest_of(const Extents& extents) const {
  Extents rest;
  for (const Index index : kIndices) {
    rest[index] = gemm_[index] - (blocks_in(gemm_, extents, index) - 1) * extents[index];
  }
  return rest;
}

// All that is moved, exactly. The array begins when the first tile's operands are there, and when
// it is done, the last results are still to be stored; and with the last tile it begins when all
// others' operands have passed the bus, and the results that are stored by then.
void Tiler::look_closer(Candidate& candidate) {
  candidate.known = Candidate::Known::kFirstAndLast;
  const Extents& extents = candidate.blocking.extents;
  candidate.traffic_bits = traffic_bits(candidate.blocking, operands_.first_elements(extents),
                                        operands_.second_elements(extents));
  if (!rate_) {
    candidate.known = Candidate::Known::kAll;
    return;
  }
  const Moved moved = moved_by(candidate);
  // A block of which nothing lies in DRAM is not waited for.
  const auto loaded = [this](std::int64_t bits) {
    return bits == 0 ? 0 : latency_ + bus_cycles(bits);
  };
  std::uint64_t begins = loaded(moved.first + moved.second);
  if (!keeps_sums(architecture_.dataflow)) {
    // The stationary operand's rows go in first, and the streaming one may come meanwhile.
    const bool ws = keeps_second(architecture_.dataflow);
    const auto rows = static_cast<std::uint64_t>(architecture_.array.rows);
    begins = std::max(loaded(ws ? moved.second : moved.first), begins > rows ? begins - rows : 0);
  }
  const std::uint64_t stored = bus_cycles(moved.stored);
  candidate.cycles = std::max({candidate.cycles, latency_ + bus_cycles(moved.all),
                               array_cycles(extents) + begins + stored});
  if (moved.loads_last) {
    const std::int64_t before = std::max<std::int64_t>(moved.all - moved.left, 0);
    candidate.cycles =
        std::max(candidate.cycles,
                 latency_ + bus_cycles(before) + array_cycles_of_last(rest_of(extents)) + stored);
  }
}

// At least, from the first slot of a tile of these extents till its results are there.
std::uint64_t Tiler::array_cycles_of_last(const Extents& extents) const {
  const ArrayIndices indices = array_indices(architecture_.dataflow);
  const std::int64_t folds = ceil_div(extents[indices.rows], architecture_.array.rows) *
                             ceil_div(extents[indices.cols], architecture_.array.cols);
  const std::int64_t slots = extents[indices.streamed];
  return static_cast<std::uint64_t>(
      folds * slots + results_latency(architecture_.array, architecture_.dataflow) - 1);
}

// Gives up where it takes more than `most` cycles.
void Tiler::walk(Candidate& candidate, std::uint64_t most) {
  candidate.known = Candidate::Known::kAll;
  const Schedule schedule({operands_.gemm()}, architecture_.array, architecture_.dataflow,
                          {candidate.blocking});
  const std::uint64_t array = array_cycles(candidate.blocking.extents);
  MemoryPace pace(architecture_, schedule, {&operands_, 1}, bits_);
  if (device_) {
    pace.take_blocks_for(device_->of_blocks(candidate.blocking.extents));
  }
  pace.give_up_beyond(most - std::min(most, array));
  candidate.cycles = array + pace.total_stalls(schedule, architecture_.issue);
  candidate.stalls = pace.stalls();
}

JudgedBlocking Tiler::judged(const Candidate& candidate) {
  return {candidate.blocking, candidate.cycles, candidate.stalls, candidate.traffic_bits,
          device_
              ? all_of(candidate.blocking, device_->bursts_of_blocks(candidate.blocking.extents))
              : 0};
}

JudgedBlocking Tiler::judge(const Blocking& blocking) {
  Candidate candidate = first_look(blocking);
  look_closer(candidate);
  if (rate_) {
    walk(candidate, kMost);
  }
  return judged(candidate);
}

// Of those that fit, the one that is cut least: it is quick to be walked through.
Blocking Tiler::least_cut(const TileRoom& room) const {
  std::optional<Blocking> least;
  std::int64_t least_tiles = 0;
  for_each_extents(choices_, room, [&](const Extents& extents) {
    const std::int64_t tiles = tiles_of(extents);
    if (!least || tiles < least_tiles) {
      for_each_order(extents, [&](const Blocking& blocking) { least = blocking; });
      least_tiles = tiles;
    }
  });
  return *least;
}

JudgedBlocking Tiler::best(TileObjective objective) {
  JudgedBlocking found = search(objective, kMost);
  if (device_ && objective == TileObjective::kTime) {
    found = search(TileObjective::kTraffic, found.cycles + found.cycles / kDeviceTolerance);
  }
  return found;
}

// Of those that take no more than `limit` cycles. Precondition: there is one.
JudgedBlocking Tiler::search(TileObjective objective, std::uint64_t limit) {
  const bool by_time = objective == TileObjective::kTime;
  const TileRoom room = room_of(*architecture_.memory, bits_);
  // The best of those that were walked through so far; more than any if there is none.
  JudgedBlocking known = judge(least_cut(room));
  if (known.cycles > limit) {
    known.cycles = kMost;
    known.traffic_bits = std::numeric_limits<std::int64_t>::max();
  }
  ByIndex<Choices> choices = choices_;
  const std::uint64_t most = by_time ? std::min(known.cycles, limit) : limit;
  const Index streamed = array_indices(architecture_.dataflow).streamed;
  std::erase_if(choices[streamed], [&](std::int64_t extent) {
    return array_cycles(Extents{extent, extent, extent}) > most;
  });
  std::vector<Candidate> queue;
  for_each_extents(choices, room, [&](const Extents& extents) {
    for_each_order(extents, [&](const Blocking& blocking) {
      const Candidate candidate = first_look(blocking);
      if (candidate.cycles <= most && (by_time || candidate.traffic_bits <= known.traffic_bits)) {
        queue.push_back(candidate);
        queue.back().number = queue.size();
      }
    });
  });
  const auto rank = [&](const Candidate& candidate) {
    const auto traffic = static_cast<std::uint64_t>(candidate.traffic_bits);
    return std::tuple(
        by_time ? candidate.cycles : traffic, by_time ? traffic : candidate.cycles, candidate.tiles,
        std::ranges::find(kLoopOrders, candidate.blocking.order) - kLoopOrders.begin(),
        candidate.number);
  };
  const auto behind = [&](const Candidate& one, const Candidate& other) {
    return rank(other) < rank(one);
  };
  std::ranges::make_heap(queue, behind);
  while (true) {
    std::ranges::pop_heap(queue, behind);
    Candidate& next = queue.back();
    switch (next.known) {
      case Candidate::Known::kTraffic:
        look_closer(next);
        break;
      case Candidate::Known::kFirstAndLast:
        walk(next, by_time || known.traffic_bits <= next.traffic_bits
                       ? std::min(known.cycles, limit)
                       : limit);
        if (next.cycles > limit) {
          queue.pop_back();
          continue;
        }
        if (by_time ? next.cycles < known.cycles
                    : std::pair(next.traffic_bits, next.cycles) <
                          std::pair(known.traffic_bits, known.cycles)) {
          known = judged(next);
        }
        break;
      case Candidate::Known::kAll:
        return judged(next);
    }
    std::ranges::push_heap(queue, behind);
  }
}

}  // namespace potomac::sim
