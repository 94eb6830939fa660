// What DRAM gives and takes for a pass that is worked off tile by tile. A tile is a block of one
// GEMM; its operands and results are in the scratchpads while the array works at it.
//
// Tiles come in the order of three nested loops, over blocks of m, n and k. An operand's block is
// fetched when it is another one than the tile before had: as often as the loop of the index that
// it lacks goes round, if that loop is outside of the innermost loop of its own that has more than
// one block, and once otherwise. A block of results likewise: each time but the first that its sums
// are taken up again they are read, each time that they are left they are written.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/machine/array_shape.hpp"
#include "sim/machine/blocking.hpp"
#include "workloads/layers/block_runs.hpp"
#include "workloads/layers/lowering.hpp"
#include "workloads/layers/touched_elements.hpp"

namespace potomac::sim {

// How wide what a machine moves is: codes are packed at their width, results and partial sums have
// the accumulator's.
struct ElementBits {
  std::int64_t first = 0;
  std::int64_t second = 0;
  std::int64_t result = 0;

  friend bool operator==(const ElementBits&, const ElementBits&) = default;
};

// How often each block is fetched or taken up, with these blocks.
struct Visits {
  std::int64_t first = 1;
  std::int64_t second = 1;
  std::int64_t results = 1;
};
Visits visits_of(const workloads::GemmShape& gemm, const Blocking& blocking);

// Bits between DRAM and the scratchpads.
struct Traffic {
  std::int64_t first = 0;    // read
  std::int64_t second = 0;   // read
  std::int64_t sums = 0;     // partial sums that are read again
  std::int64_t results = 0;  // written: results, and partial sums that are spilled

  std::int64_t read() const { return first + second + sums; }
  std::int64_t total() const { return read() + results; }
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

// The tensors of a pass: which its operands are, and how many elements they have.
struct TensorExtents {
  workloads::PassTensors kinds;
  std::int64_t first = 0;
  std::int64_t second = 0;
};

// The operands of equal GEMMs of a pass (an entry of gemms_of()), as far as traffic is concerned.
class GemmOperands {
 public:
  // GEMMs whose operands lie alike.
  struct Part {
    explicit Part(const workloads::MappingRun& run);

    std::int64_t count;
    std::int64_t first_copy = 0;  // its number among the entry's
    workloads::TouchedElements first;
    workloads::TouchedElements second;
    // Their places, and the results'; and how much further on the next copy's are.
    workloads::BlockRuns first_runs;
    workloads::BlockRuns second_runs;
    workloads::BlockRuns result_runs;
    std::int64_t first_step;
    std::int64_t second_step;
    std::int64_t result_step;
  };

  GemmOperands(const workloads::GemmShape& gemm, const TensorExtents& tensors)
      : gemm_(gemm), tensors_(tensors) {}
  void add(Part part);

  const workloads::GemmShape& gemm() const { return gemm_; }
  const TensorExtents& tensors() const { return tensors_; }
  // The part that copy number `copy` of the GEMM belongs to.
  Part& part_of(std::int64_t copy);

  // Elements that are touched by all blocks of either operand, in all of the GEMMs.
  std::int64_t first_elements(const ByIndex<std::int64_t>& blocks);
  std::int64_t second_elements(const ByIndex<std::int64_t>& blocks);

  // Whether how many are touched depends on the blocks.
  bool first_overlaps() const;
  bool second_overlaps() const;

 private:
  workloads::GemmShape gemm_;
  TensorExtents tensors_;
  std::vector<Part> parts_;
};

// The operands of each entry of gemms_of(). The precondition is that function's.
std::vector<GemmOperands> operands_of(const workloads::LayerShape& layer, workloads::Pass pass,
                                      const workloads::Lowering& lowering);

// The traffic of all the GEMMs of an entry, with these blocks.
Traffic traffic_of(GemmOperands& operands, const Blocking& blocking, const ElementBits& bits);

}  // namespace potomac::sim
