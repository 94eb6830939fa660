// Who calls a study: the library prints nothing, shows no progress and makes no threads of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "sim/engines/interface/worker_pool.hpp"
#include "sim/plan/listener.hpp"

namespace potomac::sim {

struct Caller {
  WorkerPool& pool;
  Listener* listener = nullptr;
  // Looked at between passes and points, and wherever MACs are told of by an engine that does not
  // step: once it is true, the study ends with a StoppedError, and leaves nothing behind.
  const std::atomic<bool>* stop = nullptr;

  // Throws StoppedError if it is to end.
  void check_stop() const;
  void begin(Work work, std::uint64_t amount) const {
    if (listener != nullptr) {
      listener->begin(work, amount);
    }
  }
  void tell(std::string_view line) const {
    if (listener != nullptr) {
      listener->tell(line);
    }
  }
  void advance(Work work, std::uint64_t amount, std::string_view what) const {
    if (listener != nullptr) {
      listener->advance(work, amount, what);
    }
  }
};

}  // namespace potomac::sim
