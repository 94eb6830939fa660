#include "sim/engines/fast/fast_engine.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <type_traits>
#include <vector>

#include "sim/engines/count/closed_forms.hpp"
#include "sim/engines/count/operand_statistics.hpp"
#include "sim/engines/dequantize.hpp"
#include "sim/engines/fast/exact_kernels.hpp"
#include "sim/engines/fast/packed_operands.hpp"
#include "sim/engines/worker_pool.hpp"

namespace potomac::sim {
namespace {

// The second operand is packed over the whole depth for as many columns as this much memory holds:
// the engine's memory does not grow with the GEMM.
constexpr std::size_t kPackedBytes = 16U << 20;
constexpr std::size_t kMaxPackedCols = 512;
constexpr std::size_t kTaskRows = 64;

std::size_t round_up(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

using MacsDone = std::function<void(std::int64_t macs)>;

// The results of one GEMM, tile by tile: for a block of columns, the packed second operand is
// shared by all threads; each task packs its rows of the first operand block by block of depth, and
// advances its sums through the depth in order.
template <typename Path, typename Sum, typename Value>
class TiledGemm {
 public:
  using Packed = typename Path::Packed;
  using Sink = std::function<void(const ResultTile<Value>&)>;

  TiledGemm(const workloads::Gemm& gemm, const Path& path, const typename Path::Side& first,
            const typename Path::Side& second, const Sink& sink, WorkerPool& pool,
            const MacsDone& done)
      : gemm_(gemm),
        path_(path),
        first_(first),
        second_(second),
        sink_(sink),
        pool_(pool),
        done_(done),
        tile_(micro_tile_shape()),
        depth_(static_cast<std::size_t>(gemm.k)),
        blocks_((depth_ + kBlockDepth - 1) / kBlockDepth),
        padded_depth_(round_up(depth_, 2)),
        scratch_(pool.threads()) {}

  // Returns the number of overflows.
  std::uint64_t run() {
    const auto n = static_cast<std::size_t>(gemm_.n);
    const std::size_t affordable = kPackedBytes / (padded_depth_ * sizeof(Packed)) / tile_.nr;
    const std::size_t width =
        std::clamp(affordable, std::size_t{1}, kMaxPackedCols / tile_.nr) * tile_.nr;
    for (std::size_t begin = 0; begin < n; begin += width) {
      run_columns(begin, std::min(width, n - begin));
    }
    return overflows_;
  }

 private:
  struct Scratch {
    std::vector<rtl::PotCode> codes;
    std::vector<Packed> a;
    std::vector<Sum> sums;       // micro-tiles, [panel of rows][panel of columns][mr][nr]
    std::vector<Value> results;  // row-major, for the sink
  };

  std::size_t block_depth(std::size_t block) const {
    return std::min(kBlockDepth, depth_ - block * kBlockDepth);
  }

  void run_columns(std::size_t n_begin, std::size_t cols) {
    const std::size_t panels = (cols + tile_.nr - 1) / tile_.nr;
    packed_.resize(panels * padded_depth_ * tile_.nr);
    norms_.resize(panels * blocks_);
    pool_.for_each(panels, [&](std::size_t panel, unsigned thread) {
      for (std::size_t block = 0; block < blocks_; ++block) {
        norms_[panel * blocks_ + block] = pack_block<Path>(
            gemm_.second, second_, static_cast<std::int64_t>(n_begin + panel * tile_.nr), tile_.nr,
            static_cast<std::int64_t>(block * kBlockDepth), block_depth(block),
            packed_block(panel, block), scratch_[thread].codes);
      }
    });
    // Few rows: cut the columns too, so that every thread has work.
    const auto m = static_cast<std::size_t>(gemm_.m);
    const std::size_t row_tasks = (m + kTaskRows - 1) / kTaskRows;
    const std::size_t wanted = std::size_t{4} * pool_.threads();
    const std::size_t col_tasks =
        pool_.threads() == 1 ? 1 : std::clamp(wanted / row_tasks, std::size_t{1}, panels);
    const std::size_t panels_per_task = (panels + col_tasks - 1) / col_tasks;
    pool_.for_each(row_tasks * col_tasks, [&](std::size_t task, unsigned thread) {
      const std::size_t row = task / col_tasks * kTaskRows;
      const std::size_t panel = task % col_tasks * panels_per_task;
      if (panel < panels) {
        run_task(row, std::min(kTaskRows, m - row), n_begin, cols, panel,
                 std::min(panels_per_task, panels - panel), scratch_[thread]);
      }
    });
  }

  Packed* packed_block(std::size_t panel, std::size_t block) {
    return packed_.data() + (panel * padded_depth_ + block * kBlockDepth) * tile_.nr;
  }

  void run_task(std::size_t m_begin, std::size_t rows, std::size_t n_begin, std::size_t cols,
                std::size_t first_panel, std::size_t panels, Scratch& scratch) {
    const std::size_t tile_size = tile_.mr * tile_.nr;
    const std::size_t row_panels = (rows + tile_.mr - 1) / tile_.mr;
    scratch.sums.assign(row_panels * panels * tile_size, Sum{});
    scratch.a.resize(row_panels * tile_.mr * kBlockDepth);
    std::uint64_t overflows = 0;
    std::vector<typename Path::Norms> a_norms(row_panels);
    for (std::size_t block = 0; block < blocks_; ++block) {
      const std::size_t depth = block_depth(block);
      for (std::size_t i = 0; i < row_panels; ++i) {
        a_norms[i] =
            pack_block<Path>(gemm_.first, first_, static_cast<std::int64_t>(m_begin + i * tile_.mr),
                             tile_.mr, static_cast<std::int64_t>(block * kBlockDepth), depth,
                             a_panel(scratch, i), scratch.codes);
      }
      for (std::size_t j = 0; j < panels; ++j) {
        const Packed* b = packed_block(first_panel + j, block);
        const typename Path::Norms& b_norms = norms_[(first_panel + j) * blocks_ + block];
        for (std::size_t i = 0; i < row_panels; ++i) {
          overflows += path_.advance(a_panel(scratch, i), b, a_norms[i], b_norms, depth,
                                     scratch.sums.data() + (i * panels + j) * tile_size);
        }
      }
    }
    overflows_ += overflows;
    const std::size_t first_col = first_panel * tile_.nr;
    const std::size_t task_cols = std::min(panels * tile_.nr, cols - first_col);
    if (sink_) {
      deliver(m_begin, rows, n_begin + first_col, task_cols, panels, scratch);
    }
    done_(static_cast<std::int64_t>(rows * task_cols * depth_));
  }

  Packed* a_panel(Scratch& scratch, std::size_t panel) const {
    return scratch.a.data() + panel * tile_.mr * kBlockDepth;
  }

  void deliver(std::size_t m_begin, std::size_t rows, std::size_t n_begin, std::size_t cols,
               std::size_t panels, Scratch& scratch) {
    scratch.results.resize(rows * cols);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < cols; ++j) {
        const std::size_t tile = i / tile_.mr * panels + j / tile_.nr;
        const Sum sum = scratch.sums[(tile * tile_.mr + i % tile_.mr) * tile_.nr + j % tile_.nr];
        if constexpr (std::is_same_v<Sum, float>) {
          // The one NaN that the FP32 MAC knows; see fp32_mac().
          scratch.results[i * cols + j] =
              std::isnan(sum) ? std::bit_cast<float>(std::uint32_t{0x7FC00000}) : sum;
        } else {
          scratch.results[i * cols + j] = sum;
        }
      }
    }
    sink_({static_cast<std::int64_t>(m_begin), static_cast<std::int64_t>(n_begin),
           static_cast<std::int64_t>(rows), static_cast<std::int64_t>(cols), scratch.results.data(),
           static_cast<std::int64_t>(cols)});
  }

