#include "sim/engines/fast/fast_engine.hpp"

#include <cassert>
#include <optional>

#include "sim/engines/count/closed_forms.hpp"
#include "sim/engines/count/operand_statistics.hpp"
#include "sim/engines/fast/fast_facts.hpp"
#include "sim/engines/fast/tiled_gemm.hpp"
#include "sim/engines/fast/toggles/count_toggles.hpp"
#include "sim/engines/interface/for_each_gemm.hpp"

namespace potomac::sim {
namespace {

void multiply_fp32(const workloads::LoweredPass& operands, bool zero_gating, const Fp32Sink& sink,
                   const MacsDone& done, WorkerPool& pool) {
  const Fp32Path path{zero_gating};
  const Fp32Path::Table none;
  for_each_gemm<workloads::Fp32Operand>(operands, pool, [&](const auto& gemm, WorkerPool& threads) {
    TiledGemm<Fp32Path, float, float>(gemm, path, none, none, sink, threads, done).run();
  });
}

class FastEngine : public Engine {
 public:
  explicit FastEngine(WorkerPool& pool) : pool_(pool) {}

  PassCounts run(const Job& job, const Detail& detail) override {
    assert(job.unit == Unit::kMfMac || job.unit == Unit::kFp32Mac);
    assert(job.operands != nullptr || !(detail.accumulators || detail.fp32));
    const bool toggles = detail.toggles && job.operands != nullptr;
    // Two walks go through the MACs, and the longer one tells of them.
    Detail first = detail;
    first.done = toggles ? MacsDone() : detail.done;
    PassCounts counts = job.unit == Unit::kMfMac ? run_mf_mac(job, first) : run_fp32(job, first);
    if (toggles) {
      const Count overflows = counts.actions.overflow;
      counts.toggles = count_toggles(job, overflows.value() > 0, detail.done, pool_);
    }
    if (job.pace != nullptr) {
      add_stalls(counts, *job.schedule, job.architecture->issue, *job.pace);
    }
    return counts;
  }

  ValueFacts facts(const workloads::LoweredPass& operands, const rtl::Accumulator& accumulator,
                   const AccumulatorSink& sink, const MacsDone& done) override {
    return value_facts(operands, accumulator, sink, done, pool_);
  }

 private:
  PassCounts run_mf_mac(const Job& job, const Detail& detail) {
    const ValueFacts* facts = job.facts;
    std::optional<ValueFacts> found;
    if (job.operands != nullptr && (facts == nullptr || detail.accumulators)) {
      found = value_facts(*job.operands, job.accumulator, detail.accumulators, detail.done, pool_);
      facts = &*found;
    }
    return mf_mac_counts(*job.architecture, *job.schedule, facts);
  }

  PassCounts run_fp32(const Job& job, const Detail& detail) {
    if (detail.fp32) {
      multiply_fp32(*job.operands, job.architecture->baseline.zero_gating, detail.fp32, detail.done,
                    pool_);
    } else if (detail.done) {
      detail.done(static_cast<std::int64_t>(job.schedule->macs()));
    }
    if (job.facts != nullptr) {
      return baseline_counts(job.unit, *job.architecture, *job.schedule,
                             zeros_of(*job.schedule, &job.facts->products));
    }
    std::optional<ProductCounts> products;
    if (job.operands != nullptr) {
      products = count_zeros(*job.operands, pool_);
    }
    return baseline_counts(job.unit, *job.architecture, *job.schedule,
                           zeros_of(*job.schedule, products ? &*products : nullptr));
  }

  WorkerPool& pool_;
};

}  // namespace

std::unique_ptr<Engine> make_fast_engine(WorkerPool& pool) {
  return std::make_unique<FastEngine>(pool);
}

}  // namespace potomac::sim
