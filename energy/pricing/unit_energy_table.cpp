#include "energy/pricing/unit_energy_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "energy/pricing/mac_arithmetic.hpp"
#include "support/digest.hpp"
#include "support/error.hpp"

namespace potomac::energy {
namespace {

constexpr double kLargestPj = 1e9;  // a millijoule for one operation: surely a slip of units
constexpr std::int64_t kWidestBits = 128;
constexpr std::int64_t kLargestKib = 1 << 30;
constexpr std::string_view kAdder = "integer_add";
constexpr std::string_view kSram = "sram_access_64";
constexpr std::array<std::string_view, 2> kRangeEnds = {"low", "high"};

std::string full_name(std::string_view name, std::string_view key) {
  return fmt::format("{}.{}", name, key);
}

std::string text_of(const YamlValue& value, const std::string& remedy) {
  std::string text = value.as_string();
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    value.fail("is empty", remedy);
  }
  return text;
}

// The file must say what it is before its other keys are judged: a trace description or an
// architecture file would otherwise be refused for its first unknown key.
void check_format(const YamlValue& document) {
  const YamlValue format = document.at("format");
  if (format.as_string() != kUnitEnergyFormat) {
    format.fail(fmt::format("'{}' is not the format of a unit-energy table", format.as_string()),
                fmt::format("name a file with 'format: {}'", kUnitEnergyFormat));
  }
  const YamlValue version = document.at("version");
  if (version.as_integer(0, INT32_MAX) != kUnitEnergyVersion) {
    version.fail(fmt::format("version {} is not read here", version.as_string()),
                 fmt::format("write a table of version {}", kUnitEnergyVersion));
  }
}

// The whole number that a key spells, if it does so plainly ("08" would be a second name of "8").
std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (error != std::errc() || end != last || fmt::to_string(value) != text) {
    return std::nullopt;
  }
  return value;
}

// The members of a group by number, in ascending order. entries() has refused duplicates.
std::map<std::int64_t, YamlValue> by_number(const YamlValue& group, std::int64_t largest,
                                            std::string_view unit) {
  std::map<std::int64_t, YamlValue> members;
  for (const auto& [key, value] : group.entries()) {
    const std::optional<std::int64_t> number = whole_number(key);
    if (!number || *number < 1 || *number > largest) {
      value.fail(fmt::format("'{}' is not a whole number of {} from 1 to {}", key, unit, largest),
                 fmt::format("key each number by its {}", unit));
    }
    members.emplace(*number, value);
  }
  return members;
}

// What stands beside every number.
struct SourcedNumber {
  Certainty certainty = Certainty::kRead;
  std::string source;
  std::string note;
};

SourcedNumber read_source(const YamlValue& value) {
  SourcedNumber read;
  read.certainty =
      static_cast<Certainty>(value.at("certainty").as_one_of({"read", "recalled", "assumed"}));
  read.source = text_of(value.at("source"), "say where the number comes from");
  if (const auto note = value.find("note")) {
    read.note = text_of(*note, "write the note or drop the key");
  } else if (read.certainty == Certainty::kAssumed) {
    value.fail("is assumed, and has no note", "add 'note: ...' that says how it was set");
  }
  return read;
}

UnitEnergy read_unit_energy(const YamlValue& value, std::string entry) {
  if (value.is_map()) {
    if (const auto unit = value.find("unit")) {
      unit->fail("is a second unit: a table has one, and it stands at the top",
                 "convert the value to the table's unit and drop this key");
    }
  }
  value.allow_only({"value", "certainty", "source", "note"});
  UnitEnergy read;
  read.entry = std::move(entry);
  read.energy_pj = value.at("value").as_number(0.0, kLargestPj);
  const SourcedNumber sourced = read_source(value);
  read.certainty = sourced.certainty;
  read.source = sourced.source;
  read.note = sourced.note;
  return read;
}

void append_derivation(UnitEnergy& derived, const UnitEnergy& from) {
  derived.derived_from.push_back(from.entry);
  derived.certainty = std::max(derived.certainty, from.certainty);
  if (derived.source != from.source) {
    derived.source += derived.source.empty() ? from.source : "; " + from.source;
  }
}

UnitEnergy linear_between(const UnitEnergy& below, int below_bits, const UnitEnergy& above,
                          int above_bits, int bits) {
  UnitEnergy derived;
  derived.entry = full_name(kAdder, fmt::to_string(bits));
  const double share = static_cast<double>(bits - below_bits) / (above_bits - below_bits);
  derived.energy_pj = below.energy_pj + (above.energy_pj - below.energy_pj) * share;
  append_derivation(derived, below);
  append_derivation(derived, above);
  derived.derivation = fmt::format("linear in width between {} and {}", below.entry, above.entry);
  return derived;
}

