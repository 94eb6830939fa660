// The ranks of an MPI job, where this process is one of several; else it is alone.
#pragma once

#include <functional>
#include <memory>

#include "sim/studies/stored_sweep.hpp"

namespace potomac::sim {

class Ranks {
 public:
  // Throws InputError if mpirun or srun began several of a program that was built without MPI.
  Ranks();
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  bool are_several() const;
  // Whether another one owns the store.
  bool serves() const;

  // As own_sweep(), serve_sweep() and call_off_sweep() say; the last one does nothing where there
  // is nothing to call off.
  StoredSweepCounts own(ResultStore& store, const OpenedSweep& sweep, const Caller& caller,
                        const StoredSweepOptions& options);
  void serve(const std::function<OpenedSweep()>& open, const Caller& caller);
  void call_off();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;  // null: alone
};

}  // namespace potomac::sim
