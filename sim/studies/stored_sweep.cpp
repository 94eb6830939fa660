#include "sim/studies/stored_sweep.hpp"

#include "sim/studies/store_keeper.hpp"
#include "sim/studies/sweep.hpp"

namespace potomac::sim {

StoredSweepCounts run_sweep_into(ResultStore& store, const workloads::Workload& workload,
                                 const SweepSpec& spec, const Caller& caller,
                                 const StoredSweepOptions& options) {
  StoreKeeper keeper(store, workload, spec, options);
  try {
    run_sweep(workload, spec, caller, keeper);
  } catch (...) {
    keeper.commit(true);
    throw;
  }
  keeper.commit();
  return keeper.counts();
}

}  // namespace potomac::sim
