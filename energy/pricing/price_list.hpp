// Looks the prices of an accounting up in a table, and keeps every number that was used.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "energy/pricing/unit_energy_table.hpp"

namespace potomac::energy {

class PriceList {
 public:
  // `keeps`: what was used is kept. Whoever wants many sums alone does without.
  explicit PriceList(const UnitEnergyTable& table, bool keeps = true)
      : table_(table), keeps_(keeps) {}

  const UnitEnergyTable& table() const { return table_; }

  double of(std::string_view entry) {
    const UnitEnergy* const listed = keeps_ ? nullptr : table_.find_listed(entry);
    return listed != nullptr ? listed->energy_pj : keep(table_.require(entry));
  }
  double of_integer_add(int bits) {
    const UnitEnergy* const listed = keeps_ ? nullptr : table_.find_listed_add(bits);
    return listed != nullptr ? listed->energy_pj : keep(table_.require_integer_add(bits));
  }
  double of_sram_access(std::int64_t kib) { return keep(table_.require_sram_access(kib)); }

  // The price of a side row: a missing entry is reported, not thrown.
  std::optional<double> try_of(std::string_view entry, std::string& missing) {
    return keep(table_.find(entry), entry, missing);
  }
  std::optional<double> try_of_integer_add(int bits, std::string& missing) {
    return keep(table_.find_integer_add(bits), fmt::format("integer_add.{}", bits), missing);
  }

  std::vector<UnitEnergy> take_used() { return std::move(used_); }

 private:
  double keep(UnitEnergy energy) {
    const double price = energy.energy_pj;
    if (keeps_ && std::ranges::find(used_, energy.entry, &UnitEnergy::entry) == used_.end()) {
      used_.push_back(std::move(energy));
    }
    return price;
  }

  std::optional<double> keep(std::optional<UnitEnergy> energy, std::string_view entry,
                             std::string& missing) {
    if (!energy) {
      missing = entry;
      return std::nullopt;
    }
    return keep(*std::move(energy));
  }

  const UnitEnergyTable& table_;
  bool keeps_;
  std::vector<UnitEnergy> used_;
};

}  // namespace potomac::energy
