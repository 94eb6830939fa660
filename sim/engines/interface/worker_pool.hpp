// A fixed set of threads that share out the iterations of a loop.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace potomac::sim {

class WorkerPool {
 public:
  // `threads` counts the caller: 1 makes no thread. 0 means all cores. Where the machine does not
  // give as many threads, the pool makes do with fewer.
  explicit WorkerPool(unsigned threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  unsigned threads() const { return static_cast<unsigned>(workers_.size()) + 1; }

  // Runs body(index, thread) once for each index in [0, count), in any order, thread in
  // [0, threads()); returns when all are done. The first exception is rethrown, after the others
  // have stopped. Not to be called from inside of a body.
  void for_each(std::size_t count, const std::function<void(std::size_t, unsigned)>& body);

 private:
  void work(unsigned thread);
  void take_indices(unsigned thread);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable start_;
  std::condition_variable finish_;
  const std::function<void(std::size_t, unsigned)>* body_ = nullptr;
  std::size_t next_ = 0;
  std::size_t count_ = 0;
  unsigned running_ = 0;
  std::uint64_t round_ = 0;
  bool stopping_ = false;
  std::exception_ptr failure_;
};

}  // namespace potomac::sim
