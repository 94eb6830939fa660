// A monitor that counts nothing, for the array of modules, which is compiled for its waveform.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <array_interface.hpp>

namespace potomac::verilog {

template <typename Root>
class Monitor {
 public:
  explicit Monitor(const Root& /*root*/) {}

  void reset(std::int32_t /*lsb*/, ArrayWatch /*watch*/) {}
  void before_edge(const ArrayEdge& /*edge*/) {}
  void behind_edge() {}
  const ArrayCounts& counts() const { return counts_; }
  const std::vector<PeCounts>& pes() const { return pes_; }
  std::int32_t turns_out(std::size_t /*c*/) const { return 0; }

 private:
  ArrayCounts counts_;
  std::vector<PeCounts> pes_;
};

}  // namespace potomac::verilog
