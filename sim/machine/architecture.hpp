// The machine to simulate. Its keys are in architecture_keys.hpp, its file in
// architecture_file.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/machine/array_shape.hpp"
#include "sim/machine/blocking.hpp"
#include "sim/machine/dram_preset.hpp"
#include "workloads/layers/gemm_shape.hpp"

namespace potomac::sim {

inline constexpr std::int64_t kMaxArrayExtent = 4096;  // per side: 16 M PEs
inline constexpr double kMaxClockMhz = 100000.0;
inline constexpr std::int64_t kMaxScratchpadKib = std::int64_t{1} << 20;
inline constexpr std::int64_t kMaxWordBits = 4096;

enum class Issue { kSerial, kPipelined };
// Their words in files, in the order of the enumerations.
inline constexpr std::array<std::string_view, 3> kDataflows = {"os", "ws", "is"};
inline constexpr std::array<std::string_view, 2> kIssues = {"serial", "pipelined"};
constexpr std::string_view name_of(Dataflow dataflow) {
  return kDataflows.at(static_cast<std::size_t>(dataflow));
}
constexpr std::string_view name_of(Issue issue) {
  return kIssues.at(static_cast<std::size_t>(issue));
}

// Another accumulator for some layers' passes. What it does not say is as in the PE's.
struct AccumulatorOverride {
  std::string layer = "*";  // a shell pattern over names in the model: "fc"
  std::optional<workloads::Pass> pass = std::nullopt;  // or all three
  std::optional<int> bits = std::nullopt;              // at most the PE's, whose registers hold it
  std::optional<rtl::Lsb> lsb = std::nullopt;
  std::optional<rtl::Overflow> overflow = std::nullopt;

  friend bool operator==(const AccumulatorOverride&, const AccumulatorOverride&) = default;
};

struct PeConfig {
  int operand_bits = rtl::kDefaultPotBits;
  rtl::AccumulatorConfig accumulator;
  std::vector<AccumulatorOverride> overrides;  // of the accumulator: the last that matches counts
  bool zero_gating = true;

  friend bool operator==(const PeConfig&, const PeConfig&) = default;
};

struct BaselineConfig {
  bool zero_gating = false;

  friend bool operator==(const BaselineConfig&, const BaselineConfig&) = default;
};

// On-chip SRAM at an edge of the array.
struct ScratchpadConfig {
  std::int64_t kib = 64;
  std::int64_t word_bits = 64;  // of each of its banks, one to a lane of the edge
  bool double_buffered = true;  // a tile has one half; DMA fills or empties the other

  friend bool operator==(const ScratchpadConfig&, const ScratchpadConfig&) = default;
};

// A word of a machine whose lanes take elements of `element_bits` in a cycle: as wide as it is said
// to be, and at least that.
std::int64_t word_bits_of(const ScratchpadConfig& scratchpad, std::int64_t element_bits);

// Which channel and bank of a device a burst goes to: by bits of its address, or by an XOR of these
// with all above them, so that no stride keeps to few of them.
enum class DramMapping { kXor, kPlain };
inline constexpr std::array<std::string_view, 2> kDramMappings = {"xor", "plain"};
inline constexpr std::int64_t kMaxLookahead = 64;

// A bandwidth and a latency, or a device with its timing.
struct DramConfig {
  double bandwidth_gb_s = 25.6;  // 10^9 bytes a second
  double latency_ns = 60.0;      // from a request to its first bit
  // With a device, bandwidth and latency are not used.
  std::optional<DramPreset> device = std::nullopt;
  std::int64_t lookahead =
      4;  // of a device: transfers in which it opens rows, with the one in hand
  DramMapping mapping = DramMapping::kXor;              // of a device
  std::string preset = {};                              // the name that it was asked for by
  std::optional<std::int64_t> channels = std::nullopt;  // instead of the preset's

  friend bool operator==(const DramConfig&, const DramConfig&) = default;
};

std::int64_t channels_of(const DramConfig& dram);
// The device, with the channels that are used. Precondition: it has one.
DramPreset preset_of(const DramConfig& dram);
// DRAM's bandwidth at its best, 10^9 bytes a second.
double peak_gb_s(const DramConfig& dram);
// A bandwidth and a latency in place of a device: those that it has at best.
DramConfig without_device(const DramConfig& dram);
// "ddr4-2400, 1 channel"; "25.6 GB/s, 60 ns".
std::string text_of(const DramConfig& dram);

// What tiles are chosen for: to be done first, or to move least between DRAM and the scratchpads.
enum class TileObjective { kTime, kTraffic };
inline constexpr std::array<std::string_view, 2> kTileObjectives = {"time", "traffic"};
constexpr std::string_view name_of(TileObjective objective) {
  return kTileObjectives.at(static_cast<std::size_t>(objective));
}

// The user's own tiles for some layers' passes.
struct TileMapping {
  std::string layer = "*";                             // as AccumulatorOverride's
  std::optional<workloads::Pass> pass = std::nullopt;  // or all three
  std::string machine = {};                            // its id; empty: all of them
  // Extents of a block; what is not given, or more than a GEMM has, is all of it.
  std::optional<std::int64_t> m = std::nullopt, n = std::nullopt, k = std::nullopt;
  LoopOrder loop_order{Index::kM, Index::kN, Index::kK};

  friend bool operator==(const TileMapping&, const TileMapping&) = default;
};

// What feeds the array (docs/memory.md).
struct MemoryConfig {
  ScratchpadConfig first;  // of the first operand, the second, the results
  ScratchpadConfig second;
  ScratchpadConfig results;
  std::optional<DramConfig> dram;  // or ideal: whatever is asked for is there at once
  TileObjective objective = TileObjective::kTime;
  std::vector<TileMapping> tiles;  // that are not chosen: the last that matches counts

  friend bool operator==(const MemoryConfig&, const MemoryConfig&) = default;
};

struct Architecture {
  ArrayShape array;
  Dataflow dataflow = Dataflow::kOutputStationary;
  Issue issue = Issue::kSerial;
  PeConfig pe;
  BaselineConfig baseline;
  workloads::Lowering lowering;
  std::optional<MemoryConfig> memory;  // or operands are always there
  double clock_mhz = 500.0;

  friend bool operator==(const Architecture&, const Architecture&) = default;
};

// A part that an architecture may have, made with its defaults if it has none.
MemoryConfig& memory_of(Architecture& architecture);
DramConfig& dram_of(Architecture& architecture);

}  // namespace potomac::sim
