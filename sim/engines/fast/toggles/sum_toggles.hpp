// The toggles of the registers that sums are in: accumulators and the shadow registers that drain
// them (os), partial-sum registers (ws, is). Within a sum, or between the sums of neighbouring
// rows, SIMD kernels count them (toggle_kernels.hpp) in any order; what a register holds from one
// fold to the next is followed here, over all of a pass's GEMMs.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "energy/counts/register_toggles.hpp"
#include "sim/engines/fast/tiled_gemm.hpp"
#include "sim/engines/fast/toggles/operand_toggles.hpp"
#include "sim/engines/fast/toggles/toggle_arithmetic.hpp"
#include "sim/engines/interface/worker_pool.hpp"
#include "sim/machine/array_shape.hpp"
#include "sim/machine/blocking.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

// How the operands of a pass come to an arithmetic.
template <typename Arithmetic>
struct ToggleTables {
  typename Arithmetic::Table first;
  typename Arithmetic::Table second;
  typename Arithmetic::Starts starts;
};

// Accumulators and shadow registers of an output-stationary array.
template <typename Arithmetic>
class AccumulatorToggles {
 public:
  using Sum = typename Arithmetic::Sum;
  using Word = SumWord<Sum>;
  using Gemm = workloads::GemmOf<typename Arithmetic::Operand>;
  using Element = typename Arithmetic::Operand::Element;

  AccumulatorToggles(const Arithmetic& arithmetic, ArrayShape array)
      : arithmetic_(arithmetic),
        rows_(static_cast<std::size_t>(array.rows)),
        cols_(static_cast<std::size_t>(array.cols)),
        held_(rows_ * cols_) {}

  void add(const Gemm& gemm, const ToggleTables<Arithmetic>& tables, const MacsDone& done,
           WorkerPool& pool, energy::RegisterToggles& toggles) {
    n_ = static_cast<std::size_t>(gemm.n);
    zeros_.assign(n_, Word{0});
    second_starts_.resize(n_);
    for (std::size_t n = 0; n < n_; ++n) {
      second_starts_[n] = gemm.second.at(static_cast<std::int64_t>(n), 0);
    }
    // Whole rows of folds, of which each result is looked at with its neighbours.
    const auto m = static_cast<std::size_t>(gemm.m);
    const std::size_t wave = round_up(std::max(kWaveRows, kWaveResults / n_), rows_);
    for (begin_ = 0; begin_ < m; begin_ += wave) {
      end_ = std::min(begin_ + wave, m);
      toggles.accumulator += results_of_wave(gemm, tables, done, pool);
      std::mutex mutex;
      const std::size_t tasks = (end_ - begin_ + kTaskRows - 1) / kTaskRows;
      pool.for_each(tasks, [&](std::size_t task, unsigned /*thread*/) {
        const std::size_t first = begin_ + task * kTaskRows;
        const RowToggles rows =
            toggles_of_rows(gemm, tables, first, std::min(first + kTaskRows, end_));
        const std::lock_guard lock(mutex);
        toggles.accumulator += rows.starts;
        toggles.accumulator -= rows.starts_from_zero;
        toggles.drain += rows.drain;
      });
      keep_last_results();
    }
  }

 private:
  static constexpr std::size_t kWaveRows = 256;          // at least
  static constexpr std::size_t kWaveResults = 1U << 21;  // about

  // Fills results_, and returns the toggles within their sums.
  std::uint64_t results_of_wave(const Gemm& gemm, const ToggleTables<Arithmetic>& tables,
                                const MacsDone& done, WorkerPool& pool) {
    results_.resize((end_ - begin_) * n_);
    const TogglePath<Arithmetic, Watch::kAlong> path{arithmetic_};
    const std::function<void(const ResultTile<Sum>&)> sink = [this](const ResultTile<Sum>& tile) {
      for (std::int64_t i = 0; i < tile.rows; ++i) {
        const Sum* const from = tile.values + i * tile.row_stride;
        Word* const to = results_.data() +
                         (static_cast<std::size_t>(tile.m_begin + i) - begin_) * n_ +
                         static_cast<std::size_t>(tile.n_begin);
        for (std::int64_t j = 0; j < tile.cols; ++j) {
          to[j] = word_of(from[j], arithmetic_.bits);
        }
      }
    };
    return TiledGemm<TogglePath<Arithmetic, Watch::kAlong>, Sum, Sum>(
               gemm, path, tables.first, tables.second, sink, pool, done)
        .run(static_cast<std::int64_t>(begin_), static_cast<std::int64_t>(end_));
  }

