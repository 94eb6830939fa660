#include "sim/results/sweep_query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

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

// A cell as conditions and orders see it.
struct Comparable {
  Condition::Value operator()(std::int64_t value) const { return static_cast<double>(value); }
  Condition::Value operator()(std::uint64_t value) const { return static_cast<double>(value); }
  Condition::Value operator()(double value) const { return value; }
  Condition::Value operator()(Share share) const { return share.value; }
  Condition::Value operator()(const std::string& text) const { return text; }
  Condition::Value operator()(const auto& /*nothing that compares*/) const { return {}; }
};

// What less is better of, as far as all of it is known.
using Measures = std::array<double, kMostParetoQuantities>;

// The points that are asked for, and of each no more than orders and fronts need.
struct AskedPoints {
  std::vector<std::size_t> points;
  std::vector<std::vector<Condition::Value>> keys;  // by sort column, then point
  std::vector<Measures> measures;
  std::vector<bool> measured;
};

AskedPoints asked_points(const SweepSource& sweep, const std::optional<Condition>& condition,
                         std::span<const NamedColumn> order,
                         std::span<const NamedColumn> quantities) {
  std::vector<std::string> columns{"status"};
  const auto add = [&columns](const std::string& name) {
    columns.push_back(name);
    return columns.size() - 1;
  };
  std::vector<std::size_t> of_condition;
  for (const std::string& name : condition ? condition->names() : std::vector<std::string>()) {
    of_condition.push_back(add(name));
  }
  std::vector<std::size_t> of_order;
  std::ranges::transform(order, std::back_inserter(of_order),
                         [&](const NamedColumn& column) { return add(column.name); });
  std::vector<std::size_t> of_quantities;
  std::ranges::transform(quantities, std::back_inserter(of_quantities),
                         [&](const NamedColumn& column) { return add(column.name); });
  AskedPoints asked;
  asked.keys.resize(order.size());
  std::span<const Cell> cells;
  const auto value = [&cells](std::size_t place) { return std::visit(Comparable{}, cells[place]); };
  const Condition::ValueOf named = [&](std::size_t name) { return value(of_condition[name]); };
  sweep.each(columns, [&](std::size_t point, std::span<const Cell> row) {
    cells = row;
    const auto* const status = std::get_if<std::string>(&cells.front());
    if (status == nullptr || *status != "done" || (condition && !condition->holds(named))) {
      return;
    }
    asked.points.push_back(point);
    for (std::size_t i = 0; i < order.size(); ++i) {
      asked.keys[i].push_back(value(of_order[i]));
    }
    if (!quantities.empty()) {
      Measures measures{};
      bool known = true;
      for (std::size_t i = 0; i < quantities.size(); ++i) {
        const Condition::Value quantity = value(of_quantities[i]);
        const auto* const number = std::get_if<double>(&quantity);
        known = known && number != nullptr;
        measures.at(i) = number == nullptr ? 0.0 : quantities[i].marked ? -*number : *number;
      }
      asked.measures.push_back(measures);
      asked.measured.push_back(known);
    }
  });
  return asked;
}

// Pairs of which less is better, as a staircase: the second falls as the first rises.
class Staircase {
 public:
  // Whether one of them is as good in both.
  bool dominates(double first, double second) const {
    const auto behind = steps_.upper_bound(first);
    return behind != steps_.begin() && std::prev(behind)->second <= second;
  }

  void add(double first, double second) {
    if (dominates(first, second)) {
      return;
    }
    auto worse = std::next(steps_.insert_or_assign(first, second).first);
    while (worse != steps_.end() && worse->second >= second) {
      worse = steps_.erase(worse);
    }
  }

 private:
  std::map<double, double> steps_;
};

// The points on the front so far, which come in rising order: all that came before one are as good
// in the first quantity. By the ranks of their fourth quantity (of fewer all are 0) they lie in a
// Fenwick tree, whose nodes are staircases of the second and third: a few of them tell whether a
// point is dominated.
class FrontSoFar {
 public:
  explicit FrontSoFar(std::span<const std::pair<Measures, std::size_t>> points) {
    std::ranges::transform(points, std::back_inserter(ranks_),
                           [](const auto& point) { return point.first[3]; });
    std::ranges::sort(ranks_);
    ranks_.erase(std::unique(ranks_.begin(), ranks_.end()), ranks_.end());
    nodes_.resize(ranks_.size() + 1);
  }

  // Whether a point is as good as this one in all quantities. Precondition: none is equal to it.
  bool dominates(const Measures& point) const {
    for (std::size_t node = node_of(point); node > 0; node &= node - 1) {
      if (nodes_[node].dominates(point[1], point[2])) {
        return true;
      }
    }
    return false;
  }

  void add(const Measures& point) {
    for (std::size_t node = node_of(point); node < nodes_.size(); node += node & (~node + 1)) {
      nodes_[node].add(point[1], point[2]);
    }
  }

 private:
  std::size_t node_of(const Measures& point) const {
    return static_cast<std::size_t>(std::ranges::lower_bound(ranks_, point[3]) - ranks_.begin()) +
           1;
  }

