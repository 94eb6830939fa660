#include "sim/studies/pass_timeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/machine/cycles.hpp"
#include "sim/machine/fold_timing.hpp"
#include "sim/memory/memory_observer.hpp"
#include "sim/memory/memory_pace.hpp"

namespace potomac::sim {
namespace {

constexpr std::array<std::string_view, 3> kDramBlocks = {"first", "second", "results"};

std::string_view name_of_block(DramBlock block) {
  return kDramBlocks.at(static_cast<std::size_t>(block));
}

// What happens in one pass. Times are the pass's own.
class PassSlices : public MemoryObserver {
 public:
  struct Stall {
    DramBlock block = DramBlock::kFirst;
    std::int64_t begin = 0;
    std::int64_t end = 0;
  };

  // `shows`: the cycles of the pass that are of interest, from and to. `most`: slices of its array,
  // and of all else.
  PassSlices(std::pair<double, double> shows, std::size_t most, std::size_t tracks)
      : from_(shows.first), until_(shows.second), most_(most), tracks_(tracks) {}

  void stalled(DramBlock block, std::int64_t begin, std::int64_t end) override {
    stalls_.push_back({block, begin, end});
  }
  void transferred(const DramRequest& request, std::int64_t asked, double begin,
                   double end) override {
    const auto engine = static_cast<std::size_t>(request.block);
    last_transfer_ = begin;
    // An engine of a device is asked for more before all is there.
    begin = std::max(begin, engine_free_.at(engine));
    engine_free_.at(engine) = std::max(begin, end);
    add_to_memory(MachineTimeline::kDma + engine,
                  {.begin = begin,
                   .end = end,
                   .name = request.write ? "write" : "read",
                   .facts = {{{"bits", request.bits}, {"asked", asked}}}});
  }
  void passed(std::size_t channel, bool write, double begin, double end) override {
    add_to_memory(MachineTimeline::kDram + channel,
                  {.begin = begin, .end = end, .name = write ? "write" : "read", .facts = {}});
  }
  bool has_enough(std::int64_t now) override {
    const double told = std::min(static_cast<double>(now), last_transfer_);
    if (of_memory_ >= most_) {
      until_ = std::min(until_, told);
    }
    return told > until_ || of_memory_ >= most_;
  }

  // No more is told than till here.
  double until() const { return until_; }
  // Says whether there may be more.
  bool add_to_array(TimelineSlice slice) {
    if (of_array_ >= most_) {
      until_ = std::min(until_, slice.begin);
    }
    const double end = slice.end;
    of_array_ += add(MachineTimeline::kArray, std::move(slice)) ? 1 : 0;
    return end < until_;
  }
  std::span<const Stall> stalls() const { return stalls_; }
  // What begins before until().
  std::vector<std::vector<TimelineSlice>> take() {
    for (std::vector<TimelineSlice>& track : tracks_) {
      std::erase_if(track, [&](const TimelineSlice& slice) { return slice.begin >= until_; });
    }
    return std::move(tracks_);
  }

 private:
  void add_to_memory(std::size_t track, TimelineSlice slice) {
    of_memory_ += add(track, std::move(slice)) ? 1 : 0;
  }
  bool add(std::size_t track, TimelineSlice slice) {
    const bool shows = slice.begin < slice.end && slice.begin < until_ && slice.end > from_;
    if (shows) {
      tracks_[track].push_back(std::move(slice));
    }
    return shows;
  }

  double from_;
  double until_;
  std::size_t most_;
  std::size_t of_memory_ = 0;
  std::size_t of_array_ = 0;
  double last_transfer_ = 0.0;  // when it began
  std::vector<Stall> stalls_;   // in their order
  std::array<double, 3> engine_free_{};
  std::vector<std::vector<TimelineSlice>> tracks_;
};

// The phases of the array as if it never had to wait, cut by the stalls.
class ArrayPhases {
 public:
  explicit ArrayPhases(PassSlices& slices) : slices_(slices) {}

  // The next so many cycles of it. `fold`: its number; -1 if it is of none. Says whether more is of
  // interest.
  bool add(std::string_view phase, std::int64_t cycles, std::int64_t fold) {
    const std::int64_t end = now_ + cycles;
    while (stall_ < slices_.stalls().size() && slices_.stalls()[stall_].begin - held_ < end) {
      add_part(phase, slices_.stalls()[stall_].begin - held_, fold);
      add_stall();
    }
    return add_part(phase, end, fold);
  }
  void add_rest() {
    while (stall_ < slices_.stalls().size()) {
      add_stall();
    }
  }

 private:
  double time() const { return static_cast<double>(now_ + held_); }

  bool add_part(std::string_view phase, std::int64_t end, std::int64_t fold) {
    TimelineSlice slice{.begin = time(), .end = 0.0, .name = std::string(phase), .facts = {}};
    now_ = end;
    slice.end = time();
    if (fold >= 0) {
      slice.facts.front() = {"fold", fold};
    }
    return slices_.add_to_array(std::move(slice));
  }
  void add_stall() {
    const PassSlices::Stall& stall = slices_.stalls()[stall_++];
    held_ += stall.end - stall.begin;
    slices_.add_to_array({.begin = static_cast<double>(stall.begin),
                          .end = static_cast<double>(stall.end),
                          .name = fmt::format("stall: {}", name_of_block(stall.block)),
                          .facts = {}});
  }