  const Word* row(std::size_t m) const { return results_.data() + (m - begin_) * n_; }
  std::size_t lanes() const { return std::min(cols_, n_); }

  // Bits in which what PEs of row m held before they began the row's results, differs from `words`,
  // one for each column in use.
  std::uint64_t differing_from_before(std::size_t m, const Word* words) const {
    if (m < begin_ + rows_) {
      return differing_bits(words, held_.data() + m % rows_ * cols_, lanes() * sizeof(Word));
    }
    // The last results of row m - rows, of each column: a run that ends at n, turned round.
    const Word* const last = row(m - rows_) + n_ - lanes();
    const std::size_t turn = n_ % lanes();
    return differing_bits(words, last + lanes() - turn, turn * sizeof(Word)) +
           differing_bits(words + turn, last, (lanes() - turn) * sizeof(Word));
  }

  // Bits in which the words of a row differ from what a PE of that column, which held the results
  // of row `before` in the fold before, held.
  std::uint64_t differing_from_fold_before(const Word* words, std::size_t before) const {
    return differing_bits(words + lanes(), row(before), (n_ - lanes()) * sizeof(Word));
  }

  // A sum's first step toggles what the register held before; the kernels counted it from 0.
  struct RowToggles {
    std::uint64_t starts = 0;
    std::uint64_t starts_from_zero = 0;
    std::uint64_t drain = 0;
  };

  RowToggles toggles_of_rows(const Gemm& gemm, const ToggleTables<Arithmetic>& tables,
                             std::size_t begin, std::size_t end) const {
    RowToggles toggles;
    std::vector<Word> starts(n_);
    for (std::size_t m = begin; m < end; ++m) {
      const Element first = gemm.first.at(static_cast<std::int64_t>(m), 0);
      for (std::size_t n = 0; n < n_; ++n) {
        starts[n] = tables.starts(first, second_starts_[n]);
      }
      toggles.starts +=
          differing_from_before(m, starts.data()) + differing_from_fold_before(starts.data(), m);
      toggles.starts_from_zero += differing_bits(starts.data(), zeros_.data(), n_ * sizeof(Word));
      toggles.drain += drain_toggles(m);
    }
    return toggles;
  }

  // Shadow register r takes the result of its own PE, then those above it, the top one last; so all
  // of a column's hold the top row's result when the next fold comes. Below the last row in use,
  // registers take that row's result first.
  std::uint64_t drain_toggles(std::size_t m) const {
    const std::size_t r = m % rows_;
    const std::size_t top = m - r;
    const std::size_t used = std::min(rows_, gemm_rows_left(top));
    const std::uint64_t registers = r + 1 == used ? rows_ - r : 1;
    const std::uint64_t captured =
        differing_from_before(top, row(m)) + differing_from_fold_before(row(m), top);
    const std::uint64_t moved = r == 0 ? 0 : differing_bits(row(m), row(m - 1), n_ * sizeof(Word));
    return registers * captured + (rows_ - r) * moved;
  }

  // A wave ends where a row of folds ends, or the GEMM does.
  std::size_t gemm_rows_left(std::size_t m) const { return end_ - m; }

  void keep_last_results() {
    for (std::size_t m = std::max(begin_ + rows_, end_) - rows_; m < end_; ++m) {
      for (std::size_t n = n_ - lanes(); n < n_; ++n) {
        held_[m % rows_ * cols_ + n % cols_] = row(m)[n];
      }
    }
  }