UnitEnergy proportional_to(const UnitEnergy& nearest, int nearest_bits, int bits) {
  UnitEnergy derived;
  derived.entry = full_name(kAdder, fmt::to_string(bits));
  derived.energy_pj = nearest.energy_pj * bits / nearest_bits;
  append_derivation(derived, nearest);
  derived.derivation = fmt::format("proportional to width, from {}", nearest.entry);
  return derived;
}

// The number follows the square root of the capacity near one listed number, or the power that
// leads from one to another.
UnitEnergy scaled_with_capacity(const UnitEnergy& from, std::int64_t from_kib, double power,
                                std::int64_t kib) {
  UnitEnergy derived;
  derived.entry = full_name(kSram, fmt::to_string(kib));
  derived.energy_pj =
      from.energy_pj * std::pow(static_cast<double>(kib) / static_cast<double>(from_kib), power);
  append_derivation(derived, from);
  return derived;
}

void check_width(int bits) {
  if (bits < 1) {
    throw std::invalid_argument(fmt::format("an adder cannot be {} bits wide", bits));
  }
}

}  // namespace

std::string_view name_of(Certainty certainty) {
  switch (certainty) {
    case Certainty::kRead:
      return "read";
    case Certainty::kRecalled:
      return "recalled";
    case Certainty::kAssumed:
      return "assumed";
  }
  throw std::invalid_argument("no such certainty");
}

UnitEnergyTable::UnitEnergyTable(const YamlValue& document) : file_(document.file()) {
  check_format(document);
  document.allow_only({"format", "version", "name", "title", "unit", "node", "source", "widths",
                       "capacities", "pe_areas", "entries"});
  name_ = text_of(document.at("name"), "give the table a name");
  title_ = text_of(document.at("title"), "give the table a title");
  node_ = text_of(document.at("node"), "name the process node, or say that it is not known");
  source_ = text_of(document.at("source"), "name the publication or the measurement");
  const YamlValue unit = document.at("unit");
  unit_ = unit.as_string();
  if (unit_ != "pJ") {
    unit.fail(fmt::format("unit '{}' is not read here", unit_),
              "convert the values to pJ and write 'unit: pJ'");
  }
  if (const auto widths = document.find("widths")) {
    read_width_rules(*widths);
  }
  if (const auto capacities = document.find("capacities")) {
    read_capacity_rules(*capacities);
  }
  if (const auto areas = document.find("pe_areas")) {
    read_pe_areas(*areas);
  }

  const YamlValue entries = document.at("entries");
  for (const auto& [name, group] : entries.entries()) {
    if (std::ranges::find(kEntries, std::string_view(name), &EntryInfo::name) == kEntries.end()) {
      std::vector<std::string_view> known;
      std::ranges::transform(kEntries, std::back_inserter(known), &EntryInfo::name);
      group.fail("is not a known entry", fmt::format("known here: {}", fmt::join(known, ", ")));
    }
  }
  for (const EntryInfo& info : kEntries) {
    if (const auto group = entries.find(info.name)) {
      read_entry_group(*group, info);
    }
  }
}

UnitEnergyTable::UnitEnergyTable(std::string file, std::string name, std::string unit,
                                 std::string node, std::vector<UnitEnergy> listed)
    : file_(std::move(file)),
      name_(std::move(name)),
      title_(name_),
      unit_(std::move(unit)),
      node_(std::move(node)),
      source_("a stored report"),
      listed_(std::move(listed)) {
  for (std::size_t i = 0; i < listed_.size(); ++i) {
    const std::string_view entry = listed_[i].entry;
    const std::size_t dot = std::min(entry.find('.'), entry.size());
    const std::optional<std::int64_t> key =
        whole_number(entry.substr(std::min(dot + 1, entry.size())));
    if (key && entry.substr(0, dot) == kAdder) {
      integer_add_by_width_.emplace(static_cast<int>(*key), i);
    } else if (key && entry.substr(0, dot) == kSram) {
      sram_by_kib_.emplace(*key, i);
    }
  }
}

void UnitEnergyTable::read_width_rules(const YamlValue& widths) {
  widths.allow_only({kAdder});
  const YamlValue rule = widths.at(kAdder);
  rule.allow_only({"between", "outside"});
  if (const auto between = rule.find("between")) {
    between->as_one_of({"linear"});
    integer_add_rule_.linear_between = true;
  }
  if (const auto outside = rule.find("outside")) {
    outside->as_one_of({"proportional"});
    integer_add_rule_.proportional_outside = true;
  }
}

