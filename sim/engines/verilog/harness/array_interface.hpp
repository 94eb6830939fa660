// What the program and an array that was compiled for it say to each other. The array is a library
// that is opened while the program runs, so these are plain data, and C functions.
#pragma once

#include <cstdint>

namespace potomac::verilog {

// What enters the array at an edge. The lanes that are valid are the first ones of each side; where
// a dataflow has no use for a field, it is not looked at.
struct ArrayEdge {
  const std::uint32_t* west = nullptr;  // one word to a lane
  std::uint32_t west_lanes = 0;
  const std::uint32_t* north = nullptr;  // operands; in a stationary array a row of a tile
  std::uint32_t north_lanes = 0;
  bool first = false;    // of a fold's slots; in a stationary array of those that stream
  bool last = false;     // of a fold's slots
  bool moves = false;    // a row of a tile enters, also where it has no element
  bool settles = false;  // it is the tile's last
  // The sums that enter at the top, by column.
  const std::int64_t* top = nullptr;
  const std::int32_t* top_turns = nullptr;
  const std::uint8_t* top_valid = nullptr;
};

// What can be taken from under the array before its next edge, by column.
struct ArrayOutput {
  const std::int64_t* value = nullptr;  // sign-extended
  const std::int32_t* turns = nullptr;  // of the sum: how often it left the range (accumulator.hpp)
  const std::uint8_t* valid = nullptr;
};

// What has been counted since the reset; the fields of rtl::PeCounters and of the skew.
struct ArrayCounts {
  std::uint64_t slots = 0;
  std::uint64_t zero_operand = 0;
  std::uint64_t zero_starts = 0;
  std::uint64_t gated = 0;
  std::uint64_t multiplied = 0;
  std::uint64_t accumulated = 0;
  std::uint64_t overflowed = 0;
  std::uint64_t overflowed_results = 0;
  std::uint64_t dropped = 0;
  std::uint64_t operand_writes = 0;
  std::uint64_t row_operand_writes = 0;
  std::uint64_t accumulator_writes = 0;
  std::uint64_t shadow_writes = 0;
  std::uint64_t psum_writes = 0;
  std::uint64_t operand_toggles = 0;
  std::uint64_t stationary_toggles = 0;
  std::uint64_t accumulator_toggles = 0;
  std::uint64_t shadow_toggles = 0;
  std::uint64_t psum_toggles = 0;
  std::uint64_t skew_writes = 0;
  std::uint64_t row_skew_writes = 0;
  std::uint64_t skew_toggles = 0;
};

// What one PE did.
struct PeCounts {
  std::uint64_t slots = 0;
  std::uint64_t gated = 0;
  std::uint64_t toggles = 0;
};

struct ArrayWatch {
  bool toggles = false;
  bool pes = false;  // each PE for itself
};

// A waveform of the edges from `begin` to `end` - 1, counted from the reset.
struct ArrayWaveform {
  const char* file = nullptr;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t period_ps = 0;  // edge i is amid period i, at whose beginning inputs change
};

}  // namespace potomac::verilog

// The functions that the library has. An array is made, used and deleted by one thread.
extern "C" {
void* potomac_array_new();
void potomac_array_delete(void* array);
// An edge with reset: the array is as a pass finds it, and nothing is counted.
void potomac_array_reset(void* array, std::int32_t lsb, potomac::verilog::ArrayWatch watch);
// An edge. What `output` points at is good until the next.
void potomac_array_step(void* array, const potomac::verilog::ArrayEdge* edge,
                        potomac::verilog::ArrayOutput* output);
// Begins a waveform of an array that was compiled for one, behind the reset. It is complete when
// the array is deleted.
void potomac_array_trace(void* array, const potomac::verilog::ArrayWaveform* waveform);
void potomac_array_counts(const void* array, potomac::verilog::ArrayCounts* counts);
// Row by row; null where they were not watched.
const potomac::verilog::PeCounts* potomac_array_pes(const void* array);
}
