// A waveform read back, as far as a page shows it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/results/array_frames.hpp"

namespace potomac::sim {

// The first cycles of a waveform that write_waveform() wrote, of the first PEs of its array: 100 of
// 8 x 8 at most. `first_cycle` is where it begins; `accumulator` is that of the pass. Throws
// InputError if it cannot be read.
ArrayFrames frames_of(const std::filesystem::path& vcd, const std::string& pass,
                      const Architecture& architecture, const rtl::Accumulator& accumulator,
                      std::uint64_t first_cycle);

}  // namespace potomac::sim
