// The toggles of the registers that operands pass: what streams along a row or a column of the
// array (skew registers, then one in each PE), and the tiles of a stationary array.
//
// A lane's registers all see the same operands in the same order, whatever the timing, since they
// hold while their slot is not valid. So a lane's toggles are counted once and multiplied by its
// registers; and a row of an operand that is streamed time and again is looked at once.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "energy/counts/register_toggles.hpp"
#include "sim/engines/fast/toggles/toggle_kernels.hpp"
#include "sim/engines/interface/worker_pool.hpp"
#include "sim/machine/array_shape.hpp"
#include "support/bit_count.hpp"
#include "workloads/layers/operand_view.hpp"

namespace potomac::sim {

// The words that registers hold for an operand's elements. Word: std::uint8_t for codes of the PE's
// format, std::uint32_t for aligned ones.
template <typename T>
struct CodeWords {
  using Operand = workloads::LoweredOperand;
  using Word = T;
  std::array<Word, 256> words{};  // by code

  Word operator()(rtl::PotCode code) const { return words[code]; }
};
struct Fp32Words {
  using Operand = workloads::Fp32Operand;
  using Word = std::uint32_t;

  Word operator()(float value) const { return std::bit_cast<Word>(value); }
};

// One operand of a GEMM as the words that its registers hold.
template <typename Words>
struct OperandWords {
  using Word = typename Words::Word;
  using Elements = std::vector<typename Words::Operand::Element>;

  const typename Words::Operand& operand;
  const Words& words;

