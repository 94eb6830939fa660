#include "sim/studies/pricing.hpp"

#include <string>

namespace potomac::sim {

energy::OperationEnergy price(const energy::UnitEnergyTable& table,
                              const std::vector<PassRecord>& records) {
  std::vector<energy::GemmActivity> activity;
  activity.reserve(records.size());
  for (const PassRecord& record : records) {
    activity.push_back({.layer = record.layer,
                        .pass = std::string(workloads::name_of(record.pass)),
                        .macs = record.quantities.macs,
                        .baseline_macs = record.quantities.baseline_macs,
                        .zero_operand_macs = record.quantities.value_zero_macs +
                                             record.quantities.structural_zero_macs,
                        .exponent_bits = record.exponent_bits,
                        .accumulator_bits = record.accumulator.bits,
                        .mf_mac = record.quantities.actions,
                        .fp32_mac = record.quantities.baseline_actions});
  }
  return energy::price_operations(table, activity);
}

}  // namespace potomac::sim
