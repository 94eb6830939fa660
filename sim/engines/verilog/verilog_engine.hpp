// The array as SystemVerilog, compiled by Verilator (compiled_array.hpp), driven edge by edge.
#pragma once

#include <memory>

#include "sim/engines/interface/engine.hpp"
#include "sim/engines/verilog/compiled_array.hpp"

namespace potomac::sim {

// The largest array that the engine takes: more PEs are not worth their time.
inline constexpr std::int64_t kMaxVerilogPes = 1 << 20;

std::unique_ptr<Engine> make_verilog_engine(ArrayCompilation compilation);

}  // namespace potomac::sim
