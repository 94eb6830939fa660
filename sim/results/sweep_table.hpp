// A sweep as somebody asks for it: some of its columns, a row a point, whoever keeps it.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/results/columns.hpp"

namespace potomac::sim {

struct SweepTable {
  struct Column {
    std::string name;
    bool parameter = false;  // a key that was swept
  };

  std::string name;  // as the user named it
  std::vector<Column> columns;
  std::size_t columns_left_out = 0;
  std::size_t rows_left_out = 0;
  std::optional<std::size_t> on_front = {};  // points on a front that was asked for, shown or not
  std::vector<std::vector<Cell>> rows;       // a cell a column: a number, a text, or not known
};

// The parameter of a sweep of several workloads: a workload's name.
inline constexpr std::string_view kWorkloadColumn = "workload";

// Where the points of a sweep are.
class SweepSource {
 public:
  using Visitor = std::function<void(std::size_t point, std::span<const Cell> cells)>;

  virtual ~SweepSource() = default;

  virtual std::string name() const = 0;  // as the user named it
  // The names of all columns that can be asked for; `point`, `status` and `message` are among them.
  virtual const std::vector<std::string>& columns() const = 0;
  // Those that sweep.csv has, in its order: `point`, the parameters, `status`, ..., `message`.
  virtual const std::vector<std::string>& listed() const = 0;
  virtual bool is_parameter(const std::string& column) const = 0;
  // The cells of these columns, point by point in their order: of all, or of those that are asked
  // for, whose numbers rise. Throws InputError if the source is damaged. Precondition: the columns
  // are there.
  virtual void each(std::span<const std::string> columns, const Visitor& visit,
                    std::optional<std::span<const std::size_t>> points = {}) const = 0;

 protected:
  SweepSource() = default;
  SweepSource(const SweepSource&) = default;
  SweepSource(SweepSource&&) = default;
  SweepSource& operator=(const SweepSource&) = default;
  SweepSource& operator=(SweepSource&&) = default;
};

// Throws InputError that names the nearest one if a column is not there.
void require_columns(const SweepSource& sweep, std::span<const std::string> columns);

// The points with these columns besides their parameters, status and message; none: what most
// people ask for first. At most so many points. Throws InputError as above, and if there is no
// point.
SweepTable table_of(const SweepSource& sweep, std::span<const std::string> columns,
                    std::size_t most_rows);

}  // namespace potomac::sim
