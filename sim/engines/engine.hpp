// What an engine is: it runs one GEMM on one array and yields cycles, action counts and results.
// All engines yield the same, bit for bit; they differ in how they get there
// (docs/architecture.md).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "energy/actions.hpp"
#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/machine/cycles.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

// A rectangle of finished results: value(i, j) = values[i * row_stride + j] belongs to the output's
// (m_begin + i, n_begin + j).
template <typename Value>
struct ResultTile {
  std::int64_t m_begin = 0;
  std::int64_t n_begin = 0;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  const Value* values = nullptr;
  std::int64_t row_stride = 0;
};

// Takes each result of a GEMM exactly once. Tiles come in any order and size, and from several
// threads at once: they are disjoint, so that a sink that stores them needs no lock.
using AccumulatorSink = std::function<void(const ResultTile<std::int64_t>&)>;
using Fp32Sink = std::function<void(const ResultTile<float>&)>;

// Zeros that a GEMM's MACs meet, whether the PE gates them or not.
struct ZeroCounts {
  std::uint64_t macs = 0;    // with at least one zero operand
  std::uint64_t starts = 0;  // of these: the first MAC of an output

  friend bool operator==(const ZeroCounts&, const ZeroCounts&) = default;
};

struct GemmResult {
  std::uint64_t folds = 0;
  Cycles cycles;
  energy::ActionCounts actions;
  ZeroCounts zeros;

  friend bool operator==(const GemmResult&, const GemmResult&) = default;
};

class Engine {
 public:
  virtual ~Engine() = default;

  // The GEMM on the MF-MAC array of the architecture. `sink` may be empty.
  // Throws InputError if the architecture's PE cannot hold the GEMM's operands (require_fit()).
  virtual GemmResult run_mf_mac(const workloads::Gemm& gemm, const AccumulatorSink& sink) = 0;

  // The same GEMM on the baseline: FP32 MACs in an array of the same shape. Operands are the
  // dequantized values.
  virtual GemmResult run_fp32(const workloads::Gemm& gemm, const Fp32Sink& sink) = 0;

  // Lets `listener` follow a long GEMM: it is told of MACs as they are done, from any thread. An
  // empty one ends that.
  void on_work_done(std::function<void(std::uint64_t macs)> listener) {
    listener_ = std::move(listener);
  }

 protected:
  void work_done(std::int64_t macs) const {
    if (listener_) {
      listener_(static_cast<std::uint64_t>(macs));
    }
  }

 private:
  std::function<void(std::uint64_t)> listener_;
};

enum class EngineKind { kFast, kSystemC };

// `threads` is used by engines that have a use for it; 0 means all cores.
std::unique_ptr<Engine> make_engine(EngineKind kind, const Architecture& architecture,
                                    unsigned threads);

}  // namespace potomac::sim
