// Long work called from Python: on a thread of its own, while the calling one lets other Python
// threads run, tells of progress, and looks whether the user pressed Ctrl-C.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "sim/studies/caller.hpp"

namespace potomac::python {

// Counts what is done, a sweep's points or else MACs; read by the waiting thread.
class Done : public sim::Listener {
 public:
  void begin(sim::Work work, std::uint64_t amount) override {
    if (work == sim::Work::kMacs || work == sim::Work::kPoints) {
      counted_ = work;
      total_ = amount;
    }
  }
  void advance(sim::Work work, std::uint64_t amount, std::string_view /*what*/) override {
    done_ += work == counted_ ? amount : 0;
  }

  std::uint64_t done() const { return done_; }
  std::uint64_t total() const { return total_; }

 private:
  std::atomic<sim::Work> counted_ = sim::Work::kMacs;
  std::atomic<std::uint64_t> total_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
};

// work(const sim::Caller&) on a pool of `threads`. `progress`: None, or called as progress(done,
// total) in MACs, or a sweep's points, some twenty times a second and at the end, on the calling
// thread. What it raises, and KeyboardInterrupt, stop the work and are raised once that has ended.
// The caller holds the GIL.
template <typename Work>
auto in_background(const pybind11::object& progress, unsigned threads, const Work& work) {
  using Result = decltype(work(std::declval<const sim::Caller&>()));
  constexpr std::chrono::milliseconds kTick{50};
  std::optional<Result> result;
  std::exception_ptr failure;
  std::atomic<bool> stop = false;
  Done done;
  std::mutex mutex;
  std::condition_variable ended;
  bool has_ended = false;
  std::thread worker([&] {
    try {
      sim::WorkerPool pool(threads);
      result.emplace(work(sim::Caller{pool, &done, &stop}));
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    has_ended = true;
    ended.notify_one();
  });
  const auto wait = [&] {
    const pybind11::gil_scoped_release released;
    std::unique_lock lock(mutex);
    return ended.wait_for(lock, kTick, [&] { return has_ended; });
  };
  const auto join = [&] {
    const pybind11::gil_scoped_release released;
    worker.join();
  };
  try {
    while (!wait()) {
      if (PyErr_CheckSignals() != 0) {
        throw pybind11::error_already_set();
      }
      if (!progress.is_none()) {
        progress(done.done(), done.total());
      }
    }
    if (!progress.is_none() && !failure) {
      progress(done.done(), done.total());
    }
  } catch (...) {
    stop = true;
    join();
    throw;
  }
  join();
  if (failure) {
    std::rethrow_exception(failure);
  }
  return std::move(*result);
}

}  // namespace potomac::python
