#include "workloads/layers/touched_elements.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "support/error.hpp"

namespace potomac::workloads {
namespace {

std::int64_t volume_of(const std::array<std::int64_t, 4>& extents) {
  return extents[0] * extents[1] * extents[2] * extents[3];
}

std::int64_t blocks_in(std::int64_t extent, std::int64_t block) {
  return (extent + block - 1) / block;
}

// Whether an axis gives each pair of coordinates an element, and no two pairs the same one: only
// one of the two may move, and it must stay inside.
bool is_dense(const PatchAxis& axis, std::int64_t rows, std::int64_t depth) {
  if (axis.divisor != 1 || (rows > 1 && depth > 1) || (rows > 1 && axis.row_step == 0) ||
      (depth > 1 && axis.depth_step == 0)) {
    return false;
  }
  const std::int64_t end = axis.origin + (rows - 1) * axis.row_step + (depth - 1) * axis.depth_step;
  return std::min(axis.origin, end) >= 0 && std::max(axis.origin, end) < axis.extent;
}

}  // namespace

TouchedElements::TouchedElements(const OperandMapping& mapping)
    : map_(mapping),
      rows_(volume_of(mapping.row_extents)),
      depth_(volume_of(mapping.depth_extents)) {
  const auto side = [](const std::array<std::int64_t, 4>& extents) {
    return Side{extents, extents[1] * extents[2] * extents[3], volume_of(extents)};
  };
  const Side of_rows = side(mapping.row_extents);
  const Side of_depth = side(mapping.depth_extents);
  places_are_rows_ = of_rows.inner >= of_depth.inner;
  places_ = places_are_rows_ ? of_rows : of_depth;
  taps_ = places_are_rows_ ? of_depth : of_rows;
  dense_ = is_dense(map_.z, of_rows.extents[1], of_depth.extents[1]) &&
           is_dense(map_.y, of_rows.extents[2], of_depth.extents[2]) &&
           is_dense(map_.x, of_rows.extents[3], of_depth.extents[3]);
  if (dense_) {
    return;
  }
  const std::int64_t elements = map_.z.extent * map_.y.extent * map_.x.extent;
  if (places_.inner > kMostWork / taps_.inner || elements > kMostWork) {
    throw InputError({"", "memory",
                      fmt::format("an image of {} places and {} taps is too large for its traffic "
                                  "to be counted",
                                  places_.inner, taps_.inner),
                      "run without the key memory"});
  }
  tables_.resize(static_cast<std::size_t>(taps_.inner * taps_.inner));
  elements_ = static_cast<std::size_t>(elements);
  place_positions_ = positions_of(places_, places_are_rows_);
  tap_positions_ = positions_of(taps_, !places_are_rows_);
}

// What an index of a side adds to the position on each axis.
std::vector<TouchedElements::Position> TouchedElements::positions_of(const Side& side,
                                                                     bool is_rows) const {
  const auto step = [&](const PatchAxis& axis) {
    return is_rows ? axis.row_step : axis.depth_step;
  };
  std::vector<Position> positions;
  positions.reserve(static_cast<std::size_t>(side.inner));
  for (std::int64_t z = 0; z < side.extents[1]; ++z) {
    for (std::int64_t y = 0; y < side.extents[2]; ++y) {
      for (std::int64_t x = 0; x < side.extents[3]; ++x) {
        positions.push_back({z * step(map_.z), y * step(map_.y), x * step(map_.x)});
      }
    }
  }
  return positions;
}

// Number of the element within its image, or -1 for padding and holes.
std::int32_t TouchedElements::element(const Position& place, const Position& tap) const {
  const auto at = [](const PatchAxis& axis, std::int64_t one, std::int64_t other) {
    const std::int64_t scaled = one + other + axis.origin;
    if (axis.divisor == 1) {  // no division for each element
      return scaled < axis.extent ? scaled : -1;
    }
    return scaled >= 0 && scaled % axis.divisor == 0 && scaled / axis.divisor < axis.extent
               ? scaled / axis.divisor
               : -1;
  };
  const std::int64_t z = at(map_.z, place.z, tap.z);
  const std::int64_t y = at(map_.y, place.y, tap.y);
  const std::int64_t x = at(map_.x, place.x, tap.x);
  return z < 0 || y < 0 || x < 0
             ? -1
             : static_cast<std::int32_t>((z * map_.y.extent + y) * map_.x.extent + x);
}

TouchedElements::Table& TouchedElements::table(std::int64_t begin, std::int64_t end) {
  std::unique_ptr<Table>& slot = tables_[static_cast<std::size_t>(begin * taps_.inner + end - 1)];
  if (slot) {
    return *slot;
  }
  slot = std::make_unique<Table>();
  Table& made = *slot;
  const auto places = static_cast<std::size_t>(places_.inner);
  made.touches.resize(places + 1);
  std::map<std::int64_t, std::vector<std::int32_t>> pairs;
  std::vector<std::int32_t> last(elements_, -1);  // place that touched each element
  for (std::size_t place = 0; place < places; ++place) {
    made.touches[place + 1] = made.touches[place];
    for (std::int64_t tap = begin; tap < end; ++tap) {
      const std::int32_t at =
          element(place_positions_[place], tap_positions_[static_cast<std::size_t>(tap)]);
      if (at < 0) {
        continue;
      }
      made.touches[place + 1] += 1;
      std::int32_t& before = last[static_cast<std::size_t>(at)];
      if (before < 0) {
        made.all += 1;
      } else {
        std::vector<std::int32_t>& firsts = pairs[static_cast<std::int64_t>(place) - before];
        firsts.resize(places + 1);
        firsts[static_cast<std::size_t>(before) + 1] += 1;
      }
      before = static_cast<std::int32_t>(place);
    }
  }
  for (auto& [distance, firsts] : pairs) {
    std::partial_sum(firsts.begin(), firsts.end(), firsts.begin());
    made.pairs.push_back({distance, std::move(firsts)});
  }
  return made;
}

// The elements that the places [begin, end) of one image touch.
std::int64_t TouchedElements::of_range(const Table& table, std::int64_t begin, std::int64_t end) {
  const auto from = static_cast<std::size_t>(begin);
  const auto to = static_cast<std::size_t>(end);
  std::int64_t count = table.touches[to] - table.touches[from];
  for (const Table::Pairs& pairs : table.pairs) {
    if (pairs.distance >= end - begin) {
      break;
    }
    count -= pairs.firsts[to - static_cast<std::size_t>(pairs.distance)] - pairs.firsts[from];
  }
  return count;
}

// The elements that the places [begin, end) of all images touch.
std::int64_t TouchedElements::of_places(const Table& table, std::int64_t begin,
                                        std::int64_t end) const {
  const std::int64_t first = begin / places_.inner;
  const std::int64_t last = (end - 1) / places_.inner;
  const std::int64_t a = begin - first * places_.inner;
  const std::int64_t b = end - last * places_.inner;
  if (first < last) {
    return of_range(table, a, places_.inner) + (last - first - 1) * table.all +
           of_range(table, 0, b);
  }
  return of_range(table, a, b);
}

template <typename Body>
void TouchedElements::for_each_table(std::int64_t begin, std::int64_t end, const Body& body) {
  const std::int64_t first = begin / taps_.inner;
  const std::int64_t last = (end - 1) / taps_.inner;
  const std::int64_t a = begin - first * taps_.inner;
  const std::int64_t b = end - last * taps_.inner;
  if (first == last) {
    body(table(a, b), 1);
    return;
  }
  std::int64_t whole = last - first - 1;
  if (a == 0) {
    ++whole;
  } else {
    body(table(a, taps_.inner), 1);
  }
  if (b == taps_.inner) {
    ++whole;
  } else {
    body(table(0, b), 1);
  }
  if (whole > 0) {
    body(table(0, taps_.inner), whole);
  }
}

std::int64_t TouchedElements::of_block(std::int64_t row, std::int64_t row_end, std::int64_t k,
                                       std::int64_t k_end) {
  if (dense_) {
    return (row_end - row) * (k_end - k);
  }
  std::int64_t count = 0;
  for_each_table(places_are_rows_ ? k : row, places_are_rows_ ? k_end : row_end,
                 [&](Table& table, std::int64_t times) {
                   count += times * (places_are_rows_ ? of_places(table, row, row_end)
                                                      : of_places(table, k, k_end));
                 });
  return count;
}

TouchedElements::TapBlocks& TouchedElements::tap_blocks(std::int64_t taps) {
  // Whole outer coordinates are all alike.
  const std::int64_t block = taps % taps_.inner == 0 ? taps_.total : taps;
  const auto [slot, made] = tap_blocks_.try_emplace(block);
  TapBlocks& blocks = slot->second;
  if (!made) {
    return blocks;
  }
  // The tables, in the order in which they are first met.
  std::unordered_map<Table*, std::size_t> known;
  for (std::int64_t begin = 0; begin < taps_.total; begin += block) {
    for_each_table(begin, std::min(begin + block, taps_.total),
                   [&](Table& table, std::int64_t times) {
                     const auto [at, is_new] = known.try_emplace(&table, blocks.tables.size());
                     if (is_new) {
                       blocks.tables.emplace_back(&table, 0);
                     }
                     blocks.tables[at->second].second += times;
                   });
  }
  return blocks;
}

void TouchedElements::add_cuts(Cuts& cuts, const Table& table, std::int64_t times) {
  cuts.at.resize(table.touches.size() - 1);
  cuts.all += times * table.all;
  for (const Table::Pairs& pairs : table.pairs) {
    cuts.distance = std::max(cuts.distance, pairs.distance);
    for (std::size_t place = 1; place < cuts.at.size(); ++place) {
      const auto reach = std::min(place, static_cast<std::size_t>(pairs.distance));
      cuts.at[place] += times * (pairs.firsts[place] - pairs.firsts[place - reach]);
    }
  }
}

// Each cut costs what is touched on both sides of it. Where cuts lie within an image comes back
// after a number of them.
std::int64_t TouchedElements::of_long_blocks(const Cuts& cuts, std::int64_t length) const {
  const std::int64_t count = blocks_in(places_.total, length) - 1;
  const std::int64_t period = places_.inner / std::gcd(length, places_.inner);
  const std::int64_t step = length % places_.inner;
  std::int64_t of_period = 0;
  std::int64_t of_rest = 0;
  std::int64_t at = 0;
  for (std::int64_t cut = 1; cut <= std::min(period, count); ++cut) {
    at += step;
    at -= at >= places_.inner ? places_.inner : 0;
    of_period += cuts.at[static_cast<std::size_t>(at)];
    if (cut == count % period) {
      of_rest = of_period;
    }
  }
  return places_.extents[0] * cuts.all + count / period * of_period + of_rest;
}

std::int64_t TouchedElements::of_place_blocks(Table& table, std::int64_t length) const {
  const auto [slot, is_new] = table.sums.try_emplace(length, 0);
  if (!is_new) {
    return slot->second;
  }
  // The blocks come back after as many images as together hold a whole number of them.
  const std::int64_t period = std::lcm(length, places_.inner);
  const auto up_to = [&](std::int64_t end) {
    std::int64_t part = 0;
    for (std::int64_t at = 0; at < end; at += length) {
      part += of_places(table, at, std::min(at + length, end));
    }
    return part;
  };
  const std::int64_t whole = places_.total / period;
  slot->second = (whole > 0 ? whole * up_to(period) : 0) + up_to(places_.total % period);
  return slot->second;
}

std::int64_t TouchedElements::of_place_blocks(TapBlocks& blocks, std::int64_t length) {
  const auto known = blocks.sums.find(length);
  if (known != blocks.sums.end()) {
    return known->second;
  }
  if (blocks.sums.size() == kFewLengths) {
    for (const auto& [table, times] : blocks.tables) {
      add_cuts(blocks.cuts, *table, times);
    }
  }
  std::int64_t sum = 0;
  if (blocks.sums.size() >= kFewLengths &&
      length >= std::min(blocks.cuts.distance, places_.inner)) {
    sum = of_long_blocks(blocks.cuts, length);
  } else {
    for (const auto& [table, times] : blocks.tables) {
      sum += times * of_place_blocks(*table, length);
    }
  }
  blocks.sums.emplace(length, sum);
  return sum;
}

std::int64_t TouchedElements::of_blocks(std::int64_t rows, std::int64_t depth) {
  if (dense_) {
    return rows_ * depth_;
  }
  return of_place_blocks(tap_blocks(places_are_rows_ ? depth : rows),
                         places_are_rows_ ? rows : depth);
}

std::int64_t TouchedElements::of_blocks_at_least(std::int64_t rows, std::int64_t depth) {
  if (dense_) {
    return rows_ * depth_;
  }
  // Blocks that are put together touch no more than they did one by one.
  TapBlocks& blocks = tap_blocks(places_are_rows_ ? depth : rows);
  const std::int64_t length = places_are_rows_ ? rows : depth;
  std::int64_t distance = 0;
  for (const auto& [table, times] : blocks.tables) {
    distance = std::max(distance, table->pairs.empty() ? 0 : table->pairs.back().distance);
  }
  const std::int64_t together = length * std::max<std::int64_t>(blocks_in(distance, length), 1);
  return of_place_blocks(blocks, std::min(together, places_.total));
}

}  // namespace potomac::workloads
