#include "energy/pricing/step_pricing.hpp"

#include "energy/counts/memory_accesses.hpp"
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

}  // namespace

StepWork& StepWork::operator+=(const StepWork& other) {
  for (const StepCountInfo& info : kStepCounts) {
    this->*info.member += other.*info.member;
  }
  return *this;
}

std::optional<double> StepEnergy::gemms_share() const {
  return total_pj > 0.0 ? std::optional(gemms_pj / total_pj) : std::nullopt;
}

StepEnergy price_step(const UnitEnergyTable& table, std::span<const StepPart> parts,
                      std::size_t machine, const EnergyReport& gemms) {
  PriceList list(table);
  const StepPrices prices{.fp32_multiply_pj = list.of("fp32_multiply"),
                          .fp32_add_pj = list.of("fp32_add"),
                          .integer_add_32_pj = list.of_integer_add(32),
                          .integer_add_8_pj = list.of_integer_add(8)};
  const bool has_dram = gemms.total.has(Component::kDram);
  const double low_pj = has_dram ? list.of("dram_access_64.low") : 0.0;
  const double high_pj = has_dram ? list.of("dram_access_64.high") : 0.0;
  StepEnergy energy{.machine = gemms.machine,
                    .table = table.name(),
                    .accounting = gemms.accounting,
                    .unit = table.unit(),
                    .node = table.node(),
                    .gemms_pj = gemms.total.total_pj(),
                    .parts_pj = {},
                    .total_pj = gemms.total.total_pj(),
                    .total_dram_high_pj = gemms.total.total_dram_high_pj(),
                    .unit_energies = {}};
  for (const StepPart& part : parts) {
    const StepWork& work = part.work.at(machine);
    const double arithmetic_pj = prices.of(work);
    energy.parts_pj.push_back(arithmetic_pj + step_dram_pj(work, low_pj));
    energy.total_pj += energy.parts_pj.back();
    if (energy.total_dram_high_pj) {
      *energy.total_dram_high_pj += arithmetic_pj + step_dram_pj(work, high_pj);
    }
  }
  energy.unit_energies = list.take_used();
  return energy;
}

}  // namespace potomac::energy
