#include "sim/cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace potomac::sim {
namespace {

constexpr auto kRedrawEvery = std::chrono::milliseconds(100);
constexpr std::uint64_t kBarWidth = 24;
constexpr double kSecondsTillSaid = 5.0;
// Of one thread, measured: only to say how long it will take.
constexpr double kBurstsPerSecond = 25e6;

std::string clock_text(double seconds) {
  const auto whole = std::llround(seconds);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

Progress::Progress(unsigned threads)
    : terminal_(::isatty(STDERR_FILENO) == 1),
      threads_(threads),
      start_(std::chrono::steady_clock::now()),
      drawn_(start_) {}

Progress::~Progress() {
  end();
}

void Progress::begin(Work work, std::uint64_t amount) {
  const auto count = static_cast<double>(amount);
  const double minutes = count / (kBurstsPerSecond * threads_) / 60.0;
  if (work == Work::kBursts && minutes >= 1.0) {
    end();
    const std::string note = fmt::format(
        "potomac: a DRAM device serves about {:.0f} million bursts, one by one: some {:.0f} "
        "minutes; memory.dram.bandwidth_gb_s in place of its preset takes seconds\n",
        count / 1e6, std::ceil(minutes));
    std::fputs(note.c_str(), stderr);
  }
  counts_points_ = counts_points_ || work == Work::kPoints;
  if (is_counted(work)) {
    begin(amount);
  }
}

void Progress::advance(Work work, std::uint64_t amount, std::string_view what) {
  advance(is_counted(work) ? amount : 0, what);
  if (work == Work::kTiles) {
    say_if_tiles_take_long();
  }
}

void Progress::tell(std::string_view line) {
  const std::lock_guard lock(mutex_);
  end();
  std::fputs(fmt::format("potomac: {}\n", line).c_str(), stderr);
}

// How long that will be cannot be told before some are chosen.
void Progress::say_if_tiles_take_long() {
  const std::lock_guard lock(mutex_);
  const double spent =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double minutes = spent * static_cast<double>(total_) / static_cast<double>(done_) / 60.0;
  if (is_said_ || spent < kSecondsTillSaid || minutes < 1.0) {
    return;
  }
  is_said_ = true;
  end();
  const std::string note = fmt::format(
      "potomac: to choose tiles takes some {:.0f} minutes; where memory.dram.bandwidth_gb_s has "
      "few digits, like 25.6, it is quicker\n",
      std::ceil(minutes));
  std::fputs(note.c_str(), stderr);
}

void Progress::begin(std::uint64_t total) {
  total_ = std::max<std::uint64_t>(total, 1);
  done_ = 0;
  start_ = drawn_ = std::chrono::steady_clock::now();
}

void Progress::end() const {
  if (terminal_) {
    std::fputs("\r\x1b[K", stderr);
  }
}

void Progress::advance(std::uint64_t amount, std::string_view label) {
  const std::lock_guard lock(mutex_);
  done_ += amount;
  if (!terminal_) {
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now - drawn_ >= kRedrawEvery) {
    drawn_ = now;
    draw(label);
  }
}

void Progress::draw(std::string_view label) {
  const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
  const auto filled = static_cast<std::size_t>(share * kBarWidth);
  const double spent = std::chrono::duration<double>(drawn_ - start_).count();
  const std::string rate =
      counts_points_ ? fmt::format("{:.0f} points/s  ", static_cast<double>(done_) / spent) : "";
  const std::string bar = fmt::format("\r\x1b[K[{:#<{}}{:.<{}}] {:3.0f}%  {}{} left  {}", "",
                                      filled, "", kBarWidth - filled, 100.0 * share, rate,
                                      share > 0.0 ? clock_text(spent / share - spent) : "?", label);
  // A terminal that went away is no reason to stop.
  std::fputs(bar.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace potomac::sim
