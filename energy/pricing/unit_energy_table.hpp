// Unit-energy tables: what one operation costs, with the source of each number. A table is data
// (YAML, see energy/tables/); tables of different sources are never merged, and an entry that is
// needed and missing is an error, not a zero.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/yaml_reader.hpp"

namespace potomac::energy {

// How surely a number is known, from the surest on.
enum class Certainty {
  kRead,      // read in the source that it names
  kRecalled,  // attributed to that source, but not read there again
  kAssumed,   // set by Potomac where the source is silent; its note says how
};
inline constexpr std::array<Certainty, 3> kCertainties = {Certainty::kRead, Certainty::kRecalled,
                                                          Certainty::kAssumed};
std::string_view name_of(Certainty certainty);

// What every table's file begins with.
inline constexpr std::string_view kUnitEnergyFormat = "potomac-unit-energy";
inline constexpr int kUnitEnergyVersion = 1;

// How an entry is keyed below its name.
enum class EntryShape {
  kSingle,      // one number: fp32_add
  kByWidth,     // one number per width in bits: integer_add.8
  kByCapacity,  // one number per capacity in KiB: sram_access_64.32
  kRange,       // two numbers, because the source gives a range: dram_access_64.low and .high
};

struct EntryInfo {
  std::string_view name;  // as in the tables
  EntryShape shape;
  std::string_view description;
};

// Every entry that a table may hold.
inline constexpr auto kEntries = std::to_array<EntryInfo>({
    {"integer_add", EntryShape::kByWidth, "integer addition"},
    {"integer_multiply", EntryShape::kByWidth, "integer multiplication"},
    {"sign_xor", EntryShape::kSingle, "XOR of two bits"},
    {"fp8_multiply", EntryShape::kSingle, "FP8 multiplication"},
    {"fp16_multiply", EntryShape::kSingle, "binary16 multiplication"},
    {"fp16_add", EntryShape::kSingle, "binary16 addition"},
    {"bf16_multiply", EntryShape::kSingle, "bfloat16 multiplication"},
    {"bf16_add", EntryShape::kSingle, "bfloat16 addition"},
    {"fp32_multiply", EntryShape::kSingle, "binary32 multiplication"},
    {"fp32_add", EntryShape::kSingle, "binary32 addition"},
    // The source paper's own notation for its three shifts is INT32-4, INT32-3 and INT4-3.
    {"shift_int32_4", EntryShape::kSingle, "shift INT32-4"},
    {"shift_int32_3", EntryShape::kSingle, "shift INT32-3"},
    {"shift_int4_3", EntryShape::kSingle, "shift INT4-3"},
    {"flip_flop_clock", EntryShape::kSingle, "a clock cycle of one bit of a register"},
    {"flip_flop_toggle", EntryShape::kSingle, "one bit of a register that changes"},
    {"sram_access_64", EntryShape::kByCapacity, "64 bits of an SRAM"},
    {"dram_access_64", EntryShape::kRange, "64 bits to or from DRAM"},
});

// A number ready for use, and where it comes from.
struct UnitEnergy {
  std::string entry;  // "fp32_add", "integer_add.5"
  double energy_pj = 0.0;
  Certainty certainty = Certainty::kRead;  // of a derived number: the least sure that it rests on
  std::string source;
  std::string note;  // may be empty

  // Empty when the table lists the number; otherwise the entries that it was derived from, and how.
  std::vector<std::string> derived_from;
  std::string derivation;
  bool derived() const { return !derived_from.empty(); }