  const workloads::Gemm& gemm_;
  const Path& path_;
  const typename Path::Side& first_;
  const typename Path::Side& second_;
  const Sink& sink_;
  WorkerPool& pool_;
  const MacsDone& done_;
  MicroTileShape tile_;
  std::size_t depth_;
  std::size_t blocks_;
  std::size_t padded_depth_;
  std::vector<Scratch> scratch_;
  std::vector<Packed> packed_;               // [panel of columns][block of depth][kernel's layout]
  std::vector<typename Path::Norms> norms_;  // [panel of columns][block of depth]
  std::atomic<std::uint64_t> overflows_ = 0;
};

template <typename Path>
std::uint64_t accumulate(const workloads::Gemm& gemm, const Path& path, const AccumulatorSink& sink,
                         WorkerPool& pool, const MacsDone& done) {
  const auto first = Path::side(gemm.first.format());
  const auto second = Path::side(gemm.second.format());
  if (path.accumulator.bits <= 32) {
    return TiledGemm<Path, std::int32_t, std::int64_t>(gemm, path, first, second, sink, pool, done)
        .run();
  }
  return TiledGemm<Path, std::int64_t, std::int64_t>(gemm, path, first, second, sink, pool, done)
      .run();
}

class FastEngine : public Engine {
 public:
  FastEngine(const Architecture& architecture, unsigned threads)
      : architecture_(architecture), pool_(threads) {}

  GemmResult run_mf_mac(const workloads::Gemm& gemm, const AccumulatorSink& sink) override {
    const rtl::Accumulator accumulator = require_fit(architecture_, gemm);
    const std::uint64_t overflows =
        Dot16Path::serves(gemm.first.format(), gemm.second.format(), accumulator)
            ? accumulate(gemm, Dot16Path{accumulator}, sink, pool_, done_)
            : accumulate(gemm, ShiftPath{accumulator}, sink, pool_, done_);
    return mf_mac_result(architecture_, gemm, count_products(gemm, accumulator, pool_), overflows);
  }

  GemmResult run_fp32(const workloads::Gemm& gemm, const Fp32Sink& sink) override {
    if (sink) {
      const Fp32Path path{architecture_.baseline.zero_gating};
      const auto first = dequantized_values(gemm.first.format(), gemm.first_beta);
      const auto second = dequantized_values(gemm.second.format(), gemm.second_beta);
      TiledGemm<Fp32Path, float, float>(gemm, path, first, second, sink, pool_, done_).run();
    } else {
      work_done(gemm.macs());
    }
    // Nothing is dropped where there is a bit for every product.
    const rtl::Accumulator exact{.lsb = rtl::exact_lsb(gemm.first.format(), gemm.second.format())};
    const ProductCounts products = count_products(gemm, exact, pool_);
    return fp32_result(architecture_, gemm,
                       {products.macs - products.nonzero,
                        static_cast<std::uint64_t>(gemm.m * gemm.n) - products.first_nonzero});
  }

 private:
  Architecture architecture_;
  WorkerPool pool_;
  MacsDone done_ = [this](std::int64_t macs) { work_done(macs); };
};

}  // namespace

std::unique_ptr<Engine> make_fast_engine(const Architecture& architecture, unsigned threads) {
  return std::make_unique<FastEngine>(architecture, threads);
}

}  // namespace potomac::sim
