// The `systemc` engine: every PE a module, every register and wire there. The reference, and the
// engine for looking inside: it can write a waveform of a GEMM.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "sim/engines/engine.hpp"

namespace potomac::sim {

// PEs that one SystemC array may have: above, elaboration alone takes minutes and many GB.
inline constexpr std::int64_t kMaxSystemCPes = 65536;

// The comment that ends a waveform which was written to its end.
inline constexpr const char* kWaveformEnd = "potomac: end of waveform";

// Throws InputError if the array is too large for this engine.
void require_systemc_array(ArrayShape array);

// An array is elaborated at first use, and again only where the machine changes. With `waveform`,
// every register of the MF-MAC array is written to that VCD file (whose name must end in ".vcd")
// over the engine's whole life; it is complete when the engine is gone. Such an engine runs one
// architecture only.
std::unique_ptr<Engine> make_systemc_engine(
    const std::optional<std::filesystem::path>& waveform = std::nullopt);

}  // namespace potomac::sim
