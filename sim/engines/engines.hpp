// The engines that there are, by name.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "sim/engines/interface/engine.hpp"
#include "sim/engines/interface/worker_pool.hpp"

namespace potomac::sim {

enum class EngineKind { kCount, kFast, kSystemC };
inline constexpr std::array<EngineKind, 3> kEngineKinds = {EngineKind::kCount, EngineKind::kFast,
                                                           EngineKind::kSystemC};
std::string_view name_of(EngineKind engine);

// Engines that have a use for threads share out their work over `pool`, which must outlive them.
std::unique_ptr<Engine> make_engine(EngineKind kind, WorkerPool& pool);

// Throws InputError if the engine cannot build this array (too many PEs for one module each).
void require_buildable(EngineKind kind, const Architecture& architecture);

}  // namespace potomac::sim
