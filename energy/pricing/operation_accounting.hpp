// The `operation` accounting: arithmetic only, as the source paper of MF-MAC counts. Every MAC is
// charged: exponent add, sign XOR and accumulation of MF-MAC, multiplication and addition of the
// others. No registers, clock, memory, control or quantizer (docs/energy.md).
#pragma once

#include "energy/pricing/accounting.hpp"

namespace potomac::energy {

inline constexpr std::string_view kOperationAccounting = "operation";

const Accounting& operation_accounting();

// The rows of MF-MAC with a shifter behind its adder, beside the total of a report of mf_mac. None
// of the shifts is a PoT product's own: the source paper lists them for other methods.
std::vector<MethodEnergy> alignment_rows(PriceList& prices, const EnergyReport& mf_mac,
                                         const EnergyReport& fp32_mac);
// A row whose total is a report's own, `per_mac_pj` as given.
MethodEnergy method_row(std::string_view name, std::string_view label, const EnergyReport& of,
                        std::optional<double> per_mac_pj, double total_pj,
                        const EnergyReport& mf_mac, const EnergyReport& fp32_mac);
std::optional<double> per_mac(double total_pj, std::uint64_t macs);

}  // namespace potomac::energy
