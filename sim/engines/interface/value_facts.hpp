// What a pass's values alone decide: zeros, dropped products, overflows, results. They depend on
// the operands and the accumulator, and on neither the array nor its dataflow, since sums grow in
// the order of k everywhere: computed once, they serve every design point of a sweep.
#pragma once

#include <cstdint>
#include <functional>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "support/count.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

// A rectangle of finished results of one of a pass's GEMMs: value(i, j) = values[i * row_stride +
// j] belongs to the output's (m_begin + i, n_begin + j).
template <typename Value>
struct ResultTile {
  std::int64_t gemm = 0;  // number within the pass
  std::int64_t m_begin = 0;
  std::int64_t n_begin = 0;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  const Value* values = nullptr;
  std::int64_t row_stride = 0;
};

// Takes each result of a pass exactly once. Tiles come in any order and size, and from several
// threads at once: they are disjoint, so that a sink that stores them needs no lock.
using AccumulatorSink = std::function<void(const ResultTile<std::int64_t>&)>;
using Fp32Sink = std::function<void(const ResultTile<float>&)>;

// Told of MACs as they are done, from any thread.
using MacsDone = std::function<void(std::int64_t macs)>;

struct ProductCounts {
  std::uint64_t macs = 0;           // m * n * k
  std::uint64_t nonzero = 0;        // both operands are not zero
  std::uint64_t dropped = 0;        // of those: product below the accumulator's lowest bit
  std::uint64_t first_nonzero = 0;  // outputs whose product at depth 0 is not zero
  std::uint64_t first_kept = 0;     // of those: not dropped

  ProductCounts& operator+=(const ProductCounts& other);
  friend bool operator==(const ProductCounts&, const ProductCounts&) = default;
};

struct ValueFacts {
  ProductCounts products;
  Count overflow;  // additions that left the accumulator's range, where known
  // Results whose exact sum (of what was kept) lies outside, or that were clamped on their way.
  Count overflowed_results;

  friend bool operator==(const ValueFacts&, const ValueFacts&) = default;
};

}  // namespace potomac::sim
