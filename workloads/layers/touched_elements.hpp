// How many elements of its tensor a block of a lowered operand touches: what must be fetched to
// have the block. The patches of a convolution overlap, so that a block has an element many times
// over, and padding is no element at all.
//
// Of one index of such an operand the inner coordinates are places (of an image), of the other one
// taps (of a kernel). A range of places touches as many elements as it has touches, less the pairs
// of touches of one element that follow one another and are both in the range. How far apart the
// two are, takes few values (the next place, or about a row of places further on); so for a range
// of taps, a table has the touches of the places in front of each one, and for each distance the
// pairs. A large image is alike all along its outermost axis but for its borders: tables are made
// of one that is as much shorter.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "workloads/layers/operand_view.hpp"

namespace potomac::workloads {

class TouchedElements {
 public:
  static constexpr std::int64_t kLargeImage = std::int64_t{1} << 16;  // places

  // Throws InputError if an image is too large for its tables (kMostWork). `large`: images of more
  // places are shortened (tests shorten small ones).
  explicit TouchedElements(const OperandMapping& mapping, std::int64_t large = kLargeImage);

  std::int64_t rows() const { return rows_; }
  std::int64_t depth() const { return depth_; }

  // Whether each element of the tensor stands at one place of the matrix at most, and each place
  // has one: a block then touches as many as it has.
  bool dense() const { return dense_; }

  // What a block touches depends on where it begins only up to so many rows, and so much of depth.
  std::int64_t inner_rows() const {
    return dense_ ? 1 : places_are_rows_ ? places_.inner : taps_.inner;
  }
  std::int64_t inner_depth() const {
    return dense_ ? 1 : places_are_rows_ ? taps_.inner : places_.inner;
  }

  // The elements touched by the block of rows [row, row_end) and of depth [k, k_end).
  std::int64_t of_block(std::int64_t row, std::int64_t row_end, std::int64_t k, std::int64_t k_end);

  // The elements touched by all blocks together that cut the operand into `rows` and `depth` (the
  // last ones smaller).
  std::int64_t of_blocks(std::int64_t rows, std::int64_t depth);

 private:
  static constexpr std::int64_t kMostWork = std::int64_t{1} << 30;   // places x taps of a table
  static constexpr std::size_t kMostEntries = std::size_t{1} << 26;  // of all tables together
  static constexpr std::size_t kFewLengths = 8;  // for which tables are looked at one by one

  // Places from `begin` on that come again `times` times, every `period` places.
  struct Repeats {
    std::int64_t begin = 0;
    std::int64_t period = 1;
    std::int64_t times = 0;

    std::int64_t end() const { return begin + (times + 1) * period; }
    std::int64_t left_out() const { return times * period; }
  };
  // A place, or the end, without what comes again.
  struct Folded {
    std::size_t at = 0;
    std::int64_t times = 0;  // that came before
  };
  static Folded fold(std::int64_t place, const Repeats& repeats);

  // Sums up to a place, over those in front of it.
  struct Sums {
    std::vector<std::int32_t> up_to;  // by folded place
    std::int64_t of_period = 0;       // of what comes again

    std::int64_t at(const Folded& place) const { return up_to[place.at] + place.times * of_period; }
  };
  // For the taps [begin, end) of one outer coordinate.
  struct Table {
    Sums touches;
    struct Pairs {
      std::int64_t distance = 0;
      Sums firsts;  // pairs of which the first touch is in front
    };
    std::vector<Pairs> pairs;                             // by rising distance
    std::int64_t all = 0;                                 // elements of an image that are touched
    std::unordered_map<std::int64_t, std::int64_t> sums;  // by length of the blocks of places
  };

  // What cutting an image at a place costs, for a sum of tables: elements touched on both sides,
  // each as often as it is in another block.
  struct Cuts {
    std::vector<std::int64_t> at;  // by folded place
    Repeats repeats;
    std::int64_t all = 0;       // touched in one image without cuts
    std::int64_t distance = 0;  // cuts that are further apart do not lie between the same pair
  };

  // All blocks of so many taps.
  struct TapBlocks {
    std::vector<std::pair<std::size_t, std::int64_t>> tables;  // numbers, and how often each
    std::optional<Cuts> cuts;                                  // of all of them, once it pays
    std::unordered_map<std::int64_t, std::int64_t> sums;       // by length of the blocks of places
  };

  // A position on each axis, before its origin is added.
  struct Position {
    std::int64_t z, y, x;
  };
  struct Side;
  void shorten();
  std::vector<Position> positions_of(const Side& side, bool is_rows) const;
  std::int32_t element(const Position& place, const Position& tap) const;
  std::size_t number_of(std::int64_t begin, std::int64_t end) const {
    return static_cast<std::size_t>(begin * taps_.inner + end - 1);
  }
  // Valid till the next one is asked for.
  Table& table(std::size_t number);
  void make(Table& table, std::int64_t begin, std::int64_t end);
  Folded fold(std::int64_t place) const { return fold(place, repeats_); }
  std::int64_t of_range(const Table& table, std::int64_t begin, std::int64_t end) const;
  std::int64_t of_places(const Table& table, std::int64_t begin, std::int64_t end) const;
  TapBlocks& tap_blocks(std::int64_t taps);
  std::int64_t of_place_blocks(TapBlocks& blocks, std::int64_t length);
  std::int64_t of_place_blocks(Table& table, std::int64_t length) const;
  std::int64_t of_long_blocks(const Cuts& cuts, std::int64_t length) const;
  Cuts cuts_of(const TapBlocks& blocks);
  // Sums of(first place) over all images, where their places are cut into blocks of so many.
  template <typename Of>
  std::int64_t sum_over_images(std::int64_t length, const Of& of) const;
  // Calls body(number of a table, times) for the taps [begin, end) of all outer coordinates.
  template <typename Body>
  void for_each_table(std::int64_t begin, std::int64_t end, const Body& body);

  struct Side {
    std::array<std::int64_t, 4> extents{};
    std::int64_t inner = 1;  // of all but the outermost coordinate
    std::int64_t total = 1;
  };

  OperandMapping map_;  // of the shortened image
  std::int64_t rows_;
  std::int64_t depth_;
  bool places_are_rows_;
  Side places_;  // of the whole one
  Side taps_;
  bool dense_ = false;
  Repeats repeats_;
  std::size_t elements_ = 0;  // of the shortened image
  std::vector<Position> place_positions_;
  std::vector<Position> tap_positions_;
  std::vector<std::unique_ptr<Table>> tables_;  // [begin][end - 1]; null if it is not at hand
  std::size_t entries_ = 0;                     // of those at hand
  std::unordered_map<std::int64_t, TapBlocks> tap_blocks_;  // by their number of taps
};

}  // namespace potomac::workloads