  const Arithmetic& arithmetic_;
  std::size_t rows_;
  std::size_t cols_;
  std::vector<Word> held_;  // [row][column] of the array, in accumulators
  // The GEMM in hand.
  std::size_t n_ = 0;
  std::vector<Word> zeros_;
  std::vector<Element> second_starts_;  // by n, at depth 0
  // The wave in hand: rows [begin_, end_) of the GEMM.
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::vector<Word> results_;
};

// One block of a GEMM, as a GEMM of its own. What it has of the depth is all it has.
template <typename Gemm>
Gemm block_of(const Gemm& gemm, const ByIndex<Range>& ranges) {
  const Range& m = ranges[Index::kM];
  const Range& n = ranges[Index::kN];
  const Range& k = ranges[Index::kK];
  Gemm block = gemm;
  block.m = m.size();
  block.n = n.size();
  block.k = k.size();
  block.first = gemm.first.block(m.begin, m.size(), k.begin, k.size());
  block.second = gemm.second.block(n.begin, n.size(), k.begin, k.size());
  return block;
}

// Partial-sum registers of a stationary array. `Gemm::first` is the operand that streams: input
// stationary comes with its operands exchanged.
template <typename Arithmetic>
class PartialSumToggles {
 public:
  using Sum = typename Arithmetic::Sum;
  using Word = SumWord<Sum>;
  using Gemm = workloads::GemmOf<typename Arithmetic::Operand>;
  using Element = typename Arithmetic::Operand::Element;

  PartialSumToggles(const Arithmetic& arithmetic, ArrayShape array)
      : arithmetic_(arithmetic),
        rows_(static_cast<std::size_t>(array.rows)),
        cols_(static_cast<std::size_t>(array.cols)),
        held_(rows_ * round_up(cols_, tile_.nr)),
        carried_(round_up(cols_, tile_.nr) / tile_.nr) {}

  // The block `ranges` of a GEMM. Blocks come with their depth in order.
  void add(const Gemm& gemm, const ByIndex<Range>& ranges, const ToggleTables<Arithmetic>& tables,
           const MacsDone& done, WorkerPool& pool, energy::RegisterToggles& toggles) {
    const Range& k = ranges[Index::kK];
    if (k.begin == 0) {
      // From slot to slot, sums are the same wherever the depth is cut: its blocks are counted
      // together, at the first.
      ByIndex<Range> whole = ranges;
      whole[Index::kK] = {0, gemm.k};
      toggles.partial_sum += within_folds(block_of(gemm, whole), tables, done, pool);
    }
    const Gemm block = block_of(gemm, ranges);
    const Carried carried{ranges[Index::kM].begin, ranges[Index::kN].begin, k.begin > 0,
                          k.end < gemm.k};
    // Columns side by side that a vector holds are followed together; each such strip by itself.
    const std::size_t used = std::min(cols_, static_cast<std::size_t>(block.n));
    std::atomic<std::uint64_t> between = 0;
    pool.for_each((used + tile_.nr - 1) / tile_.nr, [&](std::size_t strip, unsigned /*thread*/) {
      between += between_folds(block, carried, tables, strip);
    });
    toggles.partial_sum += between.load();
  }

 private:
  using Across = TogglePath<Arithmetic, Watch::kAcross>;

  // Sums that go on from one block of the depth to the next: of which first slot, from which
  // column on, and whether there is a block before and behind.
  struct Carried {
    std::int64_t m = 0;
    std::int64_t n = 0;
    bool in = false;
    bool out = false;
  };

  // Toggles from each streamed slot to the next.
  std::uint64_t within_folds(const Gemm& gemm, const ToggleTables<Arithmetic>& tables,
                             const MacsDone& done, WorkerPool& pool) const {
    const auto depth = static_cast<std::size_t>(gemm.k);
    const Across path{arithmetic_, round_up(depth, rows_) - depth};
    const std::function<void(const ResultTile<Sum>&)> no_sink;
    return TiledGemm<Across, Sum, Sum>(gemm, path, tables.first, tables.second, no_sink, pool, done)
        .run();
  }

