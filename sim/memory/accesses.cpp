#include "sim/memory/accesses.hpp"

#include <cstdint>

namespace potomac::sim {
namespace {

constexpr std::int64_t kDramWordBits = 64;

struct Words {
  std::int64_t element_bits;
  std::int64_t word_bits;

  std::int64_t of(std::int64_t elements) const {
    return ceil_div(elements * element_bits, word_bits);
  }
};

std::uint64_t counted(std::int64_t count) {
  return static_cast<std::uint64_t>(count);
}

// What of an operand's or the results' side one GEMM asks for.
struct Elements {
  std::int64_t words = 0;
  std::int64_t elements = 0;
};

class Counter {
 public:
  Counter(const Schedule& schedule, std::size_t entry)
      : gemm_(schedule.gemms()[entry]),
        blocks_(schedule.blocking(entry).extents),
        array_(schedule.array()),
        indices_(array_indices(schedule.dataflow())),
        os_(keeps_sums(schedule.dataflow())) {}

  // Blocks as DMA moves them, each once.
  Elements by_dma(Index one, Index other, Words words) const {
    return {over_blocks(one,
                        [&](std::int64_t a) {
                          return over_blocks(other,
                                             [&](std::int64_t b) { return words.of(a * b); });
                        }),
            extent(one) * extent(other)};
  }

  // The operand that streams past `lanes`, slot by slot; it does so again for each tile of
  // `again`, the other index of which the array takes tiles.
  Elements streamed(Index lanes, Index again, std::int64_t again_tile, Words words) const {
    const std::int64_t times = ceil_div(extent(again), again_tile);
    return {times * extent(lanes) *
                over_blocks(indices_.streamed, [&](std::int64_t slots) { return words.of(slots); }),
            times * extent(lanes) * extent(indices_.streamed)};
  }

  // The stationary operand: each tile is loaded, lane by lane of the columns, for each block of
  // what streams.
  Elements stationary(Words words) const {
    const std::int64_t times = blocks_of(indices_.streamed);
    const std::int64_t of_lane = over_blocks(indices_.rows, [&](std::int64_t rows) {
      return sum_over_blocks(rows, array_.rows, [&](std::int64_t tile) { return words.of(tile); });
    });
    return {times * extent(indices_.cols) * of_lane,
            times * extent(indices_.cols) * extent(indices_.rows)};
  }

  // os: results leave each fold down its columns.
  Elements drained(Words words) const {
    const std::int64_t of_lane = sum_over_blocks(extent(indices_.rows), array_.rows,
                                                 [&](std::int64_t rows) { return words.of(rows); });
    return {extent(indices_.cols) * of_lane, extent(indices_.cols) * extent(indices_.rows)};
  }

  // ws, is: the sums of each slot, once for each fold of the depth.
  Elements sums(Words words) const {
    return {extent(indices_.cols) *
                over_blocks(indices_.streamed, [&](std::int64_t slots) { return words.of(slots); }),
            extent(indices_.cols) * extent(indices_.streamed)};
  }
  std::int64_t folds_of_depth() const {
    return over_blocks(Index::kK, [&](std::int64_t depth) { return ceil_div(depth, array_.rows); });
  }

  ArrayIndices indices() const { return indices_; }
  bool os() const { return os_; }
  std::int64_t copies() const { return gemm_.count; }

 private:
  std::int64_t extent(Index index) const { return extents_of(gemm_)[index]; }
  std::int64_t blocks_of(Index index) const { return ceil_div(extent(index), blocks_[index]); }
  template <typename F>
  std::int64_t over_blocks(Index index, const F& f) const {
    return sum_over_blocks(extent(index), blocks_[index], f);
  }

  workloads::GemmShape gemm_;
  ByIndex<std::int64_t> blocks_;
  ArrayShape array_;
  ArrayIndices indices_;
  bool os_;
};

void add_read(energy::Accesses& accesses, const Elements& elements, std::int64_t times,
              std::int64_t element_bits) {
  accesses.read_words += counted(times * elements.words);
  accesses.read_bits += counted(times * elements.elements * element_bits);
}
void add_write(energy::Accesses& accesses, const Elements& elements, std::int64_t times,
               std::int64_t element_bits) {
  accesses.written_words += counted(times * elements.words);
  accesses.written_bits += counted(times * elements.elements * element_bits);
}

}  // namespace

void add_accesses(energy::MemoryAccesses& accesses, const Schedule& schedule, std::size_t entry,
                  const MemoryConfig& memory, GemmOperands& operands, const ElementBits& bits) {
  const Counter counter(schedule, entry);
  const workloads::GemmShape& gemm = operands.gemm();
  const Blocking blocking = schedule.blocking(entry);
  const Words first{bits.first, word_bits_of(memory.first, bits.first)};
  const Words second{bits.second, word_bits_of(memory.second, bits.second)};
  const Words result{bits.result, word_bits_of(memory.results, bits.result)};
  const std::int64_t copies = counter.copies();
  const Visits visits = visits_of(gemm, blocking);

  add_write(accesses.first, counter.by_dma(Index::kM, Index::kK, first), copies * visits.first,
            bits.first);
  add_write(accesses.second, counter.by_dma(Index::kN, Index::kK, second), copies * visits.second,
            bits.second);
  const Elements results = counter.by_dma(Index::kM, Index::kN, result);
  add_write(accesses.results, results, copies * (visits.results - 1), bits.result);
  add_read(accesses.results, results, copies * visits.results, bits.result);
  const ArrayShape array = schedule.array();
  if (counter.os()) {
    add_read(accesses.first, counter.streamed(Index::kM, Index::kN, array.cols, first), copies,
             bits.first);
    add_read(accesses.second, counter.streamed(Index::kN, Index::kM, array.rows, second), copies,
             bits.second);
    add_write(accesses.results, counter.drained(result), copies, bits.result);
  } else {
    const bool ws = keeps_second(schedule.dataflow());
    const Index kept = counter.indices().cols;
    const Elements streamed = counter.streamed(Index::kK, kept, array.cols, ws ? first : second);
    const Elements stationary = counter.stationary(ws ? second : first);
    add_read(accesses.first, ws ? streamed : stationary, copies, bits.first);
    add_read(accesses.second, ws ? stationary : streamed, copies, bits.second);
    const std::int64_t folds = counter.folds_of_depth();
    add_write(accesses.results, counter.sums(result), copies * folds, bits.result);
    add_read(accesses.results, counter.sums(result), copies * (folds - 1), bits.result);
  }

  const Traffic traffic = traffic_of(operands, blocking, bits);
  accesses.first_bits += counted(traffic.first);
  accesses.second_bits += counted(traffic.second);
  accesses.sums_bits += counted(traffic.sums);
  accesses.compulsory_bits += counted(traffic_of(operands, uncut(gemm), bits).total());
  accesses.dram.read_bits += counted(traffic.read());
  accesses.dram.written_bits += counted(traffic.results);
  accesses.dram.read_words += counted(ceil_div(traffic.read(), kDramWordBits));
  accesses.dram.written_words += counted(ceil_div(traffic.results, kDramWordBits));
}

}  // namespace potomac::sim
