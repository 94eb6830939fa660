#include "sim/studies/stored_sweep.hpp"

#include <algorithm>
#include <iterator>

#include "sim/studies/store_keeper.hpp"
#include "sim/studies/sweep.hpp"

namespace potomac::sim {

std::vector<const workloads::Workload*> OpenedSweep::all() const {
  std::vector<const workloads::Workload*> all;
  std::ranges::transform(workloads, std::back_inserter(all),
                         &std::unique_ptr<workloads::Workload>::get);
  return all;
}

StoredSweepCounts run_sweep_into(ResultStore& store,
                                 std::span<const workloads::Workload* const> workloads,
                                 const SweepSpec& spec, const Caller& caller,
                                 const StoredSweepOptions& options) {
  StoreKeeper keeper(store, workloads, spec, options);
  try {
    for (std::size_t i = 0; i < workloads.size(); ++i) {
      keeper.turn_to(i);
      run_sweep(*workloads[i], spec, caller, keeper);
    }
  } catch (...) {
    keeper.commit(true);
    throw;
  }
  keeper.commit();
  return keeper.counts();
}

}  // namespace potomac::sim
