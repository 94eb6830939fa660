// A sweep.csv read back: a row a point, as far as somebody wants its columns.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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

// A sweep.csv in hand.
class SweepCsv {
 public:
  // Throws InputError: it cannot be read, or is no sweep.
  explicit SweepCsv(const std::filesystem::path& path);

  // The names of its columns.
  const std::vector<std::string>& columns() const { return columns_; }
  // Its rows. `columns`: the names of those that are kept besides the point's number, parameters,
  // status and message; none: what most people ask for first. Throws InputError: a damaged row
  // (where), a column that is not there (the nearest).
  SweepTable table(std::span<const std::string> columns) const;

 private:
  std::filesystem::path path_;
  std::string text_;
  std::vector<std::string> columns_;
};

// The number that a cell is; nothing where it is a text, or empty.
std::optional<double> number_in(std::string_view cell);

}  // namespace potomac::sim
