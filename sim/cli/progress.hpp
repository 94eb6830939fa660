// Progress of long work on a terminal: one line that redraws itself; silent where it is not a
// terminal. What makes planning take minutes is said anywhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "sim/studies/caller.hpp"

namespace potomac::sim {

// Draws on standard error.
class Progress : public Listener {
 public:
  explicit Progress(unsigned threads = 1);
  ~Progress() override;  // as end() does
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void begin(Work work, std::uint64_t amount) override;
  void advance(Work work, std::uint64_t amount, std::string_view what) override;
  void tell(std::string_view line) override;
  // `total` is the amount of work, in whatever unit advance() counts.
  void begin(std::uint64_t total);
  void advance(std::uint64_t amount, std::string_view label);
  void end() const;  // wipes the line

 private:
  // Points of a sweep stay what is counted, whatever is told besides.
  bool is_counted(Work work) const { return !counts_points_ || work == Work::kPoints; }
  void draw(std::string_view label);
  void say_if_tiles_take_long();

  std::mutex mutex_;
  bool terminal_;
  unsigned threads_;
  std::uint64_t total_ = 1;
  std::uint64_t done_ = 0;
  bool is_said_ = false;
  bool counts_points_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
};

}  // namespace potomac::sim
