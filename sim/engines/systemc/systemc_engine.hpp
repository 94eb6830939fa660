// The `systemc` engine: every PE a module, every register and wire there. The reference, and the
// engine for looking inside: it can write a waveform of a GEMM.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "rtl_models/systemc/waveform_signal.hpp"
#include "sim/engines/interface/engine.hpp"

namespace potomac::sim {

// PEs that one SystemC array may have: above, elaboration alone takes minutes and many GB.
inline constexpr std::int64_t kMaxSystemCPes = 65536;

// The comment that ends a waveform which was written to its end.
inline constexpr const char* kWaveformEnd = "potomac: end of waveform";

// Throws InputError if the array is too large for this engine.
void require_systemc_array(ArrayShape array);

// The period of the SystemC clock: the kernel's resolution is 1 ps, and a clock has two edges.
std::uint64_t clock_period_ps(double clock_mhz);

// A waveform of every register of the MF-MAC array, over the first pass that an engine runs. Cycle
// c begins at c clock periods; what is at the array's edges in it, is in registers in the next.
struct WaveformOptions {
  std::filesystem::path file;  // VCD; its name must end in ".vcd"
  std::uint64_t begin = 0;     // cycles [begin, end) only
  std::optional<std::uint64_t> end;
  std::function<void(const std::vector<rtl::WaveformSignal>&)> list;  // takes what is in the file
};

// An array is elaborated at first use, and again only where the machine changes.
std::unique_ptr<Engine> make_systemc_engine(
    const std::optional<WaveformOptions>& waveform = std::nullopt,
    const MakeSystemModules& modules = {});

}  // namespace potomac::sim
