// What the memory around an array does: reads and writes of its scratchpads and of DRAM, which a
// unit-energy table prices like actions. Names, units and meanings stand in one table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "support/count.hpp"

namespace potomac::energy {

inline constexpr double kDramAccessBits = 64.0;  // of a table's entry dram_access_64

// One memory's accesses. A word is the memory's own; bits are those that it was asked for.
struct Accesses {
  Count read_words;
  Count read_bits;
  Count written_words;
  Count written_bits;

  Accesses& add(const Accesses& other, std::uint64_t times);
  friend bool operator==(const Accesses&, const Accesses&) = default;
};

// What one machine moved over some work; unknown where it has no memory.
struct MemoryAccesses {
  Accesses first;    // the scratchpad of the first operand
  Accesses second;   // of the second
  Accesses results;  // of results and partial sums
  Accesses dram;

  // What of dram.read_bits is which; dram.written_bits are all of results and partial sums.
  Count first_bits;
  Count second_bits;
  Count sums_bits;
  // DRAM traffic, read and written, if each element was moved once.
  Count compulsory_bits;
  // Known of a DRAM with its timing only: whole bursts, and whether they found their row open.
  Count moved_bits;
  Count row_hits;
  Count row_misses;

  static MemoryAccesses unknown();
  bool known() const { return dram.read_bits.known(); }
  // DRAM has no timing.
  void forget_dram_device() { moved_bits = row_hits = row_misses = Count::unknown(); }
  // Bits that passed DRAM's bus: whole bursts, where it has bursts.
  Count bus_bits() const {
    return moved_bits.known() ? moved_bits : dram.read_bits + dram.written_bits;
  }

  // What the same work, done so often, adds.
  MemoryAccesses& add(const MemoryAccesses& other, std::uint64_t times);
  MemoryAccesses& operator+=(const MemoryAccesses& other) { return add(other, 1); }
  friend bool operator==(const MemoryAccesses&, const MemoryAccesses&) = default;
};

struct AccessInfo {
  std::string_view name;
  std::string_view unit;
  std::string_view description;
  Count Accesses::*member;
};
inline constexpr std::array<AccessInfo, 4> kAccesses = {{
    {"read_words", "word", "words read", &Accesses::read_words},
    {"read_bits", "bit", "bits read", &Accesses::read_bits},
    {"written_words", "word", "words written", &Accesses::written_words},
    {"written_bits", "bit", "bits written", &Accesses::written_bits},
}};

struct MemoryInfo {
  std::string_view name;
  std::string_view description;
  Accesses MemoryAccesses::*member;
};
inline constexpr std::array<MemoryInfo, 4> kMemories = {{
    {"first", "the first operand's scratchpad", &MemoryAccesses::first},
    {"second", "the second operand's scratchpad", &MemoryAccesses::second},
    {"results", "the results' scratchpad", &MemoryAccesses::results},
    {"dram", "DRAM, whose words have 64 bits", &MemoryAccesses::dram},
}};

struct TrafficInfo {
  std::string_view name;
  std::string_view unit;
  std::string_view description;
  Count MemoryAccesses::*member;
};
inline constexpr auto kTraffic = std::to_array<TrafficInfo>({
    {"first_bits", "bit", "read from DRAM of the first operand", &MemoryAccesses::first_bits},
    {"second_bits", "bit", "read from DRAM of the second operand", &MemoryAccesses::second_bits},
    {"sums_bits", "bit", "read from DRAM of spilled partial sums", &MemoryAccesses::sums_bits},
    {"compulsory_bits", "bit", "DRAM traffic if each element of the pass's GEMMs were moved once",
     &MemoryAccesses::compulsory_bits},
    {"moved_bits", "bit", "DRAM traffic in whole bursts; if DRAM is a preset, like the next two",
     &MemoryAccesses::moved_bits},
    {"row_hits", "burst", "bursts whose row another one had been in since it was opened",
     &MemoryAccesses::row_hits},
    {"row_misses", "burst", "bursts that were the first in a row that was opened",
     &MemoryAccesses::row_misses},
});

}  // namespace potomac::energy
