#include "sim/results/assumption.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <system_error>

#include "support/error.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {

using workloads::Pass;

namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw InputError({"", "--density", fmt::format("'{}' is no list of densities", printable(text)),
                    "write W=, A=, G= and numbers from 0 to 1, like W=0.9,A=0.4,G=0.3"});
}

double* member_of(Densities& densities, std::string_view name) {
  return name == "W"   ? &densities.w
         : name == "A" ? &densities.a
         : name == "G" ? &densities.g
                       : nullptr;
}

// Both operands of a MAC that is not structural are not zero.
double dense_part(Pass pass, const Densities& densities) {
  switch (pass) {
    case Pass::kForward:
      return densities.a * densities.w;
    case Pass::kBackwardData:
      return densities.g * densities.w;
    case Pass::kBackwardWeight:
      break;
  }
  return densities.g * densities.a;
}

}  // namespace

Densities parse_densities(const std::string& text) {
  Densities densities;
  std::string_view rest = text;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    more = comma != std::string_view::npos;
    rest.remove_prefix(more ? comma + 1 : rest.size());
    const std::size_t equals = part.find('=');
    double* const density = member_of(densities, part.substr(0, equals));
    if (density == nullptr || equals == std::string_view::npos) {
      refuse(text);
    }
    const char* const end = part.data() + part.size();
    const auto read = std::from_chars(part.data() + equals + 1, end, *density);
    if (read.ec != std::errc() || read.ptr != end || !(*density >= 0.0 && *density <= 1.0)) {
      refuse(text);
    }
  }
  return densities;
}

std::string text_of(const Densities& densities) {
  return fmt::format("W {}, A {}, G {}", densities.w, densities.a, densities.g);
}

double expected_zero_macs(const PassRecord& record, const Densities& densities) {
  const Quantities& quantities = record.machines[kMfMacMachine].quantities;
  const auto structural = static_cast<double>(quantities.structural_zero_macs);
  const auto others = static_cast<double>(quantities.macs - quantities.structural_zero_macs);
  return structural + others * (1.0 - dense_part(record.pass, densities));
}

double expected_zero_macs(std::span<const PassRecord> records, const Densities& densities) {
  double macs = 0;
  for (const PassRecord& record : records) {
    macs += expected_zero_macs(record, densities);
  }
  return macs;
}

double expected_gated_pj(const energy::EnergyReport& energy, std::span<const PassRecord> records,
                         const Densities& densities) {
  double sum = 0.0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const energy::EnergyRow& row = energy.by_gemm[i];
    const std::uint64_t macs = records[i].machines[kMfMacMachine].quantities.macs;
    const double arithmetic = row.pj(energy::Component::kArithmetic);
    const double fired =
        macs > 0 ? 1.0 - expected_zero_macs(records[i], densities) / static_cast<double>(macs)
                 : 1.0;
    sum += row.total_pj() - arithmetic + arithmetic * fired;
  }
  return sum;
}

}  // namespace potomac::sim
