#include "sim/results/sweep_query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include "sim/results/condition.hpp"
#include "support/error.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {
namespace {

// A column, and whether the word behind it was there: "NAME desc".
struct NamedColumn {
  std::string name;
  bool marked = false;
};

NamedColumn named_column(const std::string& text, std::string_view word, const char* option) {
  const std::size_t space = text.find(' ');
  if (space == std::string::npos) {
    return {text};
  }
  const std::string behind = text.substr(text.find_first_not_of(' ', space));
  if (behind != word) {
    throw InputError({"", option, fmt::format("'{}' stands behind a column", printable(behind)),
                      fmt::format("write NAME, or NAME {}", word)});
  }
  return {text.substr(0, space), true};
}

std::vector<NamedColumn> named_columns(const std::vector<std::string>& texts, std::string_view word,
                                       const char* option) {
  std::vector<NamedColumn> columns;
  columns.reserve(texts.size());
  for (const std::string& text : texts) {
    columns.push_back(named_column(text, word, option));
  }
  return columns;
}

Condition::Value value_of(const std::string& cell) {
  if (cell.empty()) {
    return {};
  }
  const std::optional<double> number = number_in(cell);
  return number ? Condition::Value(*number) : Condition::Value(cell);
}

std::size_t place_of(const SweepTable& table, const std::string& name) {
  const auto found = std::ranges::find(table.columns, name, &SweepTable::Column::name);
  return static_cast<std::size_t>(found - table.columns.begin());
}

// Rows as a condition, an order and a front see them.
class AskedRows {
 public:
  explicit AskedRows(const SweepTable& table) : table_(table), rows_(table.rows.size()) {
    std::iota(rows_.begin(), rows_.end(), std::size_t{0});
    const std::size_t status = place_of(table, "status");
    std::erase_if(rows_, [&](std::size_t row) { return table_.rows[row][status] != "done"; });
  }

  const std::vector<std::size_t>& rows() const { return rows_; }

  void keep(const Condition& condition) {
    std::vector<std::size_t> places;
    for (const std::string& name : condition.names()) {
      places.push_back(place_of(table_, name));
    }
    std::erase_if(rows_, [&](std::size_t row) {
      return !condition.holds(
          [&](std::size_t name) { return value_of(table_.rows[row][places[name]]); });
    });
  }

  void sort(const std::vector<NamedColumn>& by) {
    // The last one first: sorting keeps the order of equals.
    for (std::size_t i = by.size(); i-- > 0;) {
      const NamedColumn& column = by[i];
      const std::size_t place = place_of(table_, column.name);
      std::vector<Condition::Value> keys(table_.rows.size());
      for (const std::size_t row : rows_) {
        keys[row] = value_of(table_.rows[row][place]);
      }
      std::ranges::stable_sort(rows_, [&](std::size_t a, std::size_t b) {
        if (keys[a].index() == 0 || keys[b].index() == 0) {
          return keys[a].index() != 0 && keys[b].index() == 0;
        }
        return column.marked ? keys[b] < keys[a] : keys[a] < keys[b];
      });
    }
  }

  // Of each row whether it is on the front.
  std::vector<bool> front(const std::vector<NamedColumn>& quantities) const {
    std::vector<std::vector<double>> points;  // of the rows that know all; less is better
    std::vector<std::size_t> known;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      std::vector<double> point;
      for (const NamedColumn& quantity : quantities) {
        const Condition::Value value =
            value_of(table_.rows[rows_[i]][place_of(table_, quantity.name)]);
        if (const auto* const number = std::get_if<double>(&value)) {
          point.push_back(quantity.marked ? -*number : *number);
        }
      }
      if (point.size() == quantities.size()) {
        points.push_back(std::move(point));
        known.push_back(i);
      }
    }
    std::vector<bool> on_front(rows_.size());
    for (const std::size_t i : undominated(points)) {
      on_front[known[i]] = true;
    }
    return on_front;
  }

