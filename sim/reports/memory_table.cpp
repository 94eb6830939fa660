#include "sim/reports/memory_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/reports/cell_text.hpp"
#include "sim/results/columns.hpp"
#include "sim/results/gemm_text.hpp"
#include "sim/results/si_units.hpp"

namespace potomac::sim {
namespace {

std::string bytes_text(const energy::MemoryAccesses& accesses) {
  return si_bytes((accesses.dram.read_bits + accesses.dram.written_bits).value() / 8);
}

// What most of the stalls are spent waiting for.
std::string waits_for(const StallBy& stalls) {
  const std::array<std::pair<std::string_view, std::uint64_t>, 3> causes = {
      {{"first", stalls.first.value()},
       {"second", stalls.second.value()},
       {"results", stalls.results.value()}}};
  const auto& largest =
      *std::ranges::max_element(causes, {}, &std::pair<std::string_view, std::uint64_t>::second);
  return largest.second == 0 ? "-" : std::string(largest.first);
}

// Loops that all of a pass's tiles share.
std::string loops_text(const std::vector<Blocking>& tiles) {
  if (tiles.empty()) {
    return "-";
  }
  const bool shared = std::ranges::all_of(
      tiles, [&](const Blocking& tile) { return tile.order == tiles.front().order; });
  return shared ? std::string(loop_order_text(tiles.front().order)) : "differ";
}

// `of_fp32` is what the FP32 array did in the same work.
std::vector<std::string> row_of(std::string name, std::string tiles, std::string loops,
                                const MachineSource& source, const Quantities& of_fp32) {
  const Quantities& q = source.quantities;
  const auto cell = [&](const char* flat) { return text_cell(machine_column(flat).get(source)); };
  const Cell intensity = machine_column("memory_macs_per_byte").get(source);
  const double* const macs = std::get_if<double>(&intensity);
  const auto share = [](std::uint64_t part, std::uint64_t whole) {
    return share_text(static_cast<double>(part), static_cast<double>(whole));
  };
  std::vector<std::string> row = {std::move(name),
                                  std::move(tiles),
                                  std::move(loops),
                                  bytes_text(q.memory),
                                  macs == nullptr ? "-" : fmt::format("{:.3g}", *macs),
                                  cell("memory_roofline"),
                                  cell("memory_bound_by"),
                                  cell("memory_bandwidth_used")};
  if (q.memory.row_hits.known()) {
    row.push_back(
        share(q.memory.row_hits.value(), (q.memory.row_hits + q.memory.row_misses).value()));
  }
  row.insert(row.end(),
             {share(q.cycles.stall, q.cycles.total()), waits_for(q.stall_by),
              bytes_text(of_fp32.memory), share(of_fp32.cycles.stall, of_fp32.cycles.total())});
  return row;
}

std::string size_text(std::string_view name, const ScratchpadConfig& scratchpad) {
  return fmt::format("{} {} KiB{}", name, scratchpad.kib,
                     scratchpad.double_buffered ? " (two halves)" : "");
}

// What the tiles cost beside those of the other objective.
std::string choice_text(const RunResult& result) {
  TilesCosts sum;
  for (const TilesCostInfo& cost : kTilesCosts) {
    Count& total = sum.*cost.member;
    total = Count(0);
    for (const PassRecord& record : result.passes) {
      const MachineRecord& of_mf_mac = record.machines[kMfMacMachine];
      total += of_mf_mac.tiles.empty() ? Count(0) : of_mf_mac.tiles_costs.*cost.member;
    }
    if (!total.known()) {
      return "";
    }
  }
  const MemoryConfig& memory = *result.architecture.memory;
  const auto costs = [](const Count& cycles, const Count& bits) {
    return fmt::format("{} cycles and {}", si_count(cycles.value()), si_bytes(bits.value() / 8));
  };
  const std::string time = costs(sum.time_cycles, sum.time_dram_bits);
  const std::string traffic = costs(sum.traffic_cycles, sum.traffic_dram_bits);
  const std::string judged =
      memory.dram && memory.dram->device ? ", DRAM reckoned as a bandwidth and a latency" : "";
  if (!memory.tiles.empty()) {
    return paragraph(fmt::format(
        "Tiles: given or chosen, {}; those that are done first, {}; those with the least traffic, "
        "{} (each GEMM alone{}).",
        costs(sum.cycles, sum.dram_bits), time, traffic, judged));
  }
  const bool by_time = memory.objective == TileObjective::kTime;
  return paragraph(fmt::format(
      "Tiles are those {}: {}. Those {} (memory.objective {}): {} (each GEMM alone{}).",
      by_time ? "that are done first" : "with the least traffic", by_time ? time : traffic,
      by_time ? "with the least traffic" : "that are done first",
      name_of(by_time ? TileObjective::kTraffic : TileObjective::kTime), by_time ? traffic : time,
      judged));
}

}  // namespace

std::string memory_table(const RunResult& result, TextForm form) {
  if (!result.architecture.memory) {
    return "";
  }
  const MemoryConfig& memory = *result.architecture.memory;
  const bool has_device = memory.dram && memory.dram->device;
  const Machine& mf_mac = result.machines[kMfMacMachine];
  std::string text = paragraph(
      fmt::format("Memory: scratchpads {}, {}, {}; DRAM {}.", size_text("first", memory.first),
                  size_text("second", memory.second), size_text("results", memory.results),
                  memory.dram ? text_of(*memory.dram) : "ideal"));
  text += '\n';
  std::vector<std::string> header = {"layer, pass", "tile, MxNxK", "loops",    "DRAM",
                                     "MACs/B",      "roof",        "bound by", "used"};
  if (has_device) {
    header.emplace_back("row hits");
  }
  header.insert(header.end(), {"stall", "waits for", "FP32: DRAM", "stall"});
  TextTable table(std::move(header), 1);
  std::string_view last_layer;
  for (const PassRecord& record : result.passes) {
    if (record.layer != last_layer) {
      table.add_section(record.layer);
      last_layer = record.layer;
    }
    const std::string pass(workloads::name_of(record.pass));
    const MachineRecord& of_mf_mac = record.machines[kMfMacMachine];
    table.add(row_of(form == TextForm::kMarkdown ? pass : fmt::format(" {}", pass),
                     tile_text(of_mf_mac.tiles), loops_text(of_mf_mac.tiles),
                     {of_mf_mac.quantities, mf_mac, result.architecture, &of_mf_mac},
                     record.machines[kFp32Machine].quantities));
  }
  table.add_rule();
  table.add(row_of("total", "", "", {result.totals[kMfMacMachine], mf_mac, result.architecture},
                   result.totals[kFp32Machine]));
  text += table.text(form);
  text += '\n';
  text += paragraph(fmt::format(
      "MACs/B: for each byte between DRAM and scratchpads{}. roof: the part of the array's peak "
      "that "
      "DRAM's bandwidth allows. used: of that bandwidth. stall: cycles that the array waited, most "
      "of them for what stands behind.",
      has_device ? ", in whole bursts" : ""));
  text += choice_text(result);
  return text;
}

}  // namespace potomac::sim
