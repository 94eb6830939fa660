// Quantities for people: three significant digits and an SI prefix.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace potomac::sim {

std::string si_energy(double picojoules);                 // 3.2e9 -> "3.20 mJ"
std::string si_count(std::uint64_t count);                // exact to 7 digits, then "109.6 M"
std::string si_bytes(std::uint64_t bytes);                // "109 kB"
std::string si_time(double nanoseconds);                  // "1.81 ms"
std::string share_text(double part, double whole);        // "23.1%", or "-" of nothing
std::string percent(const std::optional<double>& share);  // 0.9663 -> "96.63%", or "-"

}  // namespace potomac::sim
