#include "sim/studies/caller.hpp"

#include "support/error.hpp"

namespace potomac::sim {

void Caller::check_stop() const {
  if (stop != nullptr && stop->load(std::memory_order_relaxed)) {
    throw StoppedError("stopped before the end, as it was told to");
  }
}

}  // namespace potomac::sim
