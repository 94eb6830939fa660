// The engines that there are: one table, from which words for the command line, sweeps and
// completion follow. Results keep an engine's name as text.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "sim/engines/interface/engine.hpp"

namespace potomac::sim {

std::span<const EngineInfo> engines();
std::vector<std::string_view> engine_names();
// Null if there is none of that name.
const EngineInfo* find_engine(std::string_view name);
// Precondition: there is one.
const EngineInfo& engine_named(std::string_view name);

// The one that has closed forms: of any unit, and without values.
const EngineInfo& closed_form_engine();

// The engine of that name, with no modules beside its arrays. Precondition: there is one.
std::unique_ptr<Engine> make_engine(std::string_view name, WorkerPool& pool);

}  // namespace potomac::sim
