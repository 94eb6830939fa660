// What GTKWave needs to show an array's waveform: a save file that groups the signals by PE, and a
// table that shows power-of-two codes as numbers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "rtl_models/arithmetic/pot_code.hpp"
#include "rtl_models/systemc/waveform_signal.hpp"

namespace potomac::sim {

// The save file (.gtkw) of a waveform of these signals. `vcd` and `codes` are the names of the
// files that lie beside it; what is shown begins at begin_ps.
std::string gtkwave_save_file(const std::vector<rtl::WaveformSignal>& signals,
                              const std::filesystem::path& vcd, const std::filesystem::path& codes,
                              std::uint64_t begin_ps, std::uint64_t period_ps);

// The translation table of a format's codes: "1f -2^-1".
std::string gtkwave_codes(rtl::PotFormat format);

}  // namespace potomac::sim
