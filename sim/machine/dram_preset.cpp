#include "sim/machine/dram_preset.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>

namespace potomac::sim {
namespace {

constexpr std::int64_t kMostBanks = 64;
constexpr std::int64_t kMostCycles = 1000000;
constexpr double kLeastClockMhz = 1.0;
constexpr double kMostClockMhz = 100000.0;

// No device can be otherwise: left >= right.
struct Law {
  std::string_view text;
  std::int64_t (*left)(const DramPreset&);
  std::int64_t (*right)(const DramPreset&);
  std::string_view key;  // that is too small
};
constexpr std::array<Law, 9> kLaws = {{
    {"tRC >= tRAS + tRP: a bank is closed before it is opened again",
     [](const DramPreset& p) { return p.cycles.t_rc; },
     [](const DramPreset& p) { return p.cycles.t_ras + p.cycles.t_rp; }, "tRC"},
    {"tRAS >= tRCD: a row that is open for the shortest time can be read",
     [](const DramPreset& p) { return p.cycles.t_ras; },
     [](const DramPreset& p) { return p.cycles.t_rcd; }, "tRAS"},
    {"tCCD_S >= burst_length / 2: bursts do not overlap on the data bus",
     [](const DramPreset& p) { return p.cycles.t_ccd_s; },
     [](const DramPreset& p) { return p.burst_cycles(); }, "tCCD_S"},
    {"tCCD_L >= tCCD_S: one bank group is no faster than two",
     [](const DramPreset& p) { return p.cycles.t_ccd_l; },
     [](const DramPreset& p) { return p.cycles.t_ccd_s; }, "tCCD_L"},
    {"tRRD_L >= tRRD_S: one bank group is no faster than two",
     [](const DramPreset& p) { return p.cycles.t_rrd_l; },
     [](const DramPreset& p) { return p.cycles.t_rrd_s; }, "tRRD_L"},
    {"tWTR_L >= tWTR_S: one bank group is no faster than two",
     [](const DramPreset& p) { return p.cycles.t_wtr_l; },
     [](const DramPreset& p) { return p.cycles.t_wtr_s; }, "tWTR_L"},
    {"tFAW >= tRRD_S: four activates take no less time than one",
     [](const DramPreset& p) { return p.cycles.t_faw; },
     [](const DramPreset& p) { return p.cycles.t_rrd_s; }, "tFAW"},
    {"tREFI >= tRFC + tRC + tRP + tWR + CWL + burst_length: between two refreshes there is time "
     "for "
     "an access",
     [](const DramPreset& p) { return p.cycles.t_refi; },
     [](const DramPreset& p) {
       const DramTiming& c = p.cycles;
       return c.t_rfc + c.t_rc + c.t_rp + c.t_wr + c.cwl + p.burst_length;
     },
     "tREFI"},
    {"CL + burst_length / 2 + turnaround >= CWL: a write's data do not overtake a read's",
     [](const DramPreset& p) { return p.cycles.cl + p.burst_cycles() + p.cycles.turnaround; },
     [](const DramPreset& p) { return p.cycles.cwl; }, "CL"},
}};

}  // namespace

DramPreset parse_dram_preset(const YamlValue& root) {
  root.allow_only({"format", "version", "name", "source", "clock_mhz", "channels", "bus_bits",
                   "burst_length", "bank_groups", "banks_per_group", "row_bytes", "queue",
                   "cycles"});
  root.at("format").as_one_of({kDramPresetFormat});
  root.at("version").as_integer(1, 1);
  DramPreset preset;
  preset.name = root.at("name").as_string();
  preset.source = root.at("source").as_string();
  preset.clock_khz =
      std::llround(root.at("clock_mhz").as_number(kLeastClockMhz, kMostClockMhz) * 1e3);
  for (const DramExtentKey& key : kDramExtents) {
    const YamlValue value = root.at(key.name);
    preset.*key.member = value.as_integer(1, key.high);
    if (key.power_of_two && !std::has_single_bit(static_cast<std::uint64_t>(preset.*key.member))) {
      value.fail(fmt::format("{} is no power of two", preset.*key.member),
                 "addresses are split by bits");
    }
  }
  if (preset.burst_length < 2) {
    root.at("burst_length").fail("1 is no burst at both edges of a clock", "write 2 or more");
  }
  if (preset.burst_bits() % 8 != 0 || preset.row_bytes * 8 < preset.burst_bits()) {
    root.at("row_bytes")
        .fail(fmt::format("a row of {} bytes has no whole number of bursts of {} bits",
                          preset.row_bytes, preset.burst_bits()),
              "a burst has bus_bits * burst_length bits, whole bytes");
  }
  if (preset.banks() > kMostBanks) {
    root.at("bank_groups")
        .fail(fmt::format("{} banks are too many", preset.banks()),
              fmt::format("a channel has {} or less", kMostBanks));
  }
  const YamlValue cycles = root.at("cycles");
  for (const auto& [name, value] : cycles.entries()) {
    bool known = false;
    for (const DramTimingKey& key : kDramTimings) {
      known = known || key.name == name;
    }
    if (!known) {
      value.fail("is not a known key", "remove it");
    }
  }
  for (const DramTimingKey& key : kDramTimings) {
    preset.cycles.*key.member =
        cycles.at(key.name).as_integer(key.name == "turnaround" ? 0 : 1, kMostCycles);
  }
  for (const Law& law : kLaws) {
    if (law.left(preset) < law.right(preset)) {
      cycles.at(law.key).fail(fmt::format("the preset breaks {}: {} < {}", law.text,
                                          law.left(preset), law.right(preset)),
                              fmt::format("correct {}, or what it is held against", law.key));
    }
  }
  return preset;
}

ShippedFiles shipped_dram_presets() {
  return shipped_files("DRAM preset", "dram", "sim/dram");
}

DramPreset load_dram_preset(const std::string& name_or_path) {
  return parse_dram_preset(read_yaml_file(shipped_dram_presets().find(name_or_path)));
}

}  // namespace potomac::sim
