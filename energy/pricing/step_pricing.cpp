#include "energy/pricing/step_pricing.hpp"

#include "energy/pricing/price_list.hpp"

namespace potomac::energy {
namespace {

struct StepPrices {
  double fp32_multiply_pj;
  double fp32_add_pj;
  double integer_add_32_pj;
  double integer_add_8_pj;

  double of(const StepWork& work) const {
    const std::uint64_t newton = work.fp32_divide + work.fp32_square_root;
    return static_cast<double>(work.fp32_multiply + newton * kNewtonMultiplies) * fp32_multiply_pj +
           static_cast<double>(work.fp32_add + newton * kNewtonAdds) * fp32_add_pj +
           static_cast<double>(work.integer_add_32) * integer_add_32_pj +
           static_cast<double>(work.integer_add_8) * integer_add_8_pj;
  }
};

double step_dram_pj(const StepWork& work, double access_pj) {
  return static_cast<double>(work.dram_bits()) / kDramAccessBits * access_pj;
}

// `gemms_high`: if there is DRAM, with it at the high end of its range.
StepEnergy price_parts(const UnitEnergyTable& table, std::span<const StepPart> parts,
                       std::string_view accounting, const MachinePair& gemms,
                       const std::optional<MachinePair>& gemms_high) {
  PriceList list(table);
  const StepPrices prices{.fp32_multiply_pj = list.of("fp32_multiply"),
                          .fp32_add_pj = list.of("fp32_add"),
                          .integer_add_32_pj = list.of_integer_add(32),
                          .integer_add_8_pj = list.of_integer_add(8)};
  const double low_pj = gemms_high ? list.of("dram_access_64.low") : 0.0;
  const double high_pj = gemms_high ? list.of("dram_access_64.high") : 0.0;
  StepEnergy energy;
  energy.table = table.name();
  energy.unit = table.unit();
  energy.node = table.node();
  energy.accounting = accounting;
  energy.gemms = gemms;
  energy.total = gemms;
  energy.total_high = gemms_high;
  for (const StepPart& part : parts) {
    const MachinePair arithmetic{prices.of(part.mf_mac), prices.of(part.fp32_mac)};
    const auto with_dram = [&](double access_pj) {
      return MachinePair{arithmetic.mf_mac_pj + step_dram_pj(part.mf_mac, access_pj),
                         arithmetic.fp32_mac_pj + step_dram_pj(part.fp32_mac, access_pj)};
    };
    energy.parts.push_back(with_dram(low_pj));
    energy.total += energy.parts.back();
    if (energy.total_high) {
      *energy.total_high += with_dram(high_pj);
    }
  }
  energy.unit_energies = list.take_used();
  return energy;
}

std::optional<double> share_of_step(double part, double whole) {
  return whole > 0.0 ? std::optional(part / whole) : std::nullopt;
}

}  // namespace

StepWork& StepWork::operator+=(const StepWork& other) {
  for (const StepCountInfo& info : kStepCounts) {
    this->*info.member += other.*info.member;
  }
  return *this;
}

std::optional<double> StepEnergy::mf_mac_share() const {
  return share_of_step(gemms.mf_mac_pj, total.mf_mac_pj);
}

std::optional<double> StepEnergy::fp32_mac_share() const {
  return share_of_step(gemms.fp32_mac_pj, total.fp32_mac_pj);
}

StepEnergy price_step(const UnitEnergyTable& table, std::span<const StepPart> parts,
                      const OperationEnergy& gemms) {
  const Comparison& every_mac = gemms.total.every_mac;
  return price_parts(table, parts, kOperationAccounting,
                     {every_mac.mf_mac_pj, every_mac.fp32_mac_pj}, std::nullopt);
}

StepEnergy price_step(const UnitEnergyTable& table, std::span<const StepPart> parts,
                      const StructuralEnergy& gemms) {
  const StructuralRow& total = gemms.total;
  return price_parts(table, parts, kStructuralAccounting, total.total(),
                     total.dram ? std::optional(total.total_high()) : std::nullopt);
}

}  // namespace potomac::energy