  // Words [k, k + out.size()) of a row. `elements` is scratch.
  void fetch(std::int64_t row, std::int64_t k, std::span<Word> out, Elements& elements) const {
    elements.resize(out.size());
    operand.fetch(row, k, elements);
    std::ranges::transform(elements, out.begin(), words);
  }
};

template <typename Word>
std::uint64_t differing_bits(Word a, Word b) {
  if constexpr (sizeof(Word) == 1) {
    return bit_count(static_cast<std::uint8_t>(a ^ b));
  } else {
    return bit_count(std::uint64_t{a ^ b});
  }
}
template <typename Word>
std::uint64_t differing_bits(std::span<const Word> a, const Word* b) {
  return differing_bits(a.data(), b, a.size_bytes());
}

// Operands that pass a register one behind the other, in short.
template <typename Word>
struct Passage {
  Word first{};
  Word last{};
  std::uint64_t toggles = 0;  // within
};

inline constexpr std::int64_t kFetchedDepth = 4096;  // words of a row in hand at a time
inline constexpr std::int64_t kFetchedRows = 64;     // that a task looks at

// The words of each row of an operand, in the order of depth.
template <typename Words>
auto passages_of_rows(const OperandWords<Words>& operand, WorkerPool& pool) {
  using Word = typename Words::Word;
  const std::int64_t rows = operand.operand.rows();
  const std::int64_t depth = operand.operand.depth();
  std::vector<Passage<Word>> passages(static_cast<std::size_t>(rows));
  const auto tasks = static_cast<std::size_t>(ceil_div(rows, kFetchedRows));
  pool.for_each(tasks, [&](std::size_t task, unsigned /*thread*/) {
    typename OperandWords<Words>::Elements elements;
    std::vector<Word> words;
    const std::int64_t begin = static_cast<std::int64_t>(task) * kFetchedRows;
    for (std::int64_t row = begin; row < std::min(begin + kFetchedRows, rows); ++row) {
      Passage<Word>& passage = passages[static_cast<std::size_t>(row)];
      for (std::int64_t k = 0; k < depth; k += kFetchedDepth) {
        words.resize(static_cast<std::size_t>(std::min(kFetchedDepth, depth - k)));
        operand.fetch(row, k, words, elements);
        if (k == 0) {
          passage.first = words.front();
        } else {
          passage.toggles += differing_bits(passage.last, words.front());
        }
        passage.toggles += differing_bits(std::span<const Word>(words).subspan(1), words.data());
        passage.last = words.back();
      }
    }
  });
  return passages;
}

// The words of each depth of an operand, in the order of rows.
template <typename Words>
auto passages_of_depths(const OperandWords<Words>& operand, WorkerPool& pool) {
  using Word = typename Words::Word;
  const std::int64_t rows = operand.operand.rows();
  const std::int64_t depth = operand.operand.depth();
  std::vector<Passage<Word>> passages(static_cast<std::size_t>(depth));
  std::mutex mutex;
  // Enough rows to a task that adding up its depths is little beside them.
  constexpr std::int64_t kRowsOfTask = 1024;
  const std::int64_t blocks = ceil_div(depth, kFetchedDepth);
  const auto tasks = static_cast<std::size_t>(blocks * ceil_div(rows, kRowsOfTask));
  pool.for_each(tasks, [&](std::size_t task, unsigned /*thread*/) {
    const std::int64_t k = static_cast<std::int64_t>(task) % blocks * kFetchedDepth;
    const std::int64_t begin = static_cast<std::int64_t>(task) / blocks * kRowsOfTask;
    const std::int64_t end = std::min(begin + kRowsOfTask, rows);
    const auto count = static_cast<std::size_t>(std::min(kFetchedDepth, depth - k));
    const std::span<Passage<Word>> here =
        std::span(passages).subspan(static_cast<std::size_t>(k), count);
    typename OperandWords<Words>::Elements elements;
    std::vector<Word> before(count);
    std::vector<Word> now(count);
    std::vector<std::uint32_t> toggles(count);  // at most kRowsOfTask * 32 each
    // A task's first row is compared with the last one of the task before.
    operand.fetch(std::max<std::int64_t>(begin - 1, 0), k, before, elements);
    for (std::int64_t row = begin; row < end; ++row) {
      operand.fetch(row, k, now, elements);
      add_differing_bits(now.data(), before.data(), count, toggles.data());
      before.swap(now);
    }
    const std::lock_guard lock(mutex);
    for (std::size_t i = 0; i < count; ++i) {
      here[i].toggles += toggles[i];
    }
    if (end == rows) {
      for (std::size_t i = 0; i < count; ++i) {
        here[i].last = before[i];
      }
    }
    if (begin == 0) {
      operand.fetch(0, k, now, elements);
      for (std::size_t i = 0; i < count; ++i) {
        here[i].first = now[i];
      }
    }
  });
  return passages;
}

// The lanes of one edge of the array, over a pass: passages i, i + lanes, i + 2 lanes ... go
// through lane i.
template <typename Word>
class StreamToggles {
 public:
  // `pes`: PEs that a lane passes. Lane i has i skew registers.
  StreamToggles(std::int64_t lanes, std::int64_t pes)
      : held_(static_cast<std::size_t>(lanes)), pes_(static_cast<std::uint64_t>(pes)) {}

  // Each passage `times` on end, before the lane's next one.
  void add_each(const std::vector<Passage<Word>>& passages, std::int64_t times,
                energy::RegisterToggles& toggles) {
    const auto repeats = static_cast<std::uint64_t>(times);
    for (std::size_t i = 0; i < passages.size(); ++i) {
      const Passage<Word>& passage = passages[i];
      Word& held = held_[i % held_.size()];
      add(i % held_.size(),
          differing_bits(held, passage.first) + repeats * passage.toggles +
              (repeats - 1) * differing_bits(passage.last, passage.first),
          toggles);
      held = passage.last;
    }
  }

  // A lane's passages in order, all of them `times` over.
  void add_all(const std::vector<Passage<Word>>& passages, std::int64_t times,
               energy::RegisterToggles& toggles) {
    const auto repeats = static_cast<std::uint64_t>(times);
    for (std::size_t lane = 0; lane < std::min(held_.size(), passages.size()); ++lane) {
      Word& held = held_[lane];
      std::uint64_t once = differing_bits(held, passages[lane].first);
      std::uint64_t each = 0;
      for (std::size_t i = lane; i < passages.size(); i += held_.size()) {
        each += passages[i].toggles;
        if (i != lane) {
          each += differing_bits(passages[i - held_.size()].last, passages[i].first);
        }
        held = passages[i].last;
      }
      once += repeats * each + (repeats - 1) * differing_bits(held, passages[lane].first);
      add(lane, once, toggles);
    }
  }

