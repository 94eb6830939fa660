// A sweep on the ranks of an MPI job: rank 0 owns the store and hands out points, the others
// compute them.
#pragma once

#include <functional>
#include <memory>

#include "sim/studies/stored_sweep.hpp"

namespace potomac::sim {

// The ranks of the job that this process is one of. Made once, before anything else of MPI.
class MpiRanks {
 public:
  MpiRanks();
  ~MpiRanks();
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;

  int rank() const;
  int size() const;

  class Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// Rank 0: as run_sweep_into(), but that others compute. Points that will take longest are handed
// out first; the same points in the store for any number of ranks. Throws InputError too if a rank
// has another sweep or cannot work on it. The others end with it.
StoredSweepCounts own_sweep(MpiRanks& ranks, ResultStore& store, const OpenedSweep& sweep,
                            const Caller& caller, const StoredSweepOptions& options);

// Rank 0, instead of that, where it cannot begin: the others end.
void call_off_sweep(MpiRanks& ranks);

// Any other rank: computes what it is given until there is no more. `open` opens the sweep; what it
// throws, and what goes wrong later, rank 0 hears of.
void serve_sweep(MpiRanks& ranks, const std::function<OpenedSweep()>& open, const Caller& caller);

}  // namespace potomac::sim
