#include "sim/engines/engine.hpp"

#include "sim/engines/fast/fast_engine.hpp"
#include "sim/engines/systemc/systemc_engine.hpp"

namespace potomac::sim {

std::unique_ptr<Engine> make_engine(EngineKind kind, const Architecture& architecture,
                                    unsigned threads) {
  if (kind == EngineKind::kSystemC) {
    return make_systemc_engine(architecture);
  }
  return make_fast_engine(architecture, threads);
}

}  // namespace potomac::sim
