// Keeps a sweep's points in a store, and knows which of them are there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sim/results/store/result_store.hpp"
#include "sim/studies/stored_sweep.hpp"
#include "sim/studies/sweep.hpp"

namespace potomac::sim {

// What a store tells the sweep from others by. Reads the workloads' values.
SweepIdentity identity_of(std::span<const workloads::Workload* const> workloads,
                          const SweepSpec& spec);

class StoreKeeper : public SweepKeeper {
 public:
  // The store knows of the sweep from here on. All must outlive it. Reads the workloads' values.
  StoreKeeper(ResultStore& store, std::span<const workloads::Workload* const> workloads,
              const SweepSpec& spec, const StoredSweepOptions& options);

  // Points are of this workload from here on, the first of them next; of the first one to begin
  // with.
  void turn_to(std::size_t workload);

  const PointKeys& keys() const override { return keys_[workload_]; }
  const std::vector<StoredPrice>& prices() const override { return prices_; }
  bool keeps_passes() const override { return options_.keeps_passes; }

  std::vector<std::size_t> next(std::size_t most) override;
  bool has(const PointKey& key) override;
  void keep(const SweepRow& row) override;

  // By which whoever works on the same sweep knows it again.
  const std::string& digest() const { return digest_; }
  const StoredSweepCounts& counts() const { return counts_; }
  // What was kept is on disk. `is_failing`: whatever the disk says, as something else went wrong.
  void commit(bool is_failing = false);

 private:
  StoreKeeper(ResultStore& store, const SweepIdentity& identity, const StoredSweepOptions& options);

  ResultStore& store_;
  std::vector<PointKeys> keys_;  // by workload
  std::vector<StoredPrice> prices_;
  const StoredSweepOptions& options_;
  std::string digest_;
  std::vector<std::int64_t> contexts_;  // by workload
  std::int64_t sweep_ = 0;
  std::size_t count_;  // of points of a workload
  std::size_t workload_ = 0;
  std::size_t position_ = 0;  // behind the points that were asked for
  StoredSweepCounts counts_;
};

}  // namespace potomac::sim
