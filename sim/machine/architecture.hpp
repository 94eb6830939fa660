// The machine to simulate (docs/architecture-file.md), and the one table of its keys: parsing,
// printing, sweeps, `--set KEY=VALUE` and the documentation follow from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/machine/array_shape.hpp"
#include "support/yaml_reader.hpp"
#include "workloads/layers/gemm_shape.hpp"

namespace potomac::sim {

inline constexpr std::int64_t kMaxArrayExtent = 4096;  // per side: 16 M PEs
inline constexpr double kMaxClockMhz = 100000.0;

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

struct Architecture {
  ArrayShape array;
  Dataflow dataflow = Dataflow::kOutputStationary;
  Issue issue = Issue::kSerial;
  PeConfig pe;
  BaselineConfig baseline;
  workloads::Lowering lowering;
  double clock_mhz = 500.0;

  friend bool operator==(const Architecture&, const Architecture&) = default;
};

// --- the table of keys ---------------------------------------------------------------------------

using KeyValue = std::variant<std::int64_t, double, bool, std::string>;

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
using KeyType = std::variant<IntegerKey, NumberKey, BooleanKey, WordKey>;

struct ArchitectureKey {
  std::string_view name;  // dotted: "pe.accumulator.bits"
  KeyType type;
  std::string_view unit;  // empty: a bare number or a word
  std::string_view meaning;
  KeyValue (*get)(const Architecture&);
  // Precondition: `value` came from read_value() or get() of the same key.
  void (*set)(Architecture&, const KeyValue& value);
};

// All keys, in the order of the file. The default of each is its value in Architecture{}.
std::span<const ArchitectureKey> architecture_keys();

// The key of that name. Throws InputError that names the keys there are; `where` says where the
// name was written.
const ArchitectureKey& architecture_key(std::string_view name, const YamlValue& where);

// A value for the key. Throws InputError (a wrong type, out of range) at `value`.
KeyValue read_value(const ArchitectureKey& key, const YamlValue& value);

// A value as it is written in a file.
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
