// What machines do, cycle by cycle, as slices on tracks: what a timeline shows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potomac::sim {

// Times are cycles of the array from the machine's first pass on: whole ones, but for what passes a
// DRAM's bus.
struct TimelineSlice {
  struct Fact {
    std::string_view name;  // empty: none
    std::int64_t value = 0;

    friend bool operator==(const Fact&, const Fact&) = default;
  };

  double begin = 0.0;
  double end = 0.0;
  std::string name;
  std::array<Fact, 2> facts = {};

  double cycles() const { return end - begin; }
  friend bool operator==(const TimelineSlice&, const TimelineSlice&) = default;
};

struct TimelineTrack {
  std::string name;
  std::vector<TimelineSlice> slices;  // they rise and do not overlap
};

// The machine's passes, one behind the other; what its array does ("preload", "stream", "drain",
// and stalls by their cause, which together are all of its cycles); its DMA engines: while their
// data pass a DRAM that is a bandwidth, or from when a device turns to a transfer, or the engine
// has the one before, till it is there; and the data that pass a device's channels.
struct MachineTimeline {
  static constexpr std::size_t kPasses = 0;
  static constexpr std::size_t kArray = 1;
  static constexpr std::size_t kDma = 2;  // of the first operand, the second, results
  static constexpr std::size_t kDram = 5;

  std::string machine;
  std::vector<TimelineTrack> tracks;  // the last ones only if there is a DRAM that is not ideal
  std::uint64_t cycles = 0;
  // There are too many slices: behind this cycle there are passes only.
  std::optional<std::uint64_t> left_out_from;
};

struct Timeline {
  double clock_mhz = 0.0;  // of the arrays
  std::vector<MachineTimeline> machines;

  std::size_t slices() const {
    std::size_t sum = 0;
    for (const MachineTimeline& machine : machines) {
      for (const TimelineTrack& track : machine.tracks) {
        sum += track.slices.size();
      }
    }
    return sum;
  }
};

}  // namespace potomac::sim
