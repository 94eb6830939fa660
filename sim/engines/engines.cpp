#include "sim/engines/engines.hpp"

#include "sim/engines/count/count_engine.hpp"
#include "sim/engines/fast/fast_engine.hpp"
#include "sim/engines/systemc/systemc_engine.hpp"

namespace potomac::sim {

std::string_view name_of(EngineKind engine) {
  switch (engine) {
    case EngineKind::kCount:
      return "count";
    case EngineKind::kFast:
      return "fast";
    case EngineKind::kSystemC:
      break;
  }
  return "systemc";
}

std::unique_ptr<Engine> make_engine(EngineKind kind, WorkerPool& pool) {
  switch (kind) {
    case EngineKind::kCount:
      return make_count_engine(pool);
    case EngineKind::kFast:
      return make_fast_engine(pool);
    case EngineKind::kSystemC:
      break;
  }
  return make_systemc_engine();
}

void require_buildable(EngineKind kind, const Architecture& architecture) {
  if (kind == EngineKind::kSystemC) {
    require_systemc_array(architecture.array);
  }
}

}  // namespace potomac::sim
