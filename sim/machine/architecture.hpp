// The machine to simulate, as its YAML file describes it (docs/architecture-file.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/machine/cycles.hpp"
#include "support/yaml_reader.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

inline constexpr std::int64_t kMaxArrayExtent = 4096;  // per side: 16 M PEs
inline constexpr double kMaxClockMhz = 100000.0;

enum class Dataflow { kOutputStationary };
enum class Issue { kSerial };
std::string_view name_of(Dataflow dataflow);
std::string_view name_of(Issue issue);
std::string_view name_of(rtl::Overflow overflow);

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
  double clock_mhz = 500.0;

  friend bool operator==(const Architecture&, const Architecture&) = default;
};

// Throws InputError naming file, line and key: unknown keys, wrong types, values out of range.
// Keys that are left out keep the defaults above.
Architecture parse_architecture(const YamlValue& root);
Architecture load_architecture(const std::filesystem::path& path);

// The PE's accumulator for one GEMM. Throws InputError, naming what would work, if a tensor is
// wider than pe.operand_bits or if the accumulator cannot hold one largest product.
rtl::Accumulator require_fit(const Architecture& architecture, const workloads::Gemm& gemm);
rtl::Accumulator require_fit(const Architecture& architecture, const std::string& layer,
                             rtl::PotFormat first, rtl::PotFormat second);

}  // namespace potomac::sim