void UnitEnergyTable::read_capacity_rules(const YamlValue& capacities) {
  capacities.allow_only({kSram});
  const YamlValue rule = capacities.at(kSram);
  rule.allow_only({"between", "outside"});
  if (const auto between = rule.find("between")) {
    between->as_one_of({"power"});
    sram_rule_.power_between = true;
  }
  if (const auto outside = rule.find("outside")) {
    outside->as_one_of({"square_root"});
    sram_rule_.square_root_outside = true;
  }
}

void UnitEnergyTable::read_pe_areas(const YamlValue& areas) {
  constexpr double kLargestUm2 = 1e8;
  for (const YamlValue& value : areas.items()) {
    value.allow_only({"unit", "operand_bits", "sum_bits", "um2", "certainty", "source", "note"});
    PeArea area;
    area.unit = value.at("unit").as_string();
    if (std::ranges::find(mac_arithmetics(), area.unit, &MacArithmetic::unit) ==
        mac_arithmetics().end()) {
      value.at("unit").fail(fmt::format("'{}' is no unit", area.unit),
                            "name a machine's unit, as mf_mac or fp32_mac");
    }
    area.operand_bits = static_cast<int>(value.at("operand_bits").as_integer(1, kWidestBits));
    area.sum_bits = static_cast<int>(value.at("sum_bits").as_integer(1, kWidestBits));
    area.um2 = value.at("um2").as_number(0.0, kLargestUm2);
    const SourcedNumber sourced = read_source(value);
    area.certainty = sourced.certainty;
    area.source = sourced.source;
    area.note = sourced.note;
    if (pe_area_um2(area.unit, area.operand_bits, area.sum_bits)) {
      value.fail("stands there twice", "keep one area for each unit and its widths");
    }
    pe_areas_.push_back(std::move(area));
  }
}

void UnitEnergyTable::read_entry_group(const YamlValue& group, const EntryInfo& info) {
  switch (info.shape) {
    case EntryShape::kSingle:
      listed_.push_back(read_unit_energy(group, std::string(info.name)));
      break;
    case EntryShape::kByWidth:
      for (const auto& [bits, value] : by_number(group, kWidestBits, "bits")) {
        if (info.name == kAdder) {
          integer_add_by_width_.emplace(static_cast<int>(bits), listed_.size());
        }
        listed_.push_back(read_unit_energy(value, full_name(info.name, fmt::to_string(bits))));
      }
      break;
    case EntryShape::kByCapacity:
      for (const auto& [kib, value] : by_number(group, kLargestKib, "KiB")) {
        sram_by_kib_.emplace(kib, listed_.size());
        listed_.push_back(read_unit_energy(value, full_name(info.name, fmt::to_string(kib))));
      }
      break;
    case EntryShape::kRange:
      group.allow_only({kRangeEnds[0], kRangeEnds[1]});
      for (const std::string_view end : kRangeEnds) {
        listed_.push_back(read_unit_energy(group.at(end), full_name(info.name, end)));
      }
      if (std::prev(listed_.end(), 2)->energy_pj > listed_.back().energy_pj) {
        group.fail("has its low end above its high end", "exchange the two values");
      }
      break;
  }
}

std::string UnitEnergyTable::digest() const {
  std::string text =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{} {} {} {}\n", name_, title_, unit_, node_, source_,
                  integer_add_rule_.linear_between, integer_add_rule_.proportional_outside,
                  sram_rule_.power_between, sram_rule_.square_root_outside);
  for (const UnitEnergy& one : listed_) {
    text +=
        fmt::format("{} {} {} {}\n", one.entry, one.energy_pj, name_of(one.certainty), one.source);
  }
  for (const PeArea& area : pe_areas_) {
    text += fmt::format("{} {} {} {} {} {}\n", area.unit, area.operand_bits, area.sum_bits,
                        area.um2, name_of(area.certainty), area.source);
  }
  return sha256_of(text);
}

std::optional<double> UnitEnergyTable::pe_area_um2(std::string_view unit, int operand_bits,
                                                   int sum_bits) const {
  for (const PeArea& area : pe_areas_) {
    if (area.unit == unit && area.operand_bits == operand_bits && area.sum_bits == sum_bits) {
      return area.um2;
    }
  }
  return std::nullopt;
}

const UnitEnergy* UnitEnergyTable::find_listed(std::string_view entry) const {
  const auto found = std::ranges::find(listed_, entry, &UnitEnergy::entry);
  return found == listed_.end() ? nullptr : &*found;
}

const UnitEnergy* UnitEnergyTable::find_listed_add(int bits) const {
  const auto found = integer_add_by_width_.find(bits);
  return found == integer_add_by_width_.end() ? nullptr : &listed_[found->second];
}

