// What some PEs of an array hold, cycle by cycle: a page's animation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace potomac::sim {

// The registers of a PE in a cycle, as people read them: operands as powers of two ("-2^3", "0");
// empty where nothing valid is held.
struct PeFrame {
  std::string moving;       // the operand that moves along the row
  std::string other;        // the one that moves down the column (os), or stays (ws, is)
  std::string sum;          // the accumulator, or the partial sum on its way down
  std::string result;       // os: in the shadow register, on its way out
  bool multiplied = false;  // both operands were there: they are in the sum
  bool gated = false;       // of these: one was zero, and fired nothing
};

// Of the PEs in the first `rows` rows and `cols` columns.
struct ArrayFrames {
  std::string pass;  // whose first GEMM it is
  std::string dataflow;
  std::int64_t rows = 0, cols = 0;
  std::int64_t array_rows = 0, array_cols = 0;
  std::uint64_t first_cycle = 0;
  std::vector<std::vector<PeFrame>> cycles;  // row by row in each
};

}  // namespace potomac::sim
