#include "workloads/layers/touched_elements.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
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

// Places from `begin` to `end` where the same comes again every `period` places.
struct Alike {
  std::int64_t begin;
  std::int64_t end;
  std::int64_t period;
};

// Sums of(place) for the places first, first + length, ... as far as they are less than `end`.
template <typename Of>
std::int64_t sum_along(std::int64_t first, std::int64_t length, std::int64_t end,
                       const Alike& alike, const Of& of) {
  std::int64_t sum = 0;
  std::int64_t place = first;
  for (; place < std::min(alike.begin, end); place += length) {
    sum += of(place);
  }
  const std::int64_t cycle = alike.period / std::gcd(length, alike.period);
  const std::int64_t cycles = place < alike.end ? blocks_in(alike.end - place, length) / cycle : 0;
  if (cycles > 1) {
    std::int64_t of_cycle = 0;
    for (std::int64_t i = 0; i < cycle; ++i) {
      of_cycle += of(place + i * length);
    }
    sum += cycles * of_cycle;
    place += cycles * cycle * length;
  }
  for (; place < end; place += length) {
    sum += of(place);
  }
  return sum;
}

}  // namespace

TouchedElements::TouchedElements(const OperandMapping& mapping, std::int64_t large)
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
  repeats_ = {places_.inner, 1, 0};
  if (places_.inner > large) {
    shorten();
  }
  const std::int64_t places = places_.inner - repeats_.left_out();
  const std::int64_t elements = map_.z.extent * map_.y.extent * map_.x.extent;
  if (places > kMostWork / taps_.inner || elements > kMostWork) {
    throw InputError({"", "memory",
                      fmt::format("an image of {} places and {} taps is too large for its traffic "
                                  "to be counted",
                                  places_.inner, taps_.inner),
                      "run without the key memory"});
  }
  tables_.resize(static_cast<std::size_t>(taps_.inner * taps_.inner));
  elements_ = static_cast<std::size_t>(elements);
  tap_positions_ = positions_of(taps_, !places_are_rows_);
  Side shortened = places_;
  shortened.inner = places;
  for (std::size_t i = 1; i < shortened.extents.size(); ++i) {
    if (shortened.extents.at(i) > 1) {  // the outermost axis
      shortened.extents.at(i) -= places_.extents.at(i) * repeats_.left_out() / places_.inner;
      break;
    }
  }
  place_positions_ = positions_of(shortened, places_are_rows_);
}

