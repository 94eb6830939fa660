// A sweep into a store: what is there is not computed again, and what was cut off goes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/results/store/result_store.hpp"
#include "sim/studies/caller.hpp"
#include "sim/studies/sweep_spec.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

// Part `number` (from 1) of `of` parts of a sweep, for machines that share no disk: every of-th
// point, from the number-th on.
struct Shard {
  std::size_t number = 1;
  std::size_t of = 1;
};

struct StoredSweepOptions {
  bool keeps_passes = false;
  Shard shard;
  // Called once the sweep is known to the store, before any point is computed: in what it differs
  // from the last one of the same file, and its points that are there.
  std::function<void(const std::vector<std::string>& changes, std::size_t done)> begun = {};
};

// A sweep ready to be run: a workload for each that the spec names.
struct OpenedSweep {
  SweepSpec spec;
  std::vector<std::unique_ptr<workloads::Workload>> workloads;

  std::vector<const workloads::Workload*> all() const;
};

struct StoredSweepCounts {
  std::size_t points = 0;    // of the shard
  std::size_t done = 0;      // that the sweep had before
  std::size_t reused = 0;    // that other sweeps or runs had computed, or that are alike
  std::size_t computed = 0;  // now, refused ones included
};

// Each workload through all points of the spec, one workload after the other. The same in the store
// for any number of threads. Throws as run_sweep() does, and as
// ResultStore; what was computed till then is kept.
StoredSweepCounts run_sweep_into(ResultStore& store,
                                 std::span<const workloads::Workload* const> workloads,
                                 const SweepSpec& spec, const Caller& caller,
                                 const StoredSweepOptions& options = {});

}  // namespace potomac::sim