  // Toggles from a fold's last slot to the next fold's first, in the columns of a strip.
  std::uint64_t between_folds(const Gemm& gemm, const Carried& carried,
                              const ToggleTables<Arithmetic>& tables, std::size_t strip) {
    Word* const held = held_.data() + strip * rows_ * tile_.nr;
    const auto n = static_cast<std::size_t>(gemm.n);
    const auto depth = static_cast<std::size_t>(gemm.k);
    Scratch scratch;
    std::uint64_t toggles = 0;
    for (std::size_t col = strip * tile_.nr; col < n; col += cols_) {
      const std::size_t width = std::min({tile_.nr, cols_ - strip * tile_.nr, n - col});
      const std::pair place(carried.m, carried.n + static_cast<std::int64_t>(col));
      if (carried.in) {
        scratch.sums = std::move(carried_[strip].at(place));
      } else {
        scratch.sums.assign(tile_.mr * tile_.nr, Sum{});
      }
      for (std::size_t k = 0; k < depth; k += rows_) {
        const std::size_t fold = std::min(rows_, depth - k);
        record(gemm, tables, col, k, fold, scratch);
        for (std::size_t r = 0; r < rows_; ++r) {
          const Sum* const first = scratch.series.data() + 2 * std::min(r, fold - 1) * tile_.nr;
          const Sum* const last = first + tile_.nr;
          toggles += differing_bits(held + r * tile_.nr, first, width * sizeof(Word));
          std::memcpy(held + r * tile_.nr, last, width * sizeof(Word));
        }
      }
      if (carried.out) {
        carried_[strip][place] = scratch.sums;
      }
    }
    return toggles;
  }

  struct Scratch {
    std::vector<Element> elements;
    std::vector<typename Arithmetic::Packed> a;
    std::vector<typename Arithmetic::Packed> b;
    std::vector<Sum> sums;
    std::vector<Sum> series;  // [depth of the fold][first slot, last slot][column]
  };

  // The partial sums of a fold's first and last slots, in the strip's columns from `col` on.
  void record(const Gemm& gemm, const ToggleTables<Arithmetic>& tables, std::size_t col,
              std::size_t k, std::size_t fold, Scratch& scratch) const {
    const std::size_t padded = round_up(fold, 2);
    scratch.a.resize(padded * tile_.mr);
    scratch.b.resize(padded * tile_.nr);
    scratch.series.resize(2 * fold * tile_.nr);
    pack_block<Across>(gemm.second, tables.second, static_cast<std::int64_t>(col), gemm.n, tile_.nr,
                       static_cast<std::int64_t>(k), fold, scratch.b.data(), scratch.elements);
    NoNorms norms;
    for (std::size_t lane = 0; lane < 2; ++lane) {
      scratch.elements.assign(padded, gemm.first.zero());
      gemm.first.fetch(lane == 0 ? 0 : gemm.m - 1, static_cast<std::int64_t>(k),
                       std::span(scratch.elements).first(fold));
      Arithmetic::pack_lane(tables.first, scratch.elements, padded, lane, tile_.mr,
                            scratch.a.data(), norms);
    }
    arithmetic_.step(Watch::kRecord, scratch.a.data(), scratch.b.data(), fold, scratch.sums.data(),
                     scratch.series.data());
  }

  const Arithmetic& arithmetic_;
  MicroTileShape tile_ = micro_tile_shape();
  std::size_t rows_;
  std::size_t cols_;
  std::vector<Word> held_;  // [strip][row of the array][column of the strip]
  // The strips' carried sums, those of a block's first and last slot, by the slot and the column.
  std::vector<std::map<std::pair<std::int64_t, std::int64_t>, std::vector<Sum>>> carried_;
};

}  // namespace potomac::sim
