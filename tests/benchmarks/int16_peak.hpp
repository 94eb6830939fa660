// The machine's own limit for the exact kernel: int16 multiply-adds from registers, nothing else.
#pragma once

#include <cstdint>

namespace potomac::test {

// Runs `rounds` rounds of independent multiply-accumulate chains on one core with the best
// instruction set there is; returns the number of MACs done.
std::uint64_t int16_multiply_adds(std::uint64_t rounds);

}  // namespace potomac::test
