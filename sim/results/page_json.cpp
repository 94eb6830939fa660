#include "sim/results/page_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/results/columns.hpp"
#include "sim/results/json_tree.hpp"

namespace potomac::sim {
namespace {

// The pass of the first machine that takes longest, of those that the timeline shows.
const TimelineSlice* longest_pass(const Timeline& timeline) {
  const TimelineSlice* longest = nullptr;
  for (const TimelineSlice& pass :
       timeline.machines.front().tracks[MachineTimeline::kPasses].slices) {
    const bool has_detail =
        std::ranges::any_of(timeline.machines.front().tracks[MachineTimeline::kArray].slices,
                            [&](const TimelineSlice& slice) {
                              return slice.begin < pass.end && slice.end > pass.begin;
                            });
    if (has_detail && (longest == nullptr || pass.cycles() > longest->cycles())) {
      longest = &pass;
    }
  }
  return longest;
}

// Of a track: what has a part in the pass. `until` falls to where slices are left out.
Json track_json(const TimelineTrack& track, const TimelineSlice& pass, double& until) {
  Json slices = Json::array();
  for (const TimelineSlice& slice : track.slices) {
    if (slice.end <= pass.begin || slice.begin >= pass.end) {
      continue;
    }
    if (slices.size() == kMostPageSlices) {
      until = std::min(until, slice.begin);
      break;
    }
    Json facts = Json::object();
    for (const TimelineSlice::Fact& fact : slice.facts) {
      if (!fact.name.empty()) {
        facts[std::string(fact.name)] = fact.value;
      }
    }
    slices.push_back({slice.begin - pass.begin, slice.end - pass.begin, slice.name, facts});
  }
  return {{"name", track.name}, {"slices", std::move(slices)}};
}

Json timeline_of_pass(const Timeline& timeline) {
  const TimelineSlice* const longest = longest_pass(timeline);
  if (longest == nullptr) {
    return nullptr;
  }
  Json json{{"pass", longest->name}, {"machines", Json::array()}};
  for (const MachineTimeline& machine : timeline.machines) {
    const std::vector<TimelineSlice>& passes = machine.tracks[MachineTimeline::kPasses].slices;
    const auto pass = std::ranges::find(passes, longest->name, &TimelineSlice::name);
    if (pass == passes.end()) {
      continue;
    }
    double until = pass->end;
    if (machine.left_out_from) {
      until = std::min(until, static_cast<double>(*machine.left_out_from));
    }
    Json tracks = Json::array();
    for (std::size_t i = MachineTimeline::kArray; i < machine.tracks.size(); ++i) {
      tracks.push_back(track_json(machine.tracks[i], *pass, until));
    }
    json["machines"].push_back(
        {{"machine", machine.machine},
         {"cycles", pass->cycles()},
         {"shown_until", until < pass->end ? Json(until - pass->begin) : Json(nullptr)},
         {"tracks", std::move(tracks)}});
  }
  return json;
}

Json pe_map_json(const PassPeMap& map) {
  const ArrayShape array = map.machines.front().map.array;
  Json json{{"pass", fmt::format("{} {}", map.layer, workloads::name_of(map.pass))},
            {"rows", array.rows},
            {"cols", array.cols},
            {"too_large", array.pes() > kMostPagePes}};
  if (array.pes() > kMostPagePes) {
    return json;
  }
  for (const PassPeMap::OfMachine& machine : map.machines) {
    Json one{{"machine", machine.machine},
             {"macs", Json::array()},
             {"gated", nullptr},
             {"toggles", nullptr}};
    for (const PeActivity& pe : machine.map.pes) {
      one["macs"].push_back(pe.macs);
      if (map.gated_known) {
        one["gated"].push_back(pe.gated);
      }
      if (map.toggles_known) {
        one["toggles"].push_back(pe.toggles);
      }
    }
    json["machines"].push_back(std::move(one));
  }
  return json;
}

// Each PE of each cycle as [moving, other, sum, result, what it did].
Json frames_json(const ArrayFrames& frames) {
  Json json{{"pass", frames.pass},
            {"dataflow", frames.dataflow},
            {"rows", frames.rows},
            {"cols", frames.cols},
            {"array_rows", frames.array_rows},
            {"array_cols", frames.array_cols},
            {"first_cycle", frames.first_cycle},
            {"cycles", Json::array()}};
  for (const std::vector<PeFrame>& cycle : frames.cycles) {
    Json& pes = json["cycles"].emplace_back(Json::array());
    for (const PeFrame& pe : cycle) {
      const char* const did = pe.gated ? "gated" : pe.multiplied ? "mac" : "idle";
      pes.push_back({pe.moving, pe.other, pe.sum, pe.result, did});
    }
  }
  return json;
}

Json run_json(const NamedRun& named, std::size_t& passes_left) {
  const RunResult& run = named.run;
  const std::size_t shown = std::min(run.passes.size(), passes_left);
  passes_left -= shown;
  Json json{{"name", named.name}};
  json.update(report_tree(run, shown));
  for (const Machine& machine : run.machines) {
    json["labels"][machine.id] = info_of(machine.unit).label;
  }
  const auto& memory = run.architecture.memory;
  json["dram_gb_s"] = memory && memory->dram ? Json(peak_gb_s(*memory->dram)) : Json(nullptr);
  json["passes_not_shown"] = run.passes.size() - shown;
  json["timeline"] = run.timeline ? timeline_of_pass(*run.timeline) : Json(nullptr);
  json["pe_map"] = run.pe_map ? pe_map_json(*run.pe_map) : Json(nullptr);
  json["frames"] = run.frames ? frames_json(*run.frames) : Json(nullptr);
  return json;
}

template <typename Columns>
Json columns_json(const Columns& columns) {
  Json json = Json::array();
  for (const auto& column : columns) {
    if (!column.names.path.empty()) {
      json.push_back({{"path", column.names.path},
                      {"unit", column.names.unit},
                      {"meaning", column.names.meaning}});
    }
  }
  return json;
}

// The text of a page's JSON, with where the documentation is to be read: null, or an address.
std::string page_text(Json json) {
  constexpr const char* kDocsUrl = POTOMAC_DOCS_URL;
  json["docs"] = *kDocsUrl == '\0' ? Json(nullptr) : Json(kDocsUrl);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string page_json(const SweepTable& sweep) {
  Json json{{"name", sweep.name},
            {"columns_left_out", sweep.columns_left_out},
            {"rows_left_out", sweep.rows_left_out}};
  for (const SweepTable::Column& column : sweep.columns) {
    const ColumnNames said = said_of_flat(column.name);
    json["columns"].push_back({{"name", column.name},
                               {"unit", said.unit},
                               {"meaning", said.meaning},
                               {"parameter", column.parameter}});
  }
  Json& rows = json["rows"] = Json::array();
  for (const std::vector<Cell>& cells : sweep.rows) {
    Json row = Json::array();
    for (const Cell& cell : cells) {
      row.push_back(json_of_cell(cell));
    }
    rows.push_back(std::move(row));
  }
  return page_text(Json{{"sweep", std::move(json)}});
}

std::string page_json(std::span<const NamedRun> runs) {
  Json json;
  std::size_t passes_left = kMostPagePasses;
  for (const NamedRun& named : runs) {
    json["runs"].push_back(run_json(named, passes_left));
  }
  json["columns"] = {{"machine", columns_json(machine_columns())},
                     {"energy", columns_json(energy_columns())}};
  for (const energy::ComponentInfo& component : energy::kComponents) {
    json["components"].push_back({{"name", component.name}, {"label", component.label}});
  }
  return page_text(std::move(json));
}

}  // namespace potomac::sim
