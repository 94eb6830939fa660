// A waveform of one GEMM, written by a simulation of its own: of the SystemC array, with what
// GTKWave needs to show it PE by PE, or of the array in SystemVerilog.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sim/engines/interface/worker_pool.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/results/array_frames.hpp"
#include "sim/results/cycle_window.hpp"
#include "sim/studies/caller.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

struct WaveformRequest {
  std::filesystem::path file;  // ends in ".vcd", or, of SystemVerilog, ".fst"
  std::string layer;
  workloads::Pass pass = workloads::Pass::kForward;  // its first GEMM
  std::optional<CycleWindow> cycles;                 // nothing: all of them
  bool frames = false;   // its first cycles are wanted, too, as a page shows them: of SystemC
  bool verilog = false;  // of the array in SystemVerilog
};

// The files that make up a waveform: FILE.vcd, FILE.gtkw, FILE.codes.txt; of SystemVerilog the
// first.
std::vector<std::filesystem::path> waveform_files(const WaveformRequest& request);

// Throws InputError if there is no such GEMM, if its run does not have these cycles, or if no
// array can be built for it.
void check_waveform(const workloads::Workload& workload, const Architecture& architecture,
                    const WaveformRequest& request, WorkerPool& pool);

// The frames, if they are asked for. Throws InputError as above, or MachineError if the disk does
// not take all of it.
std::optional<ArrayFrames> write_waveform(const workloads::Workload& workload,
                                          const Architecture& architecture,
                                          const WaveformRequest& request, const Caller& caller);

}  // namespace potomac::sim