  std::vector<double> ranks_;  // every fourth quantity that there is
  std::vector<Staircase> nodes_;
};

// Of each point whether it is on the front. Who dominates another one comes before it in the order
// of their measures.
std::vector<bool> front_of(const AskedPoints& asked) {
  std::vector<std::pair<Measures, std::size_t>> known;
  for (std::size_t i = 0; i < asked.points.size(); ++i) {
    if (asked.measured[i]) {
      known.emplace_back(asked.measures[i], i);
    }
  }
  std::ranges::sort(known);
  std::vector<bool> on_front(asked.points.size());
  FrontSoFar front(known);
  for (std::size_t begin = 0; begin < known.size();) {
    // Equal points are all on it, or none is.
    const Measures& measures = known[begin].first;
    std::size_t end = begin;
    const bool is_on = !front.dominates(measures);
    for (; end < known.size() && known[end].first == measures; ++end) {
      on_front[known[end].second] = is_on;
    }
    if (is_on) {
      front.add(measures);
    }
    begin = end;
  }
  return on_front;
}

// Places in `asked`, in the order that is asked for.
std::vector<std::size_t> ordered(const AskedPoints& asked, std::span<const NamedColumn> by) {
  std::vector<std::size_t> places(asked.points.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  if (by.empty()) {
    return places;
  }
  // -1, 0 or 1; what is not known is behind all else.
  const auto compare = [&](std::size_t column, std::size_t a, std::size_t b) {
    const Condition::Value& one = asked.keys[column][a];
    const Condition::Value& other = asked.keys[column][b];
    if (one.index() == 0 || other.index() == 0) {
      return (one.index() == 0 ? 1 : 0) - (other.index() == 0 ? 1 : 0);
    }
    const int rising = (other < one ? 1 : 0) - (one < other ? 1 : 0);
    return by[column].marked ? -rising : rising;
  };
  std::ranges::sort(places, [&](std::size_t a, std::size_t b) {
    for (std::size_t column = 0; column < by.size(); ++column) {
      if (const int difference = compare(column, a, b); difference != 0) {
        return difference < 0;
      }
    }
    return a < b;
  });
  return places;
}

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

SweepTable ask_sweep(const SweepSource& sweep, const SweepQuery& query, bool front_alone) {
  const std::vector<NamedColumn> order = named_columns(query.sort, "desc", "--sort");
  const std::vector<NamedColumn> quantities = named_columns(query.pareto, "max", "--pareto");
  if (quantities.size() > kMostParetoQuantities) {
    throw InputError({"", "--pareto", fmt::format("names {} quantities", quantities.size()),
                      fmt::format("choose {} at most", kMostParetoQuantities)});
  }
  std::optional<Condition> condition;
  if (!query.where.empty()) {
    condition.emplace(query.where, sweep.columns(), "--where");
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
  require_columns(sweep, shown);
  require_columns(sweep, asked);

  const AskedPoints points = asked_points(sweep, condition, order, quantities);
  const std::vector<bool> front = quantities.empty() ? std::vector<bool>() : front_of(points);
  std::vector<std::size_t> places = ordered(points, order);
  SweepTable answer;
  answer.name = sweep.name();
  const std::size_t all = places.size();
  if (!quantities.empty()) {
    answer.on_front = static_cast<std::size_t>(std::ranges::count(front, true));
    std::erase_if(places, [&](std::size_t place) { return front_alone && !front[place]; });
  }
  places.resize(
      std::min(places.size(), query.limit.value_or(std::numeric_limits<std::size_t>::max())));
  answer.rows_left_out = all - places.size();
  if (places.empty()) {
    throw InputError({sweep.name(), "--where", "holds for no point that ran", "ask for less"});
  }

  std::vector<std::string> columns{"point"};
  std::ranges::copy_if(sweep.listed(), std::back_inserter(columns),
                       [&](const std::string& name) { return sweep.is_parameter(name); });
  add_missing(columns, shown);
  for (const std::string& name : columns) {
    answer.columns.push_back({name, sweep.is_parameter(name)});
  }
  std::vector<std::pair<std::size_t, std::size_t>> rows;  // a point, and its row in the answer
  for (std::size_t i = 0; i < places.size(); ++i) {
    rows.emplace_back(points.points[places[i]], i);
  }
  std::ranges::sort(rows);
  std::vector<std::size_t> wanted;
  std::ranges::transform(rows, std::back_inserter(wanted),
                         [](const auto& row) { return row.first; });
  answer.rows.resize(rows.size());
  std::size_t next = 0;
  sweep.each(
      columns,
      [&](std::size_t /*point*/, std::span<const Cell> cells) {
        answer.rows[rows[next++].second].assign(cells.begin(), cells.end());
      },
      wanted);
  if (!quantities.empty()) {
    answer.columns.push_back({"pareto", false});
    for (std::size_t i = 0; i < places.size(); ++i) {
      answer.rows[i].emplace_back(std::int64_t{front[places[i]] ? 1 : 0});
    }
  }
  return answer;
}

}  // namespace potomac::sim
