#include "sim/engines/interface/worker_pool.hpp"

#include <algorithm>
#include <system_error>

namespace potomac::sim {

WorkerPool::WorkerPool(unsigned threads) {
  if (threads == 0) {
    threads = std::max(1U, std::thread::hardware_concurrency());
  }
  workers_.reserve(threads - 1);
  try {
    for (unsigned thread = 1; thread < threads; ++thread) {
      workers_.emplace_back([this, thread] { work(thread); });
    }
  } catch (const std::system_error&) {
    // The machine gives no more threads. The result does not depend on their number.
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  start_.notify_all();
  for (std::thread& worker : workers_) {
    worker.join();
  }
}

void WorkerPool::for_each(std::size_t count,
                          const std::function<void(std::size_t, unsigned)>& body) {
  if (workers_.empty() || count <= 1) {
    for (std::size_t index = 0; index < count; ++index) {
      body(index, 0);
    }
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    body_ = &body;
    next_ = 0;
    count_ = count;
    failure_ = nullptr;
    running_ = threads();
    ++round_;
  }
  start_.notify_all();
  take_indices(0);
  std::unique_lock lock(mutex_);
  finish_.wait(lock, [this] { return running_ == 0; });
  if (failure_) {
    std::rethrow_exception(failure_);
  }
}

void WorkerPool::work(unsigned thread) {
  std::uint64_t seen = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      start_.wait(lock, [&] { return stopping_ || round_ != seen; });
      if (stopping_) {
        return;
      }
      seen = round_;
    }
    take_indices(thread);
  }
}

void WorkerPool::take_indices(unsigned thread) {
  std::unique_lock lock(mutex_);
  while (next_ < count_) {
    const std::size_t index = next_++;
    lock.unlock();
    try {
      (*body_)(index, thread);
      lock.lock();
    } catch (...) {
      lock.lock();
      failure_ = failure_ ? failure_ : std::current_exception();
      next_ = count_;  // the others stop after the index in hand
    }
  }
  if (--running_ == 0) {
    finish_.notify_all();
  }
}

}  // namespace potomac::sim
