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
    PassCounts counts = job.unit == Unit::kMfMac ? run_mf_mac(job) : run_fp32(job);
    if (job.pace != nullptr) {
      add_stalls(counts, *job.schedule, job.architecture->issue, *job.pace);
    }
    if (detail.done) {
      detail.done(static_cast<std::int64_t>(job.schedule->macs()));
    }
    return counts;
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

  PassCounts run_fp32(const Job& job) {
    const ProductCounts* products = job.facts == nullptr ? nullptr : &job.facts->products;
    std::optional<ProductCounts> found;
    if (products == nullptr && job.operands != nullptr) {
      found = count_zeros(*job.operands, pool_);
      products = &*found;
    }
    return fp32_counts(*job.architecture, *job.schedule, zeros_of(*job.schedule, products));
  }

  WorkerPool& pool_;
};

}  // namespace

std::unique_ptr<Engine> make_count_engine(WorkerPool& pool) {
  return std::make_unique<CountEngine>(pool);
}

}  // namespace potomac::sim
