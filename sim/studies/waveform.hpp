// A waveform of one GEMM, written by a SystemC simulation of its own.
#pragma once

#include <filesystem>
#include <string>

#include "sim/machine/architecture.hpp"
#include "workloads/sources/workload.hpp"

namespace potomac::sim {

struct WaveformRequest {
  std::filesystem::path file;  // ends in ".vcd"
  std::string layer;
  workloads::Pass pass = workloads::Pass::kForward;  // its first GEMM
};

// Throws InputError if there is no such GEMM, or if no SystemC array can be built for it.
void check_waveform(const workloads::Workload& workload, const Architecture& architecture,
                    const WaveformRequest& request);

// Throws InputError as above, or MachineError if the disk does not take all of it.
void write_waveform(const workloads::Workload& workload, const Architecture& architecture,
                    const WaveformRequest& request);

}  // namespace potomac::sim
