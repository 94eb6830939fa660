// A DRAM device as its controller has to know it: what is in a channel, and how many of its clock
// cycles lie between two commands at least (docs/memory.md). Presets are files, sim/dram/*.yaml.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "support/shipped_files.hpp"
#include "support/yaml_reader.hpp"

namespace potomac::sim {

// Times between commands, in cycles of DRAM's clock. _S: of two bank groups, _L: of one.
struct DramTiming {
  std::int64_t cl = 0;       // a read, to the first of its data
  std::int64_t cwl = 0;      // a write, to the first of its data
  std::int64_t t_rcd = 0;    // activate to read or write
  std::int64_t t_rp = 0;     // precharge to activate or refresh
  std::int64_t t_ras = 0;    // activate to precharge
  std::int64_t t_rc = 0;     // activate to activate of the same bank, or to refresh
  std::int64_t t_wr = 0;     // end of a write's data to precharge
  std::int64_t t_wtr_s = 0;  // end of a write's data to read
  std::int64_t t_wtr_l = 0;
  std::int64_t t_rtp = 0;    // read to precharge
  std::int64_t t_ccd_s = 0;  // read to read, write to write
  std::int64_t t_ccd_l = 0;
  std::int64_t t_rrd_s = 0;  // activate to activate of another bank
  std::int64_t t_rrd_l = 0;
  std::int64_t t_faw = 0;       // activate to the fourth behind it
  std::int64_t turnaround = 0;  // the data bus is empty between a read's data and a write's
  std::int64_t t_refi = 0;      // between refreshes
  std::int64_t t_rfc = 0;       // refresh to activate

  friend bool operator==(const DramTiming&, const DramTiming&) = default;
};

struct DramTimingKey {
  std::string_view name;
  std::int64_t DramTiming::*member;
};
inline constexpr std::array<DramTimingKey, 18> kDramTimings = {{
    {"CL", &DramTiming::cl},
    {"CWL", &DramTiming::cwl},
    {"tRCD", &DramTiming::t_rcd},
    {"tRP", &DramTiming::t_rp},
    {"tRAS", &DramTiming::t_ras},
    {"tRC", &DramTiming::t_rc},
    {"tWR", &DramTiming::t_wr},
    {"tWTR_S", &DramTiming::t_wtr_s},
    {"tWTR_L", &DramTiming::t_wtr_l},
    {"tRTP", &DramTiming::t_rtp},
    {"tCCD_S", &DramTiming::t_ccd_s},
    {"tCCD_L", &DramTiming::t_ccd_l},
    {"tRRD_S", &DramTiming::t_rrd_s},
    {"tRRD_L", &DramTiming::t_rrd_l},
    {"tFAW", &DramTiming::t_faw},
    {"turnaround", &DramTiming::turnaround},
    {"tREFI", &DramTiming::t_refi},
    {"tRFC", &DramTiming::t_rfc},
}};

inline constexpr std::int64_t kMaxDramChannels = 1024;
inline constexpr std::int64_t kMostDramQueue = 64;

struct DramPreset {
  std::string name;
  std::string source;
  std::int64_t clock_khz = 0;
  std::int64_t channels = 1;
  std::int64_t bus_bits = 64;  // of a channel
  std::int64_t burst_length = 8;
  std::int64_t bank_groups = 1;
  std::int64_t banks_per_group = 8;
  std::int64_t row_bytes = 2048;  // of a bank, over all devices of a channel
  std::int64_t queue = 32;        // bursts that a channel's controller chooses from
  DramTiming cycles;

  std::int64_t burst_bits() const { return bus_bits * burst_length; }
  // Data move at both edges of the clock.
  std::int64_t burst_cycles() const { return burst_length / 2; }
  std::int64_t banks() const { return bank_groups * banks_per_group; }
  std::int64_t bursts_per_row() const { return row_bytes * 8 / burst_bits(); }
  // The bandwidth of one channel, 10^9 bytes a second: bus_bits at both edges.
  double channel_gb_s() const { return static_cast<double>(bus_bits * clock_khz) / 4e6; }
  // The time of a read of a closed row, to its first bit.
  double idle_latency_ns() const {
    return static_cast<double>(cycles.t_rcd + cycles.cl) * 1e6 / static_cast<double>(clock_khz);
  }

  friend bool operator==(const DramPreset&, const DramPreset&) = default;
};

inline constexpr std::string_view kDramPresetFormat = "potomac-dram";

struct DramExtentKey {
  std::string_view name;
  std::int64_t DramPreset::*member;
  std::int64_t high;
  bool power_of_two;  // addresses are split by it
};
inline constexpr std::array<DramExtentKey, 7> kDramExtents = {{
    {"channels", &DramPreset::channels, kMaxDramChannels, false},
    {"bus_bits", &DramPreset::bus_bits, 4096, true},
    {"burst_length", &DramPreset::burst_length, 64, true},
    {"bank_groups", &DramPreset::bank_groups, 16, true},
    {"banks_per_group", &DramPreset::banks_per_group, 64, true},
    {"row_bytes", &DramPreset::row_bytes, 1 << 20, true},
    {"queue", &DramPreset::queue, kMostDramQueue, false},
}};

// Throws InputError: a key that is missing or unknown, a value out of range, or an impossible one,
// with the rule that it breaks.
DramPreset parse_dram_preset(const YamlValue& root);

// The presets in sim/dram/, or where they are installed.
ShippedFiles shipped_dram_presets();
// `name_or_path`: the name of a shipped one, or a file.
DramPreset load_dram_preset(const std::string& name_or_path);

}  // namespace potomac::sim