 private:
  void add(std::size_t lane, std::uint64_t passed, energy::RegisterToggles& toggles) const {
    toggles.operand += pes_ * passed;
    toggles.skew += lane * passed;
  }

  std::vector<Word> held_;
  std::uint64_t pes_;
};

// The tiles of a stationary array, over a pass. An element of a column moves down from PE to PE,
// the tile's last row first; pipelined, what has arrived is copied to the register that is
// multiplied.
template <typename Word>
class TileToggles {
 public:
  TileToggles(ArrayShape array, bool pipelined)
      : rows_(static_cast<std::size_t>(array.rows)),
        pipelined_(pipelined),
        passed_(static_cast<std::size_t>(array.cols)),
        loaded_(rows_ * passed_.size()) {}

  // All tiles of a GEMM, of which the operand's rows lie along the array's columns.
  template <typename Words>
  void add(const OperandWords<Words>& operand, WorkerPool& pool, energy::RegisterToggles& toggles) {
    const auto cols = static_cast<std::size_t>(
        std::min(operand.operand.rows(), static_cast<std::int64_t>(passed_.size())));
    std::mutex mutex;
    pool.for_each(cols, [&](std::size_t col, unsigned /*thread*/) {
      energy::RegisterToggles column;
      for (auto row = static_cast<std::int64_t>(col); row < operand.operand.rows();
           row += static_cast<std::int64_t>(passed_.size())) {
        add_row(operand, row, col, column);
      }
      const std::lock_guard lock(mutex);
      toggles += column;
    });
  }

 private:
  template <typename Words>
  void add_row(const OperandWords<Words>& operand, std::int64_t row, std::size_t col,
               energy::RegisterToggles& toggles) {
    const auto tiles_at_a_time = std::max<std::int64_t>(kFetchedDepth / rows(), 1);
    const std::int64_t depth = operand.operand.depth();
    typename OperandWords<Words>::Elements elements;
    std::vector<Word> words;
    for (std::int64_t k = 0; k < depth; k += tiles_at_a_time * rows()) {
      words.resize(static_cast<std::size_t>(std::min(tiles_at_a_time * rows(), depth - k)));
      operand.fetch(row, k, words, elements);
      for (std::size_t at = 0; at < words.size(); at += rows_) {
        add_tile(std::span<const Word>(words).subspan(at, std::min(rows_, words.size() - at)), col,
                 toggles);
      }
    }
  }

  void add_tile(std::span<const Word> tile, std::size_t col, energy::RegisterToggles& toggles) {
    Word* const loaded = loaded_.data() + col * rows_;
    // PE r sees the elements from the last one down to its own.
    std::uint64_t passing = 0;
    std::uint64_t stationary = 0;
    for (std::size_t j = 1; j < tile.size(); ++j) {
      const std::uint64_t bits = differing_bits(tile[j], tile[j - 1]);
      passing += bits;
      stationary += j * bits;
    }
    for (std::size_t r = 0; r < tile.size(); ++r) {
      stationary += differing_bits(loaded[r], tile.back());
    }
    toggles.skew += col * (differing_bits(passed_[col], tile.back()) + passing);
    passed_[col] = tile.front();
    if (pipelined_) {
      // What a PE's two registers hold is the same between tiles.
      stationary += differing_bits(tile, loaded);
    }
    std::ranges::copy(tile, loaded);
    toggles.stationary += stationary;
  }

  std::int64_t rows() const { return static_cast<std::int64_t>(rows_); }

  std::size_t rows_;
  bool pipelined_;
  std::vector<Word> passed_;  // by column: the element that went in last
  std::vector<Word> loaded_;  // [column][row]: the element of the last tile that had one there
};

}  // namespace potomac::sim
