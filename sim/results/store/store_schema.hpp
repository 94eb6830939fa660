// The tables of a store, which follow from the lists of columns (docs/store.md).
//
// A row of `totals`, of `energy` and of `sweep_points` is found by two numbers, which its id holds:
// kStoreStride * (machine, report or sweep) + (point or place in the sweep). So what is read
// together lies together, and rows that follow one another are found without searching.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace potomac::sim {

inline constexpr int kStoreSchema = 1;
inline constexpr std::int64_t kStoreStride = std::int64_t{1} << 40;

// What makes an empty file a store, statement by statement.
std::vector<std::string> schema_statements();
// Tells one schema from another: the lists of columns may differ from build to build. In `store`,
// by the name `schema`.
std::string schema_digest();

// The columns of these tables that follow from lists, each behind `prefix`, as SQL names them.
std::vector<std::string> columns_of_points(std::string_view prefix = "");
std::vector<std::string> columns_of_totals(std::string_view prefix = "");
std::vector<std::string> columns_of_energy(std::string_view prefix = "");
std::vector<std::string> columns_of_passes(std::string_view prefix = "");

// A name as SQL quotes it: "array.rows" in double quotes.
std::string sql_name(std::string_view name);

}  // namespace potomac::sim
