// The folds of one pass: every array-full of every one of its GEMMs, in the order in which the
// array works through them. Every engine walks this one sequence. It is lazy: a pass may have tens
// of millions of folds, and none is stored.
//
// In a GEMM the array takes tiles of two of its indices, and streams the third whole:
//   dataflow | rows of the array | columns | streamed | order of the tiles (last innermost)
//   os       | m                 | n       | k        | m, n
//   ws       | k                 | n       | m        | n, k
//   is       | k                 | m       | n        | m, k
// A GEMM that is cut into blocks is worked off block by block, each in this order. So sums always
// grow in the order of k.
#pragma once

#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/machine/array_shape.hpp"
#include "sim/machine/blocking.hpp"
#include "workloads/layers/gemm_shape.hpp"

namespace potomac::sim {

// One array-full: the part m x n x k of GEMM number `gemm` of the pass.
struct Fold {
  std::int64_t gemm = 0;
  Range m, n, k;
  bool first = false;  // begins its outputs' sums (k.begin is 0)
  bool last = false;   // ends them (k.end is the GEMM's k)

  friend bool operator==(const Fold&, const Fold&) = default;
};

// The indices of a GEMM that lie along the array's rows and columns, and the one that streams.
struct ArrayIndices {
  Index rows, cols, streamed;
};
ArrayIndices array_indices(Dataflow dataflow);

// Whether the array can take its folds from blocks like that. Of the two indices that it takes by
// tiles, a block holds whole tiles, or the GEMM's whole extent. In os, sums stay in the PEs till
// they are done: the depth is cut only where a block is one fold, as the innermost loop. Then the
// cut is one of operands alone, and the fold is not cut.
bool is_workable(const workloads::GemmShape& gemm, const Blocking& blocking, ArrayShape array,
                 Dataflow dataflow);

// Whole blocks and rests, along three indices.
using Pieces = boost::container::static_vector<workloads::GemmShape, 8>;

class Schedule {
 public:
  // Precondition: every extent is at least 1. A pass may have no GEMM at all.
  Schedule(std::vector<workloads::GemmShape> gemms, ArrayShape array, Dataflow dataflow);
  // A schedule that cuts each of `gemms` into blocks. Precondition: they are workable.
  Schedule(std::vector<workloads::GemmShape> gemms, ArrayShape array, Dataflow dataflow,
           std::vector<Blocking> blockings);

  const std::vector<workloads::GemmShape>& gemms() const { return gemms_; }
  // The blocks of entry `i` of gemms(): where nothing is cut, the GEMM itself.
  Blocking blocking(std::size_t i) const {
    return blockings_.empty() ? uncut(gemms_[i]) : blockings_[i];
  }
  ArrayShape array() const { return array_; }
  Dataflow dataflow() const { return dataflow_; }

  std::uint64_t folds() const;                                    // in closed form
  static std::int64_t folds_of(const workloads::GemmShape& gemm,  // of one of its `count` GEMMs
                               ArrayShape array, Dataflow dataflow);
  std::uint64_t macs() const;

  // The blocks of entry `i` as its folds see them: in os, of the whole depth.
  Blocking fold_blocking(std::size_t i) const;
  // These blocks, each as a GEMM of its own: runs of equal ones, of which the
  // last is the GEMM's last block alone (of each of its copies). What array and registers do in a
  // pass is what they do in these GEMMs, one after the other.
  Pieces pieces_of(std::size_t i) const;

  // Consecutive folds that take equally many rows, columns and slots: `front`, and those that come
  // behind it along the innermost index.
  struct Run {
    Fold front;
    std::int64_t count = 0;
  };
  // Walks the sequence, by folds or by runs of equal ones. The schedule must outlive it.
  class Walk {
   public:
    explicit Walk(const Schedule& schedule);

    bool done() const { return shape_ == schedule_->gemms_.size(); }
    // Preconditions: not done().
    Fold fold() const;
    Run run() const;
    void next_fold() { advance(1); }
    void next_run() { advance(run().count); }
    std::uint64_t number() const { return number_; }  // of the fold in hand, from 0

   private:
    void advance(std::int64_t folds);  // not beyond the run in hand
    void begin_gemm();
    void begin_block();

    const Schedule* schedule_;
    std::size_t shape_ = 0;  // position in gemms()
    std::int64_t copy_ = 0;  // which of the equal GEMMs
    std::int64_t gemm_ = 0;  // number within the pass
    std::optional<BlockWalk> blocks_;
    std::int64_t outer_ = 0;  // where the tile in hand begins
    std::int64_t inner_ = 0;
    std::uint64_t number_ = 0;
  };

 private:
  std::vector<workloads::GemmShape> gemms_;
  std::vector<Blocking> blockings_;  // of each of gemms_; empty: none is cut
  ArrayShape array_;
  Dataflow dataflow_;
};

}  // namespace potomac::sim
