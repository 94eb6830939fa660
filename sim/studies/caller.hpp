// Who calls a study: the library prints nothing, shows no progress and makes no threads of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "sim/engines/interface/worker_pool.hpp"

namespace potomac::sim {

// Hears of long work as it is done.
class Listener {
 public:
  virtual ~Listener() = default;
  // First, if a DRAM device is simulated: about how many bursts it is to serve.
  virtual void begin_bursts(std::uint64_t /*bursts*/) {}
  // Again and again, from any thread: bursts that it has served, and for what.
  virtual void served(std::uint64_t /*bursts*/, std::string_view /*what*/) {}
  // Once, before the rest of the work: the MACs that it will tell of, as far as that is known.
  virtual void begin(std::uint64_t macs) = 0;
  // Again and again, from any thread: MACs that are done, and what they belong to.
  virtual void advance(std::uint64_t macs, std::string_view what) = 0;
};

struct Caller {
  WorkerPool& pool;
  Listener* listener = nullptr;
  // Looked at between passes and points, and wherever MACs are told of by an engine that does not
  // step: once it is true, the study ends with a StoppedError, and leaves nothing behind.
  const std::atomic<bool>* stop = nullptr;

  // Throws StoppedError if it is to end.
  void check_stop() const;
  void begin(std::uint64_t macs) const {
    if (listener != nullptr) {
      listener->begin(macs);
    }
  }
};

}  // namespace potomac::sim
