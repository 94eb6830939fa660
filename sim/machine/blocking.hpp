// How a GEMM is cut into blocks, which the array works off one after the other: what fits into
// scratchpads is a block (docs/memory.md). Uncut, a GEMM is one block.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "workloads/layers/gemm_shape.hpp"

namespace potomac::sim {

struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::int64_t size() const { return end - begin; }
  friend bool operator==(const Range&, const Range&) = default;
};

// The three indices of a GEMM: rows of the first operand, rows of the second, their depth.
enum class Index { kM, kN, kK };

// A value for each index.
template <typename T>
class ByIndex {
 public:
  ByIndex() = default;
  ByIndex(T m, T n, T k) : values_{m, n, k} {}

  T& operator[](Index index) { return values_[static_cast<std::size_t>(index)]; }
  const T& operator[](Index index) const { return values_[static_cast<std::size_t>(index)]; }
  friend bool operator==(const ByIndex&, const ByIndex&) = default;

 private:
  std::array<T, 3> values_{};
};

inline ByIndex<std::int64_t> extents_of(const workloads::GemmShape& gemm) {
  return {gemm.m, gemm.n, gemm.k};
}

using LoopOrder = std::array<Index, 3>;  // outermost loop first
inline constexpr std::array<LoopOrder, 6> kLoopOrders = {{{Index::kM, Index::kN, Index::kK},
                                                          {Index::kM, Index::kK, Index::kN},
                                                          {Index::kN, Index::kM, Index::kK},
                                                          {Index::kN, Index::kK, Index::kM},
                                                          {Index::kK, Index::kM, Index::kN},
                                                          {Index::kK, Index::kN, Index::kM}}};
// What they are called in files, in that order.
inline constexpr std::array<std::string_view, 6> kLoopOrderTexts = {"m,n,k", "m,k,n", "n,m,k",
                                                                    "n,k,m", "k,m,n", "k,n,m"};
std::string_view loop_order_text(const LoopOrder& order);

struct Blocking {
  ByIndex<std::int64_t> extents;  // of a block, each from 1 to the GEMM's; the last may be smaller
  LoopOrder order{Index::kM, Index::kN, Index::kK};

  friend bool operator==(const Blocking&, const Blocking&) = default;
};

inline Blocking uncut(const workloads::GemmShape& gemm) {
  return {.extents = extents_of(gemm)};
}

// Walks the blocks of one GEMM in their order, and begins anew behind the last.
class BlockWalk {
 public:
  BlockWalk(const ByIndex<std::int64_t>& gemm, const Blocking& blocking);

  const ByIndex<Range>& block() const { return block_; }
  // Goes to the next block; returns whether that is in the same GEMM still.
  bool next();
  // The loop that did so last, by its place in the order; all inside of it begin anew.
  std::size_t loop() const { return loop_; }
  // Of that loop: the number of the block in hand, and how many come behind it.
  std::int64_t number() const { return numbers_[index()]; }
  std::int64_t left() const { return counts_[index()] - numbers_[index()] - 1; }
  // Goes on by so many of its blocks at once. Precondition: they are left.
  void skip(std::int64_t blocks);

 private:
  Index index() const { return blocking_.order.at(loop_); }  // of that loop
  void set(Index index, std::int64_t number);

  ByIndex<std::int64_t> gemm_;
  Blocking blocking_;
  ByIndex<std::int64_t> counts_;
  ByIndex<std::int64_t> numbers_;
  ByIndex<Range> block_;
  std::size_t loop_ = 0;
};

}  // namespace potomac::sim
