// A point as the store keeps it: flat cells, in the order of the lists of columns. It is made from
// what a study yields, on any thread or machine, and written by whoever owns the store.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "energy/pricing/energy_report.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/machine/architecture_keys.hpp"
#include "sim/results/columns.hpp"
#include "sim/results/pass_record.hpp"
#include "sim/results/pricing.hpp"
#include "sim/results/store/point_key.hpp"

namespace potomac::sim {

// A table and an accounting by which points are priced.
struct StoredPrice {
  std::string table;
  std::string digest;  // of the table's content
  std::string accounting;
  std::string unit;
  std::string node;
  bool has_areas = false;  // of PEs

  friend bool operator==(const StoredPrice&, const StoredPrice&) = default;
};
// By accounting, then table, as reports stand.
std::vector<StoredPrice> stored_prices(const Prices& prices);

struct StoredPoint {
  struct OfMachine {
    std::string machine;
    std::vector<Cell> cells;  // of total_columns()
  };
  struct Energy {
    std::string machine;  // or energy::kFp32Multiplier, of which only the reduction is known
    std::size_t price = 0;
    std::vector<Cell> cells;  // of energy_columns(), and the reduction of mf_mac against it
  };
  struct Pass {
    std::vector<Cell> cells;          // of pass_columns() that a CSV has
    std::vector<OfMachine> machines;  // cells of machine_columns() that have a path
  };

  PointKey key{};
  std::vector<Cell> architecture;  // of architecture_keys()
  std::string refusal;             // empty: it ran
  std::vector<OfMachine> totals;
  std::vector<Energy> energy;
  std::vector<Pass> passes;  // where they are kept
};

// The columns that totals have, by their flat names.
std::span<const MachineColumn* const> total_columns();
// The columns of a machine in a pass.
std::span<const MachineColumn* const> pass_machine_columns();

// What a point is made from. `energy` and `prices` are of the same tables and accountings.
struct PointParts {
  const Architecture& architecture;
  const std::string& refusal;
  std::span<const Machine> machines;
  std::span<const Quantities> totals;
  std::span<const energy::EnergyReport> energy;
  std::span<const PassRecord> passes;  // that are to be kept
  std::optional<std::int64_t> batch;   // inputs that the work is done for
};
StoredPoint stored_point(const PointKey& key, const PointParts& parts,
                         std::span<const StoredPrice> prices);

// A key's value as a cell: `true` and `false` are texts.
Cell cell_of(const KeyValue& value);

}  // namespace potomac::sim
