// The array as SystemVerilog, compiled by Verilator (compiled_array.hpp), driven edge by edge.
#pragma once

#include <memory>

#include "sim/engines/interface/engine.hpp"
#include "sim/engines/verilog/compiled_array.hpp"

namespace potomac::sim {

// The largest array that the engine takes: more PEs are not worth their time.
inline constexpr std::int64_t kMaxVerilogPes = 1 << 20;

std::unique_ptr<Engine> make_verilog_engine(ArrayCompilation compilation);

// What is wanted of a waveform: the signals of the array of modules, as they would be synthesized.
struct VerilogWaveform {
  std::filesystem::path file;  // VCD, or FST if it ends in ".fst"
  std::uint64_t begin = 0;     // cycles from there on
  std::uint64_t end = 0;       // to the one before that
  std::uint64_t period_ps = 0;
};

// Steps a MF-MAC array through the job, and writes its waveform. Precondition: the job has operands
// and a GEMM.
void write_verilog_waveform(const Job& job, const VerilogWaveform& waveform,
                            ArrayCompilation compilation);

}  // namespace potomac::sim
