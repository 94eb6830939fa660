#include "sim/machine/cycles.hpp"

namespace potomac::sim {

Cycles& Cycles::operator+=(const Cycles& other) {
  preload += other.preload;
  stream += other.stream;
  drain += other.drain;
  stall += other.stall;
  return *this;
}

std::int64_t streamed_slots(const workloads::GemmShape& gemm, Dataflow dataflow) {
  switch (dataflow) {
    case Dataflow::kOutputStationary:
      break;
    case Dataflow::kWeightStationary:
      return gemm.m;
    case Dataflow::kInputStationary:
      return gemm.n;
  }
  return gemm.k;
}

Cycles serial_cycles(const Schedule& schedule) {
  const ArrayShape array = schedule.array();
  const bool os = schedule.dataflow() == Dataflow::kOutputStationary;
  Cycles cycles;
  for (const workloads::GemmShape& gemm : schedule.gemms()) {
    const auto folds =
        static_cast<std::uint64_t>(gemm.count) *
        static_cast<std::uint64_t>(Schedule::folds_of(gemm, array, schedule.dataflow()));
    const std::int64_t length =
        streamed_slots(gemm, schedule.dataflow()) + array.rows + array.cols - 2;
    cycles.stream += folds * static_cast<std::uint64_t>(length);
    cycles.preload += os ? 0 : folds * static_cast<std::uint64_t>(array.rows);
  }
  if (os && !schedule.gemms().empty()) {
    cycles.drain = static_cast<std::uint64_t>(array.rows);
  }
  return cycles;
}

}  // namespace potomac::sim
