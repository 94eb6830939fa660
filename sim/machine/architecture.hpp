// The machine to simulate (docs/architecture-file.md), and the one table of its keys: parsing,
// printing, sweeps, `--set KEY=VALUE` and the documentation follow from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/machine/array_shape.hpp"
#include "sim/machine/dram_preset.hpp"
#include "support/yaml_reader.hpp"
#include "workloads/layers/gemm_shape.hpp"

namespace potomac::sim {

inline constexpr std::int64_t kMaxArrayExtent = 4096;  // per side: 16 M PEs
inline constexpr double kMaxClockMhz = 100000.0;
inline constexpr std::int64_t kMaxScratchpadKib = std::int64_t{1} << 20;
inline constexpr std::int64_t kMaxWordBits = 4096;

enum class Issue { kSerial, kPipelined };
std::string_view name_of(Dataflow dataflow);
std::string_view name_of(Issue issue);

struct PeConfig {
  int operand_bits = rtl::kDefaultPotBits;
  rtl::AccumulatorConfig accumulator;
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

// A bandwidth and a latency, or a device with its timing.
struct DramConfig {
  double bandwidth_gb_s = 25.6;  // 10^9 bytes a second
  double latency_ns = 60.0;      // from a request to its first bit
  // Then these two are not used.
  std::optional<DramPreset> device = std::nullopt;
  std::string preset = {};                              // by which it was asked for
  std::optional<std::int64_t> channels = std::nullopt;  // instead of the preset's

  friend bool operator==(const DramConfig&, const DramConfig&) = default;
};

std::int64_t channels_of(const DramConfig& dram);
// At most, 10^9 bytes a second.
double peak_gb_s(const DramConfig& dram);
// A bandwidth and a latency in place of a device: those that it has at best.
DramConfig without_device(const DramConfig& dram);
// "ddr4-2400, 1 channel"; "25.6 GB/s, 60 ns".
std::string text_of(const DramConfig& dram);

// What feeds the array (docs/memory.md).
struct MemoryConfig {
  ScratchpadConfig first;  // of the first operand, the second, the results
  ScratchpadConfig second;
  ScratchpadConfig results;
  std::optional<DramConfig> dram;  // or ideal: whatever is asked for is there at once

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

// --- the table of keys ---------------------------------------------------------------------------

// std::monostate: of a part that the machine does not have; it is not written.
using KeyValue = std::variant<std::monostate, std::int64_t, double, bool, std::string>;
inline bool is_there(const KeyValue& value) {
  return !std::holds_alternative<std::monostate>(value);
}

// What may stand at a key.
struct IntegerKey {
  std::int64_t low, high;
  std::string_view word = {};  // that may stand instead of a number ("exact"); empty: none
};
struct NumberKey {
  double low, high;
};
struct BooleanKey {};
struct WordKey {
  std::span<const std::string_view> words;
};
// What ships with Potomac by its name, or a file.
struct FileKey {};
using KeyType = std::variant<IntegerKey, NumberKey, BooleanKey, WordKey, FileKey>;

struct ArchitectureKey {
  std::string_view name;  // dotted: "pe.accumulator.bits"
  KeyType type;
  std::string_view unit;  // empty: a bare number or a word
  std::string_view meaning;
  KeyValue (*get)(const Architecture&);
  // Gives the machine the part that has the key. Precondition: `value` came from read_value() or
  // get() of the same key, and is there.
  void (*set)(Architecture&, const KeyValue& value);
};

// All keys, in the order of the file. The default of each is its value in Architecture{}; of a part
// that this one lacks, what it has where another of the part's keys is given.
std::span<const ArchitectureKey> architecture_keys();

// The key of that name. Throws InputError that names the keys there are; `where` says where the
// name was written.
const ArchitectureKey& architecture_key(std::string_view name, const YamlValue& where);

// A value for the key. Throws InputError (a wrong type, out of range) at `value`.
KeyValue read_value(const ArchitectureKey& key, const YamlValue& value);

// A value as it is written in a file; empty if it is not there.
std::string text_of(const KeyValue& value);

// --- files ---------------------------------------------------------------------------------------

// Throws InputError naming file, line and key: unknown keys, wrong types, values out of range.
// Keys that are left out keep their defaults.
Architecture parse_architecture(const YamlValue& root);
Architecture load_architecture(const std::filesystem::path& path);
// The text of a file that parses to this architecture, every key written out.
std::string architecture_text(const Architecture& architecture);

// Sets one key from a text "KEY=VALUE" (`--set`). Throws InputError that names option and key.
void set_key(Architecture& architecture, const std::string& assignment);

// --- fit -----------------------------------------------------------------------------------------

// The PE's accumulator for operands of these formats. Throws InputError, naming what would work, if
// a tensor is wider than pe.operand_bits or if the accumulator cannot hold one largest product.
rtl::Accumulator require_fit(const Architecture& architecture, const std::string& layer,
                             rtl::PotFormat first, rtl::PotFormat second);

}  // namespace potomac::sim
