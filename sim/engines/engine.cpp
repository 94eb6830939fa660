#include "sim/engines/engine.hpp"

#include "sim/engines/fast/fast_engine.hpp"
#include "sim/engines/systemc/systemc_engine.hpp"

namespace potomac::sim {

std::string_view name_of(EngineKind engine) {
  return engine == EngineKind::kSystemC ? "systemc" : "fast";
}

std::unique_ptr<Engine> make_engine(EngineKind kind, WorkerPool& pool) {
  if (kind == EngineKind::kSystemC) {
    return make_systemc_engine();
  }
  return make_fast_engine(pool);
}

void require_buildable(EngineKind kind, const Architecture& architecture) {
  if (kind == EngineKind::kSystemC) {
    require_systemc_array(architecture.array);
  }
}

}  // namespace potomac::sim
