// Writes the results of a run to an HDF5 file (--dump-outputs):
//   /gemms/LAYER/PASS/acc    int64 [M, N], with attribute scale_exponent: value = acc * 2^scale
//   /gemms/LAYER/PASS/fp32   float32, the same shape, if the baseline is simulated too,
//                            and has the pass
// matmul: [batch, M, N]; a convolution of several groups: [group, M, N]. The phases of a strided
// backward-data are put back in place; where no output reaches, the result is zero.
#pragma once

#include <filesystem>
#include <memory>

#include "sim/studies/simulation.hpp"

namespace potomac::sim {

class OutputDump : public OutputStore {
 public:
  // Throws InputError if the file cannot be made there.
  OutputDump(const std::filesystem::path& path, bool with_fp32);
  ~OutputDump() override;  // without finish(): nothing is left behind
  OutputDump(const OutputDump&) = delete;
  OutputDump& operator=(const OutputDump&) = delete;

  void begin(const workloads::LoweredPass& pass, int scale_exponent) override;
  AccumulatorSink accumulators() override;
  Fp32Sink fp32() override;

  // Closes the file and renames it to its name.
  void finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace potomac::sim
