// Who hears of long work: the library shows no progress of its own.
#pragma once

#include <cstdint>
#include <string_view>

namespace potomac::sim {

// What long work is counted in, in the order in which it is done.
enum class Work {
  kTiles,   // passes whose tiles are chosen
  kBursts,  // that a DRAM device serves; how many is only about known before
  kMacs,
  kPoints,  // of a sweep; MACs are told of too, where there are any
};

// Hears of long work as it is done.
class Listener {
 public:
  virtual ~Listener() = default;
  // Before work of a kind, if there is any: how much it will be, as far as that is known.
  virtual void begin(Work work, std::uint64_t amount) = 0;
  // Again and again, from any thread: how much more is done, and what it belongs to.
  virtual void advance(Work work, std::uint64_t amount, std::string_view what) = 0;
  // Of preparations that take seconds, in a line.
  virtual void tell(std::string_view /*line*/) {}
};

}  // namespace potomac::sim
