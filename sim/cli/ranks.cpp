#include "sim/cli/ranks.hpp"

#include <cstdlib>
#include <string>

#include "support/error.hpp"
#ifdef POTOMAC_MPI
#include "sim/studies/mpi_sweep.hpp"
#endif

namespace potomac::sim {
namespace {

bool says_several(const char* variable) {
  const char* const size = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  return size != nullptr && std::string(size) != "1";
}

// By what mpirun (Open MPI; MPICH and its kin) and `srun --mpi=pmix` set for each process of a job.
bool is_one_of_several() {
  return says_several("OMPI_COMM_WORLD_SIZE") || says_several("PMI_SIZE") ||
         (std::getenv("PMIX_RANK") != nullptr &&  // NOLINT(concurrency-mt-unsafe)
          says_several("SLURM_STEP_NUM_TASKS"));
}

}  // namespace

#ifdef POTOMAC_MPI

class Ranks::Impl {
 public:
  MpiRanks ranks;
  bool is_begun = false;
};

Ranks::Ranks() {
  if (is_one_of_several()) {
    impl_ = std::make_unique<Impl>();
  }
}

bool Ranks::serves() const {
  return impl_ != nullptr && impl_->ranks.rank() != 0;
}

StoredSweepCounts Ranks::own(ResultStore& store, const OpenedSweep& sweep, const Caller& caller,
                             const StoredSweepOptions& options) {
  impl_->is_begun = true;
  return own_sweep(impl_->ranks, store, sweep, caller, options);
}

void Ranks::serve(const std::function<OpenedSweep()>& open, const Caller& caller) {
  serve_sweep(impl_->ranks, open, caller);
}

void Ranks::call_off() {
  if (impl_ != nullptr && !impl_->is_begun) {
    call_off_sweep(impl_->ranks);
  }
}

#else

class Ranks::Impl {};

Ranks::Ranks() {
  if (is_one_of_several()) {
    throw InputError({"", "", "was begun on several ranks, and built without MPI",
                      "build with -DPOTOMAC_MPI=ON, or give each its part: --shard I/N"});
  }
}

bool Ranks::serves() const {
  return false;
}

StoredSweepCounts Ranks::own(ResultStore& store, const OpenedSweep& sweep, const Caller& caller,
                             const StoredSweepOptions& options) {
  return run_sweep_into(store, sweep.all(), sweep.spec, caller, options);
}

void Ranks::serve(const std::function<OpenedSweep()>& /*open*/, const Caller& /*caller*/) {}

void Ranks::call_off() {}

#endif

Ranks::~Ranks() = default;

bool Ranks::are_several() const {
  return impl_ != nullptr;
}

}  // namespace potomac::sim
