// Reads and writes of the scratchpads: the closed forms against a walk through tiles and folds,
// lane by lane.
#include "sim/memory/accesses.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/memory/tile_program.hpp"
#include "tests/sim/engines/random_passes.hpp"
#include "tests/sim/machine/drawn_blocking.hpp"

namespace potomac::sim {
namespace {

// What stands in consecutive bits from a word's begin on.
struct Run {
  std::int64_t elements;
  std::int64_t bits;
  std::int64_t word_bits;

  std::uint64_t all_bits() const { return static_cast<std::uint64_t>(elements * bits); }
  std::uint64_t words() const {
    return static_cast<std::uint64_t>(ceil_div(elements * bits, word_bits));
  }
};

void read(energy::Accesses& accesses, std::int64_t lanes, const Run& run) {
  accesses.read_words += static_cast<std::uint64_t>(lanes) * run.words();
  accesses.read_bits += static_cast<std::uint64_t>(lanes) * run.all_bits();
}
void write(energy::Accesses& accesses, std::int64_t lanes, const Run& run) {
  accesses.written_words += static_cast<std::uint64_t>(lanes) * run.words();
  accesses.written_bits += static_cast<std::uint64_t>(lanes) * run.all_bits();
}

class Walked {
 public:
  Walked(MemoryConfig memory, const ElementBits& bits) : memory_(std::move(memory)), bits_(bits) {}

  energy::MemoryAccesses accesses;

  void tile(const TileDemand& demand, bool leaves_results) {
    const ByIndex<Range>& block = demand.tile.block;
    const std::int64_t m = block[Index::kM].size();
    const std::int64_t n = block[Index::kN].size();
    const std::int64_t k = block[Index::kK].size();
    if (demand.first.is_new) {
      write(accesses.first, 1, first(m * k));
      accesses.dram.read_bits += static_cast<std::uint64_t>(demand.first.bits);
    }
    if (demand.second.is_new) {
      write(accesses.second, 1, second(n * k));
      accesses.dram.read_bits += static_cast<std::uint64_t>(demand.second.bits);
    }
    if (demand.results.is_new && demand.results.bits > 0) {
      write(accesses.results, 1, result(m * n));
      accesses.dram.read_bits += static_cast<std::uint64_t>(demand.results.bits);
    }
    if (leaves_results) {
      read(accesses.results, 1, result(m * n));
      accesses.dram.written_bits += static_cast<std::uint64_t>(m * n * bits_.result);
    }
  }

  // The part of a fold that is in a tile.
  void fold(const Fold& fold, const ByIndex<Range>& tile, Dataflow dataflow) {
    const Range& depth = tile[Index::kK];
    switch (dataflow) {
      case Dataflow::kOutputStationary:
        read(accesses.first, fold.m.size(), first(depth.size()));
        read(accesses.second, fold.n.size(), second(depth.size()));
        if (depth.end == fold.k.end) {
          write(accesses.results, fold.n.size(), result(fold.m.size()));
        }
        break;
      case Dataflow::kWeightStationary:
        read(accesses.first, fold.k.size(), first(fold.m.size()));
        read(accesses.second, fold.n.size(), second(fold.k.size()));
        sums(fold, fold.n.size(), fold.m.size());
        break;
      case Dataflow::kInputStationary:
        read(accesses.first, fold.m.size(), first(fold.k.size()));
        read(accesses.second, fold.k.size(), second(fold.n.size()));
        sums(fold, fold.m.size(), fold.n.size());
        break;
    }
  }

 private:
  void sums(const Fold& fold, std::int64_t lanes, std::int64_t slots) {
    write(accesses.results, lanes, result(slots));
    if (!fold.first) {
      read(accesses.results, lanes, result(slots));
    }
  }
  Run first(std::int64_t elements) const {
    return {elements, bits_.first, memory_.first.word_bits};
  }
  Run second(std::int64_t elements) const {
    return {elements, bits_.second, memory_.second.word_bits};
  }
  Run result(std::int64_t elements) const {
    return {elements, bits_.result, memory_.results.word_bits};
  }

  MemoryConfig memory_;
  ElementBits bits_;
};

RC_GTEST_PROP(Accesses, AreThoseOfAWalkLaneByLane, ()) {
  const workloads::LayerShape shape = test::random_layer_shape();
  const auto pass = *rc::gen::elementOf(workloads::passes_of(shape));
  Architecture a = test::random_array(7);
  a.memory.emplace();
  for (ScratchpadConfig* scratchpad : {&a.memory->first, &a.memory->second, &a.memory->results}) {
    scratchpad->word_bits = *rc::gen::inRange<std::int64_t>(32, 200);
  }
  const ElementBits bits{*rc::gen::inRange<std::int64_t>(3, 33),
                         *rc::gen::inRange<std::int64_t>(3, 9),
                         *rc::gen::inRange<std::int64_t>(16, 33)};
  auto operands = operands_of(shape, pass, a.lowering);
  std::vector<workloads::GemmShape> gemms;
  std::vector<Blocking> blockings;
  for (const GemmOperands& one : operands) {
    gemms.push_back(one.gemm());
    blockings.push_back(test::drawn_blocking(one.gemm(), a.array, a.dataflow));
  }
  const Schedule schedule(gemms, a.array, a.dataflow, blockings);

  Walked walked(*a.memory, bits);
  Schedule::Walk folds(schedule);
  for (TileProgram program(schedule, Issue::kSerial, operands, bits); !program.done();) {
    const TileDemand tile = program.now();
    for (std::uint64_t number = tile.tile.first_fold; number <= tile.tile.last_fold; ++number) {
      RC_ASSERT(folds.number() == number);
      walked.fold(folds.fold(), tile.tile.block, a.dataflow);
      const bool has_more =
          keeps_sums(a.dataflow) && tile.tile.block[Index::kK].end < folds.fold().k.end;
      if (!has_more) {
        folds.next_fold();
      }
    }
    program.next();
    walked.tile(tile, program.done() || program.now().results.is_new);
  }

  energy::MemoryAccesses accesses;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    add_accesses(accesses, schedule, i, *a.memory, operands[i], bits);
  }
  RC_ASSERT(accesses.first == walked.accesses.first);
  RC_ASSERT(accesses.second == walked.accesses.second);
  RC_ASSERT(accesses.results == walked.accesses.results);
  RC_ASSERT(accesses.dram.read_bits == walked.accesses.dram.read_bits);
  RC_ASSERT(accesses.dram.written_bits == walked.accesses.dram.written_bits);
  RC_ASSERT(accesses.first_bits + accesses.second_bits + accesses.sums_bits ==
            accesses.dram.read_bits);
}

}  // namespace
}  // namespace potomac::sim
