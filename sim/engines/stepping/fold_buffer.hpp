// The results of each fold that leaves an array, gathered and handed on when the fold is complete:
// memory stays at a few array-fulls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "sim/engines/interface/value_facts.hpp"
#include "sim/engines/stepping/result_places.hpp"

namespace potomac::sim {

template <typename Value>
class FoldBuffer {
 public:
  // Either may be empty; both must outlive it.
  FoldBuffer(const std::function<void(const ResultTile<Value>&)>& sink, const MacsDone& done)
      : sink_(sink), done_(done) {}

  void take(const ResultPlace& place, Value value) {
    const Fold& fold = *place.fold;
    Tile& tile = tiles_[place.fold_number];
    const auto size = static_cast<std::size_t>(fold.m.size() * fold.n.size());
    tile.values.resize(sink_ ? size : 0);
    if (sink_) {
      tile.values[static_cast<std::size_t>((place.m - fold.m.begin) * fold.n.size() + place.n -
                                           fold.n.begin)] = value;
    }
    received_ += 1;
    if (++tile.filled < size) {
      return;
    }
    if (sink_) {
      sink_({fold.gemm, fold.m.begin, fold.n.begin, fold.m.size(), fold.n.size(),
             tile.values.data(), fold.n.size()});
    }
    if (done_) {
      // In a stationary array, the last fold ends what all of the depth's folds began.
      done_(static_cast<std::int64_t>(size) * fold.k.end);
    }
    tiles_.erase(place.fold_number);
  }

  std::int64_t received() const { return received_; }

 private:
  struct Tile {
    std::vector<Value> values;
    std::size_t filled = 0;
  };

  const std::function<void(const ResultTile<Value>&)>& sink_;
  const MacsDone& done_;
  std::map<std::uint64_t, Tile> tiles_;
  std::int64_t received_ = 0;
};

}  // namespace potomac::sim
