#include "sim/results/timeline_json.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <iterator>
#include <string_view>

#include "sim/results/json_tree.hpp"

namespace potomac::sim {
namespace {

std::string quoted_json(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void add_name(fmt::memory_buffer& text, std::string_view kind, std::size_t process,
              std::size_t thread, const std::string& name) {
  fmt::format_to(std::back_inserter(text),
                 R"({{"ph":"M","name":"{}","pid":{},"tid":{},"args":{{"name":{}}}}},)"
                 "\n",
                 kind, process, thread, quoted_json(name));
}

void add_slice(fmt::memory_buffer& text, std::size_t process, std::size_t thread,
               const TimelineSlice& slice) {
  const auto out = std::back_inserter(text);
  fmt::format_to(out, R"({{"ph":"X","pid":{},"tid":{},"ts":{},"dur":{},"name":{},"args":{{)",
                 process, thread, slice.begin, slice.cycles(), quoted_json(slice.name));
  std::string_view between;
  for (const TimelineSlice::Fact& fact : slice.facts) {
    if (!fact.name.empty()) {
      fmt::format_to(out, R"({}"{}":{})", between, fact.name, fact.value);
      between = ",";
    }
  }
  fmt::format_to(out, "}}}},\n");
}

}  // namespace

std::string timeline_json(const Timeline& timeline) {
  fmt::memory_buffer text;
  fmt::format_to(std::back_inserter(text), R"({{"displayTimeUnit":"ns",
"otherData":{{"axis":"1 us is a cycle of the array","clock_mhz":{}}},
"traceEvents":[
)",
                 timeline.clock_mhz);
  for (std::size_t i = 0; i < timeline.machines.size(); ++i) {
    const MachineTimeline& machine = timeline.machines[i];
    add_name(text, "process_name", i + 1, 0, machine.machine);
    for (std::size_t track = 0; track < machine.tracks.size(); ++track) {
      add_name(text, "thread_name", i + 1, track + 1, machine.tracks[track].name);
      for (const TimelineSlice& slice : machine.tracks[track].slices) {
        add_slice(text, i + 1, track + 1, slice);
      }
    }
  }
  text.resize(text.size() - 2);  // the last comma
  fmt::format_to(std::back_inserter(text), "\n]}}\n");
  return fmt::to_string(text);
}

std::string timeline_text(const Timeline& timeline, const std::string& file) {
  std::string text =
      fmt::format("timeline: {}, {} slices; open it at ui.perfetto.dev\n", file, timeline.slices());
  for (const MachineTimeline& machine : timeline.machines) {
    if (machine.left_out_from) {
      text += fmt::format(
          "  {}: behind cycle {} of {} there are passes only; --timeline-cycles shows others\n",
          machine.machine, *machine.left_out_from, machine.cycles);
    }
  }
  return text;
}

}  // namespace potomac::sim
