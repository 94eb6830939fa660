#include "sim/results/si_units.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace potomac::sim {
namespace {

// Three significant digits, scaled by 1000 at a time; `prefixes` begins at the value's own unit.
template <std::size_t N>
std::string scaled(double value, const std::array<std::string_view, N>& prefixes) {
  std::size_t step = 0;
  // 999.5 would print as "1000".
  while (value >= 999.5 && step + 1 < N) {
    value /= 1000.0;
    ++step;
  }
  const int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", value, decimals, prefixes[step]);
}

}  // namespace

std::string si_energy(double picojoules) {
  static constexpr std::array<std::string_view, 6> kPrefixed = {"pJ", "nJ", "uJ", "mJ", "J", "kJ"};
  return scaled(picojoules, kPrefixed);
}

std::string si_count(std::uint64_t count) {
  static constexpr std::array<std::string_view, 6> kPrefixes = {"", "k", "M", "G", "T", "P"};
  if (count < 10'000'000) {
    return fmt::format("{}", count);
  }
  auto value = static_cast<double>(count);
  std::size_t step = 0;
  while (value >= 999.95 && step + 1 < kPrefixes.size()) {
    value /= 1000.0;
    ++step;
  }
  const int decimals = value >= 99.995 ? 1 : value >= 9.9995 ? 2 : 3;
  return fmt::format("{:.{}f} {}", value, decimals, kPrefixes[step]);
}

std::string si_bytes(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 6> kPrefixed = {"B", "kB", "MB", "GB", "TB", "PB"};
  return scaled(static_cast<double>(bytes), kPrefixed);
}

std::string si_time(double nanoseconds) {
  static constexpr std::array<std::string_view, 4> kPrefixed = {"ns", "us", "ms", "s"};
  return scaled(nanoseconds, kPrefixed);
}

std::string share_text(double part, double whole) {
  return whole > 0.0 ? fmt::format("{:.1f}%", 100.0 * part / whole) : std::string("-");
}

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.2f}%", 100.0 * *share) : std::string("-");
}

}  // namespace potomac::sim
