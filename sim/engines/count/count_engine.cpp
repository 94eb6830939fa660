#include "sim/engines/count/count_engine.hpp"

#include <cassert>
#include <optional>

#include "sim/engines/count/closed_forms.hpp"
#include "sim/engines/count/operand_statistics.hpp"

namespace potomac::sim {
namespace {

class CountEngine : public Engine {
 public:
  explicit CountEngine(WorkerPool& pool) : pool_(pool) {}

  PassCounts run(const Job& job, const Detail& detail) override {
    assert(!detail.accumulators && !detail.fp32);
    PassCounts counts = job.unit == Unit::kMfMac ? run_mf_mac(job) : run_baseline(job);
    if (job.pace != nullptr) {
      add_stalls(counts, *job.schedule, job.architecture->issue, *job.pace);
    }
    if (detail.done) {
      detail.done(static_cast<std::int64_t>(job.schedule->macs()));
    }
    return counts;
  }

  ValueFacts facts(const workloads::LoweredPass& operands, const rtl::Accumulator& accumulator,
                   [[maybe_unused]] const AccumulatorSink& sink, const MacsDone& done) override {
    assert(!sink);
    ValueFacts found = counted_facts(operands, accumulator, pool_);
    if (done) {
      done(workloads::macs_of(operands.shapes()));
    }
    return found;
  }

 private:
  PassCounts run_mf_mac(const Job& job) {
    const ValueFacts* facts = job.facts;
    std::optional<ValueFacts> found;
    if (facts == nullptr && job.operands != nullptr) {
      found = counted_facts(*job.operands, job.accumulator, pool_);
      facts = &*found;
    }
    return mf_mac_counts(*job.architecture, *job.schedule, facts);
  }

  PassCounts run_baseline(const Job& job) {
    if (job.zeros != nullptr) {
      return baseline_counts(job.unit, *job.architecture, *job.schedule, *job.zeros, job.counted);
    }
    const ProductCounts* products = job.facts == nullptr ? nullptr : &job.facts->products;
    std::optional<ProductCounts> found;
    if (products == nullptr && job.operands != nullptr) {
      found = count_zeros(*job.operands, pool_);
      products = &*found;
    }
    return baseline_counts(job.unit, *job.architecture, *job.schedule,
                           zeros_of(*job.schedule, products));
  }

  WorkerPool& pool_;
};

}  // namespace

std::unique_ptr<Engine> make_count_engine(WorkerPool& pool) {
  return std::make_unique<CountEngine>(pool);
}

}  // namespace potomac::sim
