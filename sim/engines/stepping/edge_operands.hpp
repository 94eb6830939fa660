// The elements that enter the lanes of an array's edges with each command, codes (rtl::PotCode) or
// values (float), fetched straight from the lowered operand, as much at a time as does not grow
// with the GEMM.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "rtl_models/arithmetic/pot_code.hpp"
#include "sim/engines/stepping/fold_sequencer.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

enum class WhichOperand { kFirst, kSecond };

// One operand of every GEMM of a pass, which must have values where these are the elements.
template <typename Element>
class OperandElements {
 public:
  OperandElements(const workloads::LoweredPass& pass, WhichOperand which)
      : pass_(&pass), which_(which) {}

  // Takes elements of GEMM number `gemm`; folds come GEMM by GEMM, so the view in hand is kept.
  void fetch(std::int64_t gemm, std::int64_t row, std::int64_t k_begin, std::span<Element> out);

 private:
  using Operand = std::conditional_t<std::is_same_v<Element, float>, workloads::Fp32Operand,
                                     workloads::LoweredOperand>;

  const workloads::LoweredPass* pass_;
  WhichOperand which_;
  std::optional<workloads::GemmOf<Operand>> gemm_;
};

// In weight stationary the second operand stays and lies along the columns by n, the first streams
// by m; in input stationary the other way round. Both have k along the rows.
inline const Range& kept_range(const Fold& fold, Dataflow dataflow) {
  return keeps_second(dataflow) ? fold.n : fold.m;
}
inline const Range& streamed_range(const Fold& fold, Dataflow dataflow) {
  return keeps_second(dataflow) ? fold.m : fold.n;
}

// What streams past the PEs of an output-stationary array: element (lane, k) in slot k.
enum class Edge { kWest, kNorth };  // fed by the first operand, by the second

template <typename Element>
class DepthStream {
 public:
  explicit DepthStream(Edge edge) : edge_(edge) {}
  void start(OperandElements<Element> operand);

  // Makes the elements of a command ready, and returns how many lanes it occupies.
  // Precondition: it is valid.
  std::size_t seek(const FeedCommand& now);
  Element at(std::size_t lane) const {
    return block_[lane * static_cast<std::size_t>(depth_) +
                  static_cast<std::size_t>(slot_ - begin_)];
  }

 private:
  Edge edge_;
  std::optional<OperandElements<Element>> operand_;
  std::vector<Element> block_;  // [lane][depth] from begin_ on
  std::int64_t number_ = -1;    // of its fold
  std::int64_t begin_ = 0;
  std::int64_t depth_ = 0;
  std::int64_t slot_ = 0;
  std::size_t lanes_ = 0;
};

// What streams past a stationary array: element (slot, k) enters row k.
template <typename Element>
class RowStream {
 public:
  explicit RowStream(Dataflow dataflow) : dataflow_(dataflow) {}
  void start(OperandElements<Element> operand) { operand_.emplace(operand); }

  // The elements of a command, one to a lane. Precondition: it is valid.
  std::span<const Element> row(const FeedCommand& now);

 private:
  Dataflow dataflow_;
  std::optional<OperandElements<Element>> operand_;
  std::vector<Element> row_;
};

// The tiles of a stationary array: row k of a tile enters all columns at once.
template <typename Element>
class TileRows {
 public:
  explicit TileRows(Dataflow dataflow) : dataflow_(dataflow) {}
  void start(OperandElements<Element> operand);

  // Makes the tile of a command ready. Precondition: it loads.
  void seek(const FeedCommand& now);
  // Whether the tile has an element there; where it has none, a PE's register is cleared.
  bool has(std::size_t row, std::size_t lane) const { return row < depth_ && lane < lanes_; }
  Element at(std::size_t row, std::size_t lane) const { return tile_[lane * depth_ + row]; }

 private:
  Dataflow dataflow_;
  std::optional<OperandElements<Element>> operand_;
  std::vector<Element> tile_;  // [column][k]
  std::int64_t number_ = -1;   // of its fold
  std::size_t depth_ = 0;
  std::size_t lanes_ = 0;
};

}  // namespace potomac::sim
