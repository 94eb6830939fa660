#include "sim/engines/interface/engine.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "support/error.hpp"

namespace potomac::sim {

ValueFacts Engine::facts(const workloads::LoweredPass& /*operands*/,
                         const rtl::Accumulator& /*accumulator*/, const AccumulatorSink& /*sink*/,
                         const MacsDone& /*done*/) {
  throw std::logic_error("an engine that steps has no facts to share");
}

void require_buildable(const EngineInfo& engine, ArrayShape array) {
  if (engine.most_pes > 0 && array.pes() > engine.most_pes) {
    throw InputError({"", "array",
                      fmt::format("{} x {} PEs are too many to step through each (at most {})",
                                  array.rows, array.cols, engine.most_pes),
                      "use --engine fast, which gives the same result, or a smaller array"});
  }
}

}  // namespace potomac::sim
