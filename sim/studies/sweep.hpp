// `potomac sweep` as a library: one workload through every combination of some architecture keys.
// Values are looked at once per accumulator; every point then follows from these facts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/results/store/stored_point.hpp"
#include "sim/results/sweep_row.hpp"
#include "sim/studies/caller.hpp"
#include "sim/studies/sweep_spec.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

// The same rows for any number of threads. Throws InputError if the workload is bad or if every
// point is refused (then no row was given), StoppedError, and whatever the sink throws.
void run_sweep(const workloads::Workload& workload, const SweepSpec& spec, const Caller& caller,
               const RowSink& sink);

// Who keeps a sweep's points, and may have some of them already. One thread at a time asks it, not
// always the same.
class SweepKeeper {
 public:
  virtual ~SweepKeeper() = default;

  // What points are known by, and priced by.
  virtual const PointKeys& keys() const = 0;
  virtual const std::vector<StoredPrice>& prices() const = 0;
  virtual bool keeps_passes() const = 0;

  // The points to look at next, at most so many, whose numbers rise; none: it is over. Those that
  // it leaves out nobody looks at.
  virtual std::vector<std::size_t> next(std::size_t most) = 0;
  // Whether it has the point of another place: it is not simulated again.
  virtual bool has(const PointKey& key) = 0;
  // In the order of next(); `row.stored` is there.
  virtual void keep(const SweepRow& row) = 0;

 protected:
  SweepKeeper() = default;
  SweepKeeper(const SweepKeeper&) = default;
  SweepKeeper(SweepKeeper&&) = default;
  SweepKeeper& operator=(const SweepKeeper&) = default;
  SweepKeeper& operator=(SweepKeeper&&) = default;
};

// Throws InputError, as run_sweep() does before its first row, if the workload has nothing that is
// selected, or no point can run it.
void require_runnable(const workloads::Workload& workload, const SweepSpec& spec);

// What decides the points of a sweep besides their machines. Reads the workload's values.
StudyContext context_of(const workloads::Workload& workload, const SweepSpec& spec);

// As above, of what the keeper has not.
void run_sweep(const workloads::Workload& workload, const SweepSpec& spec, const Caller& caller,
               SweepKeeper& keeper);

}  // namespace potomac::sim