 private:
  // Whether a is as good as b in all, and better in one.
  static bool dominates(const std::vector<double>& a, const std::vector<double>& b) {
    bool better = false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a[i] > b[i]) {
        return false;
      }
      better = better || a[i] < b[i];
    }
    return better;
  }

  // Who dominates another one comes before it in this order, so that only the front so far need be
  // looked at.
  static std::vector<std::size_t> undominated(const std::vector<std::vector<double>>& points) {
    std::vector<std::size_t> order(points.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(
        order, {}, [&](std::size_t i) -> const auto& { return points[i]; });
    std::vector<std::size_t> front;
    for (const std::size_t i : order) {
      if (std::ranges::none_of(
              front, [&](std::size_t other) { return dominates(points[other], points[i]); })) {
        front.push_back(i);
      }
    }
    return front;
  }

  const SweepTable& table_;
  std::vector<std::size_t> rows_;
};

// Adds names that are not there yet.
void add_missing(std::vector<std::string>& names, const std::vector<std::string>& more) {
  for (const std::string& name : more) {
    if (std::ranges::find(names, name) == names.end()) {
      names.push_back(name);
    }
  }
}

std::vector<std::string> names_of(const std::vector<NamedColumn>& columns) {
  std::vector<std::string> names;
  std::ranges::transform(columns, std::back_inserter(names), &NamedColumn::name);
  return names;
}

}  // namespace

SweepTable ask_sweep(const std::filesystem::path& path, const SweepQuery& query) {
  const std::vector<NamedColumn> order = named_columns(query.sort, "desc", "--sort");
  const std::vector<NamedColumn> quantities = named_columns(query.pareto, "max", "--pareto");
  if (quantities.size() > kMostParetoQuantities) {
    throw InputError({"", "--pareto", fmt::format("names {} quantities", quantities.size()),
                      fmt::format("choose {} at most", kMostParetoQuantities)});
  }
  const SweepCsv csv(path);
  std::optional<Condition> condition;
  if (!query.where.empty()) {
    condition.emplace(query.where, csv.columns(), "--where");
  }
  // What is shown, and what is looked at besides.
  std::vector<std::string> shown = query.columns;
  std::vector<std::string> asked = names_of(order);
  add_missing(asked, names_of(quantities));
  if (condition) {
    add_missing(asked, condition->names());
  }
  if (shown.empty()) {
    shown = asked.empty() ? std::vector<std::string>{"mf_mac_time_s", "mf_mac_utilization"} : asked;
  }
  std::vector<std::string> loaded = shown;
  add_missing(loaded, asked);
  const SweepTable table = csv.table(loaded);

  AskedRows rows(table);
  if (condition) {
    rows.keep(*condition);
  }
  rows.sort(order);
  const std::vector<bool> front = quantities.empty() ? std::vector<bool>() : rows.front(quantities);

  SweepTable answer;
  answer.name = table.name;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const SweepTable::Column& column = table.columns[i];
    if (i == 0 || column.parameter || std::ranges::find(shown, column.name) != shown.end()) {
      places.push_back(i);
      answer.columns.push_back(column);
    }
  }
  if (!quantities.empty()) {
    answer.columns.push_back({"pareto", false});
  }
  const std::size_t most = query.limit.value_or(std::numeric_limits<std::size_t>::max());
  for (std::size_t i = 0; i < std::min(rows.rows().size(), most); ++i) {
    std::vector<std::string>& row = answer.rows.emplace_back();
    for (const std::size_t place : places) {
      row.push_back(table.rows[rows.rows()[i]][place]);
    }
    if (!quantities.empty()) {
      row.emplace_back(front[i] ? "1" : "0");
    }
  }
  if (answer.rows.empty()) {
    throw InputError(
        {sweep_file(path).string(), "--where", "holds for no point that ran", "ask for less"});
  }
  return answer;
}

}  // namespace potomac::sim
