// The results of one GEMM, tile by tile, on all threads. A block of columns of the second operand
// is packed once and shared; each task packs its rows of the first operand block by block of depth,
// and advances its sums through the depth in order. Memory is bounded whatever the GEMM: where the
// reduction is too deep to be packed whole, sums wait in between.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include "sim/engines/fast/exact_kernels.hpp"
#include "sim/engines/fast/packed_operands.hpp"
#include "sim/engines/interface/value_facts.hpp"
#include "sim/engines/interface/worker_pool.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

inline constexpr std::size_t kPackedBytes = 16U << 20;  // of the second operand
inline constexpr std::size_t kMaxPackedCols = 1024;
inline constexpr std::size_t kTaskRows = 128;
// Rows whose sums wait together where the depth is cut.
inline constexpr std::size_t kWaitingRows = 16384;
inline constexpr std::size_t kPackTaskBlocks = 16;  // blocks of depth that one task packs

// The GEMM of the transposed result: the operands have changed places.
inline workloads::Gemm turned(const workloads::Gemm& gemm) {
  workloads::Gemm result = gemm;
  std::swap(result.m, result.n);
  std::swap(result.first, result.second);
  return result;
}

constexpr std::size_t round_up(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

// `turned`: the GEMM that it is given is another's, turned (see turned()), and results are handed
// on as that one's.
template <typename Path, typename Sum, typename Value>
class TiledGemm {
 public:
  using Packed = typename Path::Packed;
  using Operand = typename Path::Operand;
  using Gemm = workloads::GemmOf<Operand>;
  using Sink = std::function<void(const ResultTile<Value>&)>;

  TiledGemm(const Gemm& gemm, const Path& path, const typename Path::Table& first,
            const typename Path::Table& second, const Sink& sink, WorkerPool& pool,
            const MacsDone& done, bool turned = false)
      : gemm_(gemm),
        turned_(turned),
        path_(path),
        first_(first),
        second_(second),
        sink_(sink),
        pool_(pool),
        done_(done),
        tile_(micro_tile_shape()),
        scratch_(pool.threads()) {}

  // Returns the number of events that the path saw.
  std::uint64_t run() { return run(0, gemm_.m); }
  // Of a path with turns: results whose turns were not 0 in the run before.
  std::uint64_t turned_results() const { return turned_results_; }

  // The same of rows [row_begin, row_end) only.
  std::uint64_t run(std::int64_t row_begin, std::int64_t row_end) {
    events_ = 0;
    turned_results_ = 0;
    const auto depth = static_cast<std::size_t>(gemm_.k);
    const auto first = static_cast<std::size_t>(row_begin);
    const auto m = static_cast<std::size_t>(row_end);
    const auto n = static_cast<std::size_t>(gemm_.n);
    // One panel of columns can be so deep.
    const std::size_t deepest =
        kPackedBytes / (tile_.nr * sizeof(Packed)) / kBlockDepth * kBlockDepth;
    stretch_depth_ = std::min(round_up(depth, 2), deepest);
    const std::size_t affordable = kPackedBytes / (stretch_depth_ * sizeof(Packed)) / tile_.nr;
    const std::size_t width =
        std::clamp(affordable, std::size_t{1}, kMaxPackedCols / tile_.nr) * tile_.nr;
    const std::size_t height =
        depth <= stretch_depth_ ? m - first : std::min(m - first, kWaitingRows);
    for (std::size_t col = 0; col < n; col += width) {
      cols_ = {col, std::min(width, n - col)};
      for (std::size_t row = first; row < m; row += height) {
        rows_ = {row, std::min(height, m - row)};
        run_rectangle(depth);
      }
    }
    return events_;
  }

 private:
  struct Stretch {
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  struct Sums {
    std::vector<Sum> values;          // micro-tiles, [panel of rows][panel of columns][mr][nr]
    std::vector<std::int32_t> turns;  // of each, if the path has them

    void clear_to(std::size_t size) {
      values.assign(size, Sum{});
      if constexpr (Path::kTurns) {
        turns.assign(size, 0);
      }
    }
  };
  struct Scratch {
    std::vector<typename Operand::Element> elements;
    std::vector<Packed> a;
    Sums sums;
    std::vector<Value> results;  // row-major, for the sink
  };
  // A rectangle of the rectangle in hand: rows and panels of columns.
  struct Task {
    Stretch rows;
    Stretch panels;
  };

  // All of the depth for the rows and columns in hand.
  void run_rectangle(std::size_t depth) {
    const std::vector<Task> tasks = cut_into_tasks();
    const bool whole = depth <= stretch_depth_;
    std::vector<Sums> waiting(whole ? 0 : tasks.size());
    for (std::size_t begin = 0; begin < depth; begin += stretch_depth_) {
      depth_ = {begin, std::min(stretch_depth_, depth - begin)};
      pack_columns();
      const bool last = begin + depth_.size == depth;
      pool_.for_each(tasks.size(), [&](std::size_t task, unsigned thread) {
        Scratch& scratch = scratch_[thread];
        Sums& sums = whole ? scratch.sums : waiting[task];
        if (begin == 0) {
          sums.clear_to(row_panels(tasks[task]) * tasks[task].panels.size * tile_.mr * tile_.nr);
        }
        advance(tasks[task], scratch, sums);
        if (last) {
          finish(tasks[task], scratch, sums);
        }
      });
    }
  }

  // Blocks of rows, and of columns too where rows are few, so that every thread has work.
  std::vector<Task> cut_into_tasks() const {
    const std::size_t panels = (cols_.size + tile_.nr - 1) / tile_.nr;
    const std::size_t wanted = pool_.threads() == 1 ? 1 : std::size_t{4} * pool_.threads();
    const std::size_t step = row_step();
    const std::size_t row_blocks = (rows_.size + kTaskRows - 1) / kTaskRows;
    const std::size_t panel_step = (panels + std::max<std::size_t>(wanted / row_blocks, 1) - 1) /
                                   std::max<std::size_t>(wanted / row_blocks, 1);
    const std::size_t col_blocks = (panels + panel_step - 1) / panel_step;
    const std::size_t row_share = rows_.size / std::max<std::size_t>(wanted / col_blocks, 1);
    const std::size_t task_rows = std::clamp(round_up(std::max<std::size_t>(row_share, 1), step),
                                             step, kTaskRows / step * step);
    std::vector<Task> tasks;
    for (std::size_t row = 0; row < rows_.size; row += task_rows) {
      for (std::size_t panel = 0; panel < panels; panel += panel_step) {
        tasks.push_back({{rows_.begin + row, std::min(task_rows, rows_.size - row)},
                         {panel, std::min(panel_step, panels - panel)}});
      }
    }
    return tasks;
  }

  std::size_t blocks() const { return (depth_.size + kBlockDepth - 1) / kBlockDepth; }
  std::size_t block_depth(std::size_t block) const {
    return std::min(kBlockDepth, depth_.size - block * kBlockDepth);
  }
  // Rows that a micro-tile adds to the one before.
  std::size_t row_step() const { return tile_.mr - Path::kSharedRows; }
  std::size_t row_panels(const Task& task) const {
    return (task.rows.size + row_step() - 1) / row_step();
  }

  // Packs the columns in hand over the depth in hand.
  void pack_columns() {
    const std::size_t panels = (cols_.size + tile_.nr - 1) / tile_.nr;
    packed_.resize(panels * round_up(depth_.size, 2) * tile_.nr);
    norms_.resize(panels * blocks());
    const std::size_t pieces = (blocks() + kPackTaskBlocks - 1) / kPackTaskBlocks;
    pool_.for_each(panels * pieces, [&](std::size_t task, unsigned thread) {
      const std::size_t panel = task / pieces;
      const std::size_t begin = task % pieces * kPackTaskBlocks;
      for (std::size_t block = begin; block < std::min(blocks(), begin + kPackTaskBlocks);
           ++block) {
        norms_[panel * blocks() + block] = pack_block<Path>(
            gemm_.second, second_, static_cast<std::int64_t>(cols_.begin + panel * tile_.nr),
            gemm_.n, tile_.nr, static_cast<std::int64_t>(depth_.begin + block * kBlockDepth),
            block_depth(block), packed_block(panel, block), scratch_[thread].elements);
      }
    });
  }

  Packed* packed_block(std::size_t panel, std::size_t block) {
    return packed_.data() + (panel * round_up(depth_.size, 2) + block * kBlockDepth) * tile_.nr;
  }

  void advance(const Task& task, Scratch& scratch, Sums& sums) {
    const std::size_t tile_size = tile_.mr * tile_.nr;
    const std::size_t row_count = row_panels(task);
    scratch.a.resize(row_count * a_panel_size());
    std::uint64_t events = 0;
    std::vector<typename Path::Norms> a_norms(row_count);
    for (std::size_t block = 0; block < blocks(); ++block) {
      const std::size_t depth = block_depth(block);
      for (std::size_t i = 0; i < row_count; ++i) {
        constexpr Beyond kBeyond = Path::kSharedRows == 0 ? Beyond::kZero : Beyond::kNearest;
        a_norms[i] = pack_block<Path, kBeyond>(
            gemm_.first, first_,
            static_cast<std::int64_t>(task.rows.begin + i * row_step()) -
                static_cast<std::int64_t>(Path::kSharedRows),
            static_cast<std::int64_t>(task.rows.begin + task.rows.size), tile_.mr,
            static_cast<std::int64_t>(depth_.begin + block * kBlockDepth), depth,
            a_panel(scratch, i), scratch.elements);
      }
      for (std::size_t j = 0; j < task.panels.size; ++j) {
        const std::size_t panel = task.panels.begin + j;
        const Packed* b = packed_block(panel, block);
        const typename Path::Norms& b_norms = norms_[panel * blocks() + block];
        for (std::size_t i = 0; i < row_count; ++i) {
          const std::size_t tile = (i * task.panels.size + j) * tile_size;
          events += advance_tile(a_panel(scratch, i), b, a_norms[i], b_norms, depth, sums, tile);
        }
      }
    }
    events_ += events;
    if (done_) {
      done_(static_cast<std::int64_t>(task.rows.size * task_cols(task) * depth_.size));
    }
  }

  std::uint64_t advance_tile(const Packed* a, const Packed* b, const typename Path::Norms& a_norms,
                             const typename Path::Norms& b_norms, std::size_t depth, Sums& sums,
                             std::size_t tile) const {
    Sum* const values = sums.values.data() + tile;
    if constexpr (Path::kTurns) {
      return path_.advance(a, b, a_norms, b_norms, depth, values, sums.turns.data() + tile);
    } else {
      return path_.advance(a, b, a_norms, b_norms, depth, values);
    }
  }

  std::size_t a_panel_size() const { return Path::kFirstPanels * tile_.mr * kBlockDepth; }
  Packed* a_panel(Scratch& scratch, std::size_t panel) const {
    return scratch.a.data() + panel * a_panel_size();
  }

  std::size_t task_cols(const Task& task) const {
    return std::min(task.panels.size * tile_.nr, cols_.size - task.panels.begin * tile_.nr);
  }

  // Sums are finished, and no event in them is to come.
  void finish(const Task& task, Scratch& scratch, const Sums& sums) {
    if constexpr (requires { path_.finish(sums.values.data()); }) {
      for (std::size_t tile = 0; tile < sums.values.size(); tile += tile_.mr * tile_.nr) {
        events_ += path_.finish(sums.values.data() + tile);
      }
    }
    if (Path::kTurns && events_ > 0) {
      // Of rows and columns beyond the last, which only meet zeros, it stays 0.
      turned_results_ += sums.turns.size() -
                         static_cast<std::size_t>(std::ranges::count(sums.turns, std::int32_t{0}));
    }
    if (sink_) {
      deliver(task, scratch, sums.values);
    }
  }

  // Precondition: micro-tiles share no rows.
  void deliver(const Task& task, Scratch& scratch, const std::vector<Sum>& sums) {
    const std::size_t rows = task.rows.size;
    const std::size_t cols = task_cols(task);
    const std::size_t row_step = turned_ ? 1 : cols;
    const std::size_t col_step = turned_ ? rows : 1;
    scratch.results.resize(rows * cols);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < cols; j += tile_.nr) {
        const std::size_t tile = i / tile_.mr * task.panels.size + j / tile_.nr;
        const Sum* const from = sums.data() + (tile * tile_.mr + i % tile_.mr) * tile_.nr;
        Value* const to = scratch.results.data() + i * row_step + j * col_step;
        for (std::size_t c = 0; c < std::min(tile_.nr, cols - j); ++c) {
          to[c * col_step] = value_of(from[c]);
        }
      }
    }
    const auto first_row = static_cast<std::int64_t>(task.rows.begin);
    const auto first_col = static_cast<std::int64_t>(cols_.begin + task.panels.begin * tile_.nr);
    const auto height = static_cast<std::int64_t>(rows);
    const auto width = static_cast<std::int64_t>(cols);
    if (turned_) {
      sink_({gemm_.index, first_col, first_row, width, height, scratch.results.data(), height});
    } else {
      sink_({gemm_.index, first_row, first_col, height, width, scratch.results.data(), width});
    }
  }

  static Value value_of(Sum sum) {
    if constexpr (std::is_same_v<Sum, float>) {
      // The one NaN that the FP32 MAC knows; see fp32_mac().
      return std::isnan(sum) ? std::bit_cast<float>(std::uint32_t{0x7FC00000}) : sum;
    } else {
      return sum;
    }
  }

  const Gemm& gemm_;
  bool turned_;
  const Path& path_;
  const typename Path::Table& first_;
  const typename Path::Table& second_;
  const Sink& sink_;
  WorkerPool& pool_;
  const MacsDone& done_;
  MicroTileShape tile_;
  std::size_t stretch_depth_ = 0;
  Stretch rows_, cols_, depth_;  // in hand
  std::vector<Scratch> scratch_;
  std::vector<Packed> packed_;               // [panel of columns][block of depth][kernel's layout]
  std::vector<typename Path::Norms> norms_;  // [panel of columns][block of depth]
  std::atomic<std::uint64_t> events_ = 0;
  std::atomic<std::uint64_t> turned_results_ = 0;
};

}  // namespace potomac::sim
