// A sweep.csv read back: a row a point, as far as somebody wants its columns.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace potomac::sim {

struct SweepTable {
  struct Column {
    std::string name;
    bool parameter = false;  // a key that was swept
  };

  std::string name;  // as the user named it
  std::vector<Column> columns;
  std::size_t columns_left_out = 0;
  std::vector<std::vector<std::string>> rows;  // a cell a column; empty: not known
};

// The sweep.csv that `path` names: the file, or the folder that holds it.
std::filesystem::path sweep_file(const std::filesystem::path& path);

// The names of its columns. Throws InputError: no sweep.
std::vector<std::string> sweep_columns(const std::filesystem::path& path);

// Reads it. `columns`: the names of those that are kept besides the point's number, parameters,
// status and message; none: what most people ask for first. Throws InputError: no sweep, a damaged
// row (where), a column that is not there (the nearest).
SweepTable load_sweep_table(const std::filesystem::path& path,
                            std::span<const std::string> columns);

}  // namespace potomac::sim