  PassSlices& slices_;
  std::size_t stall_ = 0;  // the next one
  std::int64_t now_ = 0;   // without stalls
  std::int64_t held_ = 0;  // by those so far
};

bool has_dram(const Architecture& architecture) {
  return architecture.memory && architecture.memory->dram;
}

std::vector<TimelineTrack> tracks_of(const Architecture& architecture) {
  std::vector<TimelineTrack> tracks = {{"passes", {}}, {"array", {}}};
  if (!has_dram(architecture)) {
    return tracks;
  }
  for (const std::string_view block : kDramBlocks) {
    tracks.push_back({fmt::format("DMA: {}", block), {}});
  }
  const DramConfig& dram = *architecture.memory->dram;
  for (std::int64_t channel = 0; dram.device && channel < preset_of(dram).channels; ++channel) {
    tracks.push_back({fmt::format("DRAM channel {}", channel), {}});
  }
  return tracks;
}

void add_slices(PassSlices& slices, const PlannedPass& planned, const Architecture& architecture) {
  const Schedule& schedule = *planned.plan.schedule;
  if (planned.memory != nullptr && has_dram(architecture)) {
    auto operands = operands_of(*planned.plan.layer, planned.plan.pass, architecture.lowering);
    MemoryPace pace(architecture, schedule, operands, planned.memory->bits);
    pace.observe(slices);
    pace.total_stalls(schedule, architecture.issue);
  }
  ArrayPhases array(slices);
  for (FoldWalk walk(schedule, architecture.issue); !walk.done(); walk.next()) {
    const FoldTiming& fold = walk.now();
    const auto number = static_cast<std::int64_t>(fold.number);
    array.add("preload", fold.preload, number);
    if (!array.add("stream", fold.share, number)) {
      return;
    }
  }
  array.add("drain", static_cast<std::int64_t>(cycles_of(schedule, architecture.issue).drain), -1);
  array.add_rest();
}

std::uint64_t cycles_of(const PlannedPass& planned, const Architecture& architecture) {
  const std::uint64_t cycles = cycles_of(*planned.plan.schedule, architecture.issue).total();
  return cycles + (planned.memory == nullptr ? 0 : planned.memory->stalls.total());
}

// Adds a pass behind those that the timeline has.
void add_pass(MachineTimeline& timeline, const PlannedPass& planned, const std::string& name,
              const Architecture& architecture, const TimelineOptions& options) {
  std::size_t slices_left = options.most_slices;
  for (std::size_t track = MachineTimeline::kArray; track < timeline.tracks.size(); ++track) {
    slices_left -= std::min(slices_left, timeline.tracks[track].slices.size());
  }
  const std::uint64_t cycles = cycles_of(planned, architecture);
  const auto offset = static_cast<double>(timeline.cycles);
  timeline.cycles += cycles;
  const auto end = static_cast<double>(timeline.cycles);
  const CycleWindow window =
      options.window.value_or(CycleWindow{0, std::numeric_limits<std::uint64_t>::max()});
  const auto from = static_cast<double>(window.begin);
  const auto to = static_cast<double>(window.end);
  if (cycles == 0 || offset >= to || end <= from) {
    return;
  }
  timeline.tracks[MachineTimeline::kPasses].slices.push_back(
      {.begin = offset,
       .end = end,
       .name = name,
       .facts = {{{"MACs", static_cast<std::int64_t>(planned.plan.macs)}, {}}}});
  if (timeline.left_out_from) {
    return;
  }
  const double shows_until = std::min(to, end) - offset;
  PassSlices slices({from - offset, shows_until}, slices_left / 2, timeline.tracks.size());
  add_slices(slices, planned, architecture);
  if (slices.until() < shows_until) {
    timeline.left_out_from = static_cast<std::uint64_t>(offset + slices.until());
  }
  std::vector<std::vector<TimelineSlice>> added = slices.take();
  for (std::size_t i = 0; i < added.size(); ++i) {
    for (TimelineSlice& slice : added[i]) {
      slice.begin += offset;
      slice.end += offset;
      timeline.tracks[i].slices.push_back(std::move(slice));
    }
  }
}

const PassItem* longest_item(const PassPlans& plans) {
  const auto cycles = [&](const PassItem& item) {
    return cycles_of(plans.of(item).front(), plans.architecture());
  };
  const auto& items = plans.list().items();
  return items.empty() ? nullptr : &*std::ranges::max_element(items, {}, cycles);
}

}  // namespace

Timeline timeline_of(const PassPlans& plans, const TimelineOptions& options) {
  const Architecture& architecture = plans.architecture();
  const PassItem* const longest = options.longest_pass ? longest_item(plans) : nullptr;
  Timeline timeline;
  timeline.clock_mhz = architecture.clock_mhz;
  for (std::size_t i = 0; i < plans.machines().size(); ++i) {
    MachineTimeline& machine = timeline.machines.emplace_back();
    machine.machine = info_of(plans.machines()[i].unit).label;
    machine.tracks = tracks_of(architecture);
    for (const PassItem& item : plans.list().items()) {
      if (options.check_stop) {
        options.check_stop();
      }
      if (longest != nullptr && &item != longest) {
        machine.cycles += cycles_of(plans.of(item)[i], architecture);
        continue;
      }
      const std::string name =
          fmt::format("{} {}", plans.list().layer(item).name, workloads::name_of(item.pass));
      add_pass(machine, plans.of(item)[i], name, architecture, options);
    }
  }
  return timeline;
}

}  // namespace potomac::sim