  friend bool operator==(const UnitEnergy&, const UnitEnergy&) = default;
};

// The area of a whole PE of a unit, its registers included: known for these widths, and no others.
struct PeArea {
  std::string unit;  // as machines name it: "mf_mac"
  int operand_bits = 0;
  int sum_bits = 0;
  double um2 = 0.0;
  Certainty certainty = Certainty::kRead;
  std::string source;
  std::string note;  // may be empty
};

// What the table itself allows for widths that it does not list. Adders grow about linearly with
// their width, so only integer_add may carry a rule.
struct WidthRule {
  bool linear_between = false;        // linear in width between the two listed neighbours
  bool proportional_outside = false;  // proportional to width beyond the narrowest or widest
};

// What the table itself allows for capacities of an SRAM that it does not list.
struct CapacityRule {
  bool power_between = false;        // a power of the capacity between the two listed neighbours
  bool square_root_outside = false;  // with its square root beyond the smallest or largest
};

class UnitEnergyTable {
 public:
  // `document` is a YAML map:
  //   format: potomac-unit-energy
  //   version: 1
  //   name, title, unit (pJ), node, source: texts
  //   widths: {integer_add: {between: linear, outside: proportional}}      # optional
  //   capacities: {sram_access_64: {between: power, outside: square_root}} # optional
  //   entries: {NAME: ENTRY, NAME_WITH_SHAPE: {KEY: ENTRY, ...}, ...}      # see kEntries
  //   pe_areas: [{unit: mf_mac, operand_bits: 5, sum_bits: 32, um2: 800, certainty, source, note},
  //              ...]                                                      # optional
  //   ENTRY: {value: 0.9, certainty: read | recalled | assumed, source: text, note: text}
  // `note` may be left out, except where `certainty` is assumed. Throws InputError with file,
  // line and key.
  explicit UnitEnergyTable(const YamlValue& document);

  // A table of the listed numbers of a stored report, and no others. `listed` have plain names of
  // kEntries.
  UnitEnergyTable(std::string file, std::string name, std::string unit, std::string node,
                  std::vector<UnitEnergy> listed);

  const std::string& file() const { return file_; }
  const std::string& name() const { return name_; }
  const std::string& title() const { return title_; }
  const std::string& unit() const { return unit_; }
  const std::string& node() const { return node_; }
  const std::string& source() const { return source_; }
  // SHA-256, in hexadecimal digits, of all that prices follow from, and of where it is from.
  std::string digest() const;
  const WidthRule& integer_add_rule() const { return integer_add_rule_; }

  // All listed numbers, in the order of kEntries, then of key.
  const std::vector<UnitEnergy>& listed() const& { return listed_; }
  const std::vector<UnitEnergy>& listed() && = delete;  // would dangle in a range-for

  // The entry as it is listed, nothing derived; null if it is not listed.
  const UnitEnergy* find_listed(std::string_view entry) const;
  const UnitEnergy* find_listed_add(int bits) const;

  // The area of a PE; nothing if the table does not list it. Neither scratchpads nor wires between
  // PEs are part of it.
  std::optional<double> pe_area_um2(std::string_view unit, int operand_bits, int sum_bits) const;

  bool has_pe_areas() const { return !pe_areas_.empty(); }

  // A listed number by its full name ("fp32_add", "integer_multiply.8").
  std::optional<UnitEnergy> find(std::string_view entry) const;
  // The same, where it is needed: throws InputError that names table, entry and remedy.
  UnitEnergy require(std::string_view entry) const;

  // Addition of two integers `bits` wide (at least 1): listed, or derived by the table's own rule.
  std::optional<UnitEnergy> find_integer_add(int bits) const;
  UnitEnergy require_integer_add(int bits) const;

  // 64 bits of an SRAM of so many KiB (at least 1): listed, or derived by the table's own rule.
  // Throws InputError that names table, entry and remedy.
  UnitEnergy require_sram_access(std::int64_t kib) const;

 private:
  void read_width_rules(const YamlValue& widths);
  void read_capacity_rules(const YamlValue& capacities);
  void read_pe_areas(const YamlValue& areas);
  void read_entry_group(const YamlValue& group, const EntryInfo& info);
  [[noreturn]] void fail_missing(std::string_view entry, const std::string& remedy) const;

  std::string file_;
  std::string name_;
  std::string title_;
  std::string unit_;
  std::string node_;
  std::string source_;
  WidthRule integer_add_rule_;
  std::vector<UnitEnergy> listed_;
  std::map<int, std::size_t> integer_add_by_width_;  // width -> position in listed_
  CapacityRule sram_rule_;
  std::vector<PeArea> pe_areas_;
  std::map<std::int64_t, std::size_t> sram_by_kib_;  // capacity -> position in listed_
};

// Reads a table's file. Throws InputError.
UnitEnergyTable load_unit_energy_table(const std::filesystem::path& path);

// Several, in order. Throws InputError if two have the same name: reports tell them apart by it.
std::vector<UnitEnergyTable> load_unit_energy_tables(
    const std::vector<std::filesystem::path>& paths);

}  // namespace potomac::energy