std::optional<UnitEnergy> UnitEnergyTable::find(std::string_view entry) const {
  const UnitEnergy* const found = find_listed(entry);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

UnitEnergy UnitEnergyTable::require(std::string_view entry) const {
  std::optional<UnitEnergy> found = find(entry);
  if (!found) {
    fail_missing(entry, "add it with its source, or price with another table");
  }
  return *std::move(found);
}

std::optional<UnitEnergy> UnitEnergyTable::find_integer_add(int bits) const {
  check_width(bits);
  const auto at_or_above = integer_add_by_width_.lower_bound(bits);
  const bool none_above = at_or_above == integer_add_by_width_.end();
  if (!none_above && at_or_above->first == bits) {
    return listed_[at_or_above->second];
  }
  const bool none_below = at_or_above == integer_add_by_width_.begin();
  if (none_below || none_above) {
    if (integer_add_by_width_.empty() || !integer_add_rule_.proportional_outside) {
      return std::nullopt;
    }
    const auto nearest = none_above ? std::prev(at_or_above) : at_or_above;
    return proportional_to(listed_[nearest->second], nearest->first, bits);
  }
  if (!integer_add_rule_.linear_between) {
    return std::nullopt;
  }
  const auto below = std::prev(at_or_above);
  return linear_between(listed_[below->second], below->first, listed_[at_or_above->second],
                        at_or_above->first, bits);
}

UnitEnergy UnitEnergyTable::require_integer_add(int bits) const {
  std::optional<UnitEnergy> found = find_integer_add(bits);
  if (!found) {
    fail_missing(full_name(kAdder, fmt::to_string(bits)),
                 "add it with its source, let the table derive it ('widths: {integer_add: "
                 "{between: linear, outside: proportional}}'), or price with another table");
  }
  return *std::move(found);
}

UnitEnergy UnitEnergyTable::require_sram_access(std::int64_t kib) const {
  const auto at_or_above = sram_by_kib_.lower_bound(kib);
  const bool none_above = at_or_above == sram_by_kib_.end();
  if (!none_above && at_or_above->first == kib) {
    return listed_[at_or_above->second];
  }
  const bool none_below = at_or_above == sram_by_kib_.begin();
  if ((none_below || none_above) && !sram_by_kib_.empty() && sram_rule_.square_root_outside) {
    const auto& [from_kib, position] = none_above ? *std::prev(at_or_above) : *at_or_above;
    UnitEnergy derived = scaled_with_capacity(listed_[position], from_kib, 0.5, kib);
    derived.derivation =
        fmt::format("with the square root of the capacity, from {}", listed_[position].entry);
    return derived;
  }
  if (!none_below && !none_above && sram_rule_.power_between) {
    const auto& [below_kib, below_at] = *std::prev(at_or_above);
    const auto& [above_kib, above_at] = *at_or_above;
    const UnitEnergy& below = listed_[below_at];
    const UnitEnergy& above = listed_[above_at];
    const double power = std::log(above.energy_pj / below.energy_pj) /
                         std::log(static_cast<double>(above_kib) / static_cast<double>(below_kib));
    UnitEnergy derived = scaled_with_capacity(below, below_kib, power, kib);
    append_derivation(derived, above);
    derived.derivation =
        fmt::format("a power of the capacity between {} and {}", below.entry, above.entry);
    return derived;
  }
  fail_missing(full_name(kSram, fmt::to_string(kib)),
               "add it with its source, let the table derive it ('capacities: {sram_access_64: "
               "{between: power, outside: square_root}}'), or price with another table");
}

void UnitEnergyTable::fail_missing(std::string_view entry, const std::string& remedy) const {
  throw InputError({file_, fmt::format("table '{}', key 'entries.{}'", name_, entry),
                    "is missing, and this pricing needs it", remedy});
}

UnitEnergyTable load_unit_energy_table(const std::filesystem::path& path) {
  return UnitEnergyTable(read_yaml_file(path));
}

std::vector<UnitEnergyTable> load_unit_energy_tables(
    const std::vector<std::filesystem::path>& paths) {
  std::vector<UnitEnergyTable> tables;
  tables.reserve(paths.size());
  for (const std::filesystem::path& path : paths) {
    UnitEnergyTable table = load_unit_energy_table(path);
    if (std::ranges::find(tables, table.name(), &UnitEnergyTable::name) != tables.end()) {
      throw InputError({path.string(), "table",
                        fmt::format("a second table with the name '{}'", table.name()),
                        "name each table once, and give different tables different names"});
    }
    tables.push_back(std::move(table));
  }
  return tables;
}

}  // namespace potomac::energy
