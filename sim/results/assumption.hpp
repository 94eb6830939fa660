// What a user assumes of tensors whose values are not there: how many of their elements are not
// zero. From it follow expected numbers, which are never counts and never enter actions; reports
// show them apart, under their name.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "energy/pricing/energy_report.hpp"
#include "sim/results/pass_record.hpp"

namespace potomac::sim {

// The part of a tensor's elements that is not zero, 0 to 1, each as likely as any other.
struct Densities {
  double w = 1;
  double a = 1;
  double g = 1;

  friend bool operator==(const Densities&, const Densities&) = default;
};

// Reads "W=0.9,A=0.4,G=0.3"; a tensor that is left out is dense. Throws InputError that names the
// option.
Densities parse_densities(const std::string& text);
// "W 0.9, A 0.4, G 0.3".
std::string text_of(const Densities& densities);

// MACs of a pass with a zero operand, as far as the densities make one expect: all structural ones,
// and of the others 1 - d * d', the densities of the two operands.
double expected_zero_macs(const PassRecord& record, const Densities& densities);
double expected_zero_macs(std::span<const PassRecord> records, const Densities& densities);

// What remains of a machine's energy where those MACs cost no arithmetic. Precondition: `energy`
// was made of these records, and has its rows.
double expected_gated_pj(const energy::EnergyReport& energy, std::span<const PassRecord> records,
                         const Densities& densities);

}  // namespace potomac::sim
