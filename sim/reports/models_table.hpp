// The networks that ship, as a table.
#pragma once

#include <span>
#include <string>

#include "sim/reports/text_table.hpp"
#include "sim/results/model_summary.hpp"

namespace potomac::sim {

std::string models_table(std::span<const ModelSummary> models, TextForm form);

}  // namespace potomac::sim
