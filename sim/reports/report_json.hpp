// DIR/report.json: the machine-readable result of a run. Its keys are documented in docs/report.md;
// a change of their meaning raises kReportVersion.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "sim/studies/run.hpp"

namespace potomac::sim {

inline constexpr std::string_view kReportFormat = "potomac-report";
inline constexpr int kReportVersion = 2;

nlohmann::ordered_json report_json(const RunResult& result);

// The text of a report file. Names that are not UTF-8 (of a file, say) are made so: what cannot be
// decoded becomes U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

// Parts that others use too.
nlohmann::ordered_json dimensions_json(const workloads::Dimensions& dimensions);
nlohmann::ordered_json architecture_json(const Architecture& architecture);
nlohmann::ordered_json totals_json(const Quantities& totals, const Architecture& architecture);
nlohmann::ordered_json energy_json(const energy::OperationEnergy& energy);
nlohmann::ordered_json structural_json(const energy::StructuralEnergy& energy);

}  // namespace potomac::sim
