// Energy of the MF-MAC array beside that of the FP32 array for the same work, as every accounting
// reports it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/count.hpp"

namespace potomac::energy {

// 1 - part / whole. Empty where there is no whole to compare with.
inline std::optional<double> reduction_of(double part, double whole) {
  return whole > 0.0 ? std::optional(1.0 - part / whole) : std::nullopt;
}

struct Comparison {
  std::uint64_t macs = 0;           // charged to MF-MAC
  std::uint64_t baseline_macs = 0;  // and to the others: fewer, where an operand is a sum of powers
  double mf_mac_pj = 0.0;
  double fp32_mac_pj = 0.0;
  double fp32_multiplier_pj = 0.0;  // the FP32 machine's multiplications alone

  // How much less MF-MAC takes than the whole FP32 MAC, and than the FP32 multiplier alone. Two
  // bases, two numbers: 96.6% and 95.8% of the source paper's table are the same 0.155 pJ.
  std::optional<double> reduction;
  std::optional<double> reduction_vs_multiplier;

  friend bool operator==(const Comparison&, const Comparison&) = default;
};

// One action (a name of kActions) of both machines. What a machine does not do is 0.
struct ActionEnergy {
  std::string_view action;
  std::uint64_t charged = 0;  // operations that were priced
  Count fired;                // operations that the engine counted; zero gating makes them fewer
  double mf_mac_pj = 0.0;
  double fp32_mac_pj = 0.0;

  friend bool operator==(const ActionEnergy&, const ActionEnergy&) = default;
};

// A sum over some of the work: a GEMM (layer and pass named), a layer, a pass, or all of it.
struct EnergyRow {
  std::string layer;  // empty: over all layers
  std::string pass;   // empty: over all passes
  Comparison every_mac;
  // MACs with a zero operand taken off both sides; empty where it is not known how many they are.
  std::optional<Comparison> zeros_gated = Comparison{};
  std::vector<ActionEnergy> by_action;  // of every_mac, in the order of kActions

  friend bool operator==(const EnergyRow&, const EnergyRow&) = default;
};

}  // namespace potomac::energy