// Leaves out lines of places, along the outermost axis on which there are several, all of whose
// taps are within the image, as are those of all lines that touch the same elements; and the
// elements that lie between them.
void TouchedElements::shorten() {
  const std::array<PatchAxis*, 3> axes = {&map_.z, &map_.y, &map_.x};
  std::size_t outermost = 0;
  while (outermost < 2 && places_.extents.at(outermost + 1) == 1) {
    ++outermost;
  }
  PatchAxis& axis = *axes.at(outermost);
  const std::int64_t lines = places_.extents.at(outermost + 1);
  const std::int64_t step = places_are_rows_ ? axis.row_step : axis.depth_step;
  const std::int64_t tap_step = places_are_rows_ ? axis.depth_step : axis.row_step;
  if (step <= 0) {
    return;
  }
  const std::int64_t last_tap = tap_step * (taps_.extents.at(outermost + 1) - 1);
  const std::int64_t before = axis.origin + std::min<std::int64_t>(last_tap, 0);
  const std::int64_t behind = axis.origin + std::max<std::int64_t>(last_tap, 0);
  const std::int64_t reach = std::abs(last_tap) / step;  // lines that touch the same elements
  const std::int64_t begin = blocks_in(std::max<std::int64_t>(-before, 0), step);
  const std::int64_t inside = axis.extent * axis.divisor - 1 - behind;  // of the last line
  const std::int64_t end = inside < 0 ? 0 : std::min(inside / step, lines - 1) - reach + 1;
  const std::int64_t period = axis.divisor / std::gcd(step, axis.divisor);
  const std::int64_t times = (end - begin) / period - 1;
  if (times <= 0) {
    return;
  }
  const std::int64_t line = places_.inner / lines;
  repeats_ = {begin * line, period * line, times};
  axis.extent -= times * period * step / axis.divisor;
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

TouchedElements::Folded TouchedElements::fold(std::int64_t place, const Repeats& repeats) {
  if (place < repeats.begin + repeats.period) {
    return {static_cast<std::size_t>(place), 0};
  }
  const std::int64_t times =
      place >= repeats.end() ? repeats.times : (place - repeats.begin) / repeats.period;
  return {static_cast<std::size_t>(place - times * repeats.period), times};
}

TouchedElements::Table& TouchedElements::table(std::size_t number) {
  if (tables_[number]) {
    return *tables_[number];
  }
  if (entries_ > kMostEntries) {
    for (std::unique_ptr<Table>& one : tables_) {
      one.reset();
    }
    entries_ = 0;
  }
  tables_[number] = std::make_unique<Table>();
  Table& made = *tables_[number];
  const auto taps = static_cast<std::size_t>(taps_.inner);
  make(made, static_cast<std::int64_t>(number / taps),
       static_cast<std::int64_t>(number % taps) + 1);
  entries_ += (1 + made.pairs.size()) * made.touches.up_to.size();
  return made;
}

void TouchedElements::make(Table& table, std::int64_t begin, std::int64_t end) {
  const std::size_t places = place_positions_.size();
  std::vector<std::int32_t>& touches = table.touches.up_to;
  touches.resize(places + 1);
  std::map<std::int64_t, std::vector<std::int32_t>> pairs;
  std::vector<std::int32_t> last(elements_, -1);  // place that touched each element
  for (std::size_t place = 0; place < places; ++place) {
    touches[place + 1] = touches[place];
    for (std::int64_t tap = begin; tap < end; ++tap) {
      const std::int32_t at =
          element(place_positions_[place], tap_positions_[static_cast<std::size_t>(tap)]);
      if (at < 0) {
        continue;
      }
      touches[place + 1] += 1;
      std::int32_t& before = last[static_cast<std::size_t>(at)];
      if (before >= 0) {
        std::vector<std::int32_t>& firsts = pairs[static_cast<std::int64_t>(place) - before];
        firsts.resize(places + 1);
        firsts[static_cast<std::size_t>(before) + 1] += 1;
      }
      before = static_cast<std::int32_t>(place);
    }
  }
  for (auto& [distance, firsts] : pairs) {
    std::partial_sum(firsts.begin(), firsts.end(), firsts.begin());
    table.pairs.push_back({distance, {std::move(firsts)}});
  }
  const auto set_period = [&](Sums& sums) {
    if (repeats_.times > 0) {
      const auto from = static_cast<std::size_t>(repeats_.begin);
      sums.of_period =
          sums.up_to[from + static_cast<std::size_t>(repeats_.period)] - sums.up_to[from];
    }
  };
  set_period(table.touches);
  const Folded whole = fold(places_.inner);
  table.all = table.touches.at(whole);
  for (Table::Pairs& one : table.pairs) {
    set_period(one.firsts);
    table.all -= one.firsts.at(whole);
  }
}

// The elements that the places [begin, end) of one image touch.
std::int64_t TouchedElements::of_range(const Table& table, std::int64_t begin,
                                       std::int64_t end) const {
  const Folded from = fold(begin);
  std::int64_t count = table.touches.at(fold(end)) - table.touches.at(from);
  for (const Table::Pairs& pairs : table.pairs) {
    if (pairs.distance >= end - begin) {
      break;
    }
    count -= pairs.firsts.at(fold(end - pairs.distance)) - pairs.firsts.at(from);
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
    body(number_of(a, b), 1);
    return;
  }
  std::int64_t whole = last - first - 1;
  if (a == 0) {
    ++whole;
  } else {
    body(number_of(a, taps_.inner), 1);
  }
  if (b == taps_.inner) {
    ++whole;
  } else {
    body(number_of(0, b), 1);
  }
  if (whole > 0) {
    body(number_of(0, taps_.inner), whole);
  }
}

std::int64_t TouchedElements::of_block(std::int64_t row, std::int64_t row_end, std::int64_t k,
                                       std::int64_t k_end) {
  if (dense_) {
    return (row_end - row) * (k_end - k);
  }
  std::int64_t count = 0;
  for_each_table(places_are_rows_ ? k : row, places_are_rows_ ? k_end : row_end,
                 [&](std::size_t number, std::int64_t times) {
                   const Table& of_taps = table(number);
                   count += times * (places_are_rows_ ? of_places(of_taps, row, row_end)
                                                      : of_places(of_taps, k, k_end));
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
  std::unordered_map<std::size_t, std::size_t> known;
  for (std::int64_t begin = 0; begin < taps_.total; begin += block) {
    for_each_table(begin, std::min(begin + block, taps_.total),
                   [&](std::size_t number, std::int64_t times) {
                     const auto [at, is_new] = known.try_emplace(number, blocks.tables.size());
                     if (is_new) {
                       blocks.tables.emplace_back(number, 0);
                     }
                     blocks.tables[at->second].second += times;
                   });
  }
  return blocks;
}

TouchedElements::Cuts TouchedElements::cuts_of(const TapBlocks& blocks) {
  Cuts cuts;
  for (const auto& [number, times] : blocks.tables) {
    const Table& one = table(number);
    cuts.all += times * one.all;
    cuts.distance = std::max(cuts.distance, one.pairs.empty() ? 0 : one.pairs.back().distance);
  }
  // They depend on the places in front of them.
  const std::int64_t later = blocks_in(cuts.distance, repeats_.period);
  cuts.repeats = repeats_.times > later ? Repeats{repeats_.begin + later * repeats_.period,
                                                  repeats_.period, repeats_.times - later}
                                        : Repeats{places_.inner, 1, 0};
  cuts.at.resize(static_cast<std::size_t>(places_.inner - cuts.repeats.left_out()));
  for (const auto& [number, times] : blocks.tables) {
    for (const Table::Pairs& pairs : table(number).pairs) {
      for (std::size_t at = 1; at < cuts.at.size(); ++at) {
        const auto folded = static_cast<std::int64_t>(at);
        const std::int64_t place = folded < cuts.repeats.begin + cuts.repeats.period
                                       ? folded
                                       : folded + cuts.repeats.left_out();
        const std::int64_t reach = std::min(place, pairs.distance);
        cuts.at[at] +=
            times * (pairs.firsts.at(fold(place)) - pairs.firsts.at(fold(place - reach)));
      }
    }
  }
  return cuts;
}

template <typename Of>
std::int64_t TouchedElements::sum_over_images(std::int64_t length, const Of& of) const {
  // Where the first block begins in an image, comes back after so many images.
  const std::int64_t images = places_.extents[0];
  const std::int64_t period = length / std::gcd(length, places_.inner);
  const std::int64_t step = places_.inner % length;
  std::int64_t sum = 0;
  std::int64_t first = 0;
  for (std::int64_t image = 0; image < std::min(images, period); ++image) {
    sum += blocks_in(images - image, period) * of(first);
    first += first < step ? length - step : -step;
  }
  return sum;
}

// Each cut costs what is touched on both sides of it.
std::int64_t TouchedElements::of_long_blocks(const Cuts& cuts, std::int64_t length) const {
  const Repeats& repeats = cuts.repeats;
  return places_.extents[0] * cuts.all + sum_over_images(length, [&](std::int64_t first) {
           return sum_along(first, length, places_.inner,
                            {repeats.begin, repeats.end(), repeats.period},
                            [&](std::int64_t at) { return cuts.at[fold(at, repeats).at]; });
         });
}

std::int64_t TouchedElements::of_place_blocks(Table& table, std::int64_t length) const {
  const auto [slot, is_new] = table.sums.try_emplace(length, 0);
  if (is_new) {
    const auto of_block_at = [&](std::int64_t at) {
      return of_range(table, at, std::min(at + length, places_.inner));
    };
    slot->second = sum_over_images(length, [&](std::int64_t first) {
      return (first > 0 ? of_range(table, 0, std::min(first, places_.inner)) : 0) +
             sum_along(first, length, places_.inner,
                       {repeats_.begin, repeats_.end() - length, repeats_.period}, of_block_at);
    });
  }
  return slot->second;
}

std::int64_t TouchedElements::of_place_blocks(TapBlocks& blocks, std::int64_t length) {
  const auto known = blocks.sums.find(length);
  if (known != blocks.sums.end()) {
    return known->second;
  }
  if (blocks.sums.size() == kFewLengths) {
    blocks.cuts = cuts_of(blocks);
  }
  std::int64_t sum = 0;
  if (blocks.cuts && length >= std::min(blocks.cuts->distance, places_.inner)) {
    sum = of_long_blocks(*blocks.cuts, length);
  } else {
    for (const auto& [number, times] : blocks.tables) {
      sum += times * of_place_blocks(table(number), length);
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

}  // namespace potomac::workloads
