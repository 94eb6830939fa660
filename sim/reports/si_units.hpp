// Quantities for people: three significant digits and an SI prefix.
#pragma once

#include <optional>
#include <string>

namespace potomac::sim {

std::string si_energy(double picojoules);                 // 3.2e9 -> "3.20 mJ"
std::string si_time(double nanoseconds);                  // "1.81 ms"
std::string percent(const std::optional<double>& share);  // 0.9663 -> "96.63%", or "-"

}  // namespace potomac::sim
