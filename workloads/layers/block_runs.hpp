// The elements of its tensor that a block of a matrix touches, as runs of elements that lie next to
// each other: what a DMA engine asks memory for. (touched_elements.hpp only counts them, and has
// its words.)
//
// The matrix is split by its two outermost coordinates into parts that lie apart in the tensor.
// What a part touches is the same in all of them, but for where it begins; so it is found once for
// each range of inner coordinates.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "workloads/layers/operand_view.hpp"

namespace potomac::workloads {

// Elements [begin, end) of a tensor.
struct ElementRun {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  friend bool operator==(const ElementRun&, const ElementRun&) = default;
};

class BlockRuns {
 public:
  explicit BlockRuns(const OperandMapping& mapping);

  // Appends what the block of rows [row, row_end) and of depth [k, k_end) touches, `offset`
  // elements further on, to `runs`: each element once, in rising order. Runs that touch are one.
  void append(std::int64_t row, std::int64_t row_end, std::int64_t k, std::int64_t k_end,
              std::int64_t offset, std::vector<ElementRun>& runs);

 private:
  // A range of one index, split by its outermost coordinate into pieces with a range of the inner.
  struct Piece {
    std::int64_t outer = 0;  // of the first
    std::int64_t count = 1;  // of outer coordinates that all have it
    std::int64_t begin = 0;
    std::int64_t end = 0;
  };
  static std::vector<Piece> pieces_of(std::int64_t begin, std::int64_t end, std::int64_t inner);

  const std::vector<ElementRun>& part(const Piece& rows, const Piece& depth);
  std::vector<ElementRun> find_part(const Piece& rows, const Piece& depth) const;

  // More runs are not remembered.
  static constexpr std::size_t kMostRuns = std::size_t{1} << 22;

  OperandMapping map_;
  std::int64_t inner_rows_;
  std::int64_t inner_depth_;
  std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>,
           std::vector<ElementRun>>
      parts_;
  std::size_t remembered_ = 0;  // runs in it
};

}  // namespace potomac::workloads
