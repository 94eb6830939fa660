// Progress of long work on a terminal: one line that redraws itself; silent where it is not a
// terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace potomac::sim {

// Draws on standard error. May be called from several threads.
class Progress {
 public:
  // `total` is the amount of work, in whatever unit advance() counts.
  explicit Progress(std::uint64_t total);
  ~Progress();  // wipes the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::uint64_t amount, std::string_view label);

 private:
  void draw(std::string_view label);

  std::mutex mutex_;
  bool terminal_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
};

}  // namespace potomac::sim
