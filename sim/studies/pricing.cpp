#include "sim/studies/pricing.hpp"

#include <string>

namespace potomac::sim {
namespace {

energy::GemmActivity activity_of(const PassRecord& record) {
  return {.layer = record.layer,
          .pass = std::string(workloads::name_of(record.pass)),
          .macs = record.quantities.macs,
          .baseline_macs = record.quantities.baseline_macs,
          .zero_operand_macs =
              record.quantities.value_zero_macs + record.quantities.structural_zero_macs,
          .exponent_bits = record.exponent_bits,
          .accumulator_bits = record.accumulator.bits,
          .mf_mac = record.quantities.actions,
          .fp32_mac = record.quantities.baseline_actions};
}

// The data bits of an array's registers: in os two operands, a sum and its shadow in each PE; in
// ws and is two operands (pipelined, the stationary one twice) and a sum; and the skew registers,
// i of them in front of lane i of either edge.
energy::ArrayRegisters registers_of(const Architecture& architecture, int operand_bits,
                                    int sum_bits) {
  const auto rows = static_cast<std::uint64_t>(architecture.array.rows);
  const auto cols = static_cast<std::uint64_t>(architecture.array.cols);
  const auto operand = static_cast<std::uint64_t>(operand_bits);
  const auto sum = static_cast<std::uint64_t>(sum_bits);
  const bool os = architecture.dataflow == Dataflow::kOutputStationary;
  const std::uint64_t operands = !os && architecture.issue == Issue::kPipelined ? 3 : 2;
  const std::uint64_t skew = rows * (rows - 1) / 2 + cols * (cols - 1) / 2;
  return {rows * cols * (operands * operand + (os ? 2 : 1) * sum) + skew * operand, operand_bits,
          sum_bits};
}

}  // namespace

energy::OperationEnergy price(const energy::UnitEnergyTable& table,
                              const std::vector<PassRecord>& records) {
  std::vector<energy::GemmActivity> activity;
  activity.reserve(records.size());
  for (const PassRecord& record : records) {
    activity.push_back(activity_of(record));
  }
  return energy::price_operations(table, activity);
}

energy::StructuralEnergy price_structure(const energy::UnitEnergyTable& table,
                                         const std::vector<PassRecord>& records,
                                         const Architecture& architecture) {
  constexpr int kFp32Width = 32;
  constexpr int kSumBits = 32;
  energy::StructuralMachines machines{
      .mf_mac = registers_of(architecture, architecture.pe.operand_bits,
                             architecture.pe.accumulator.bits),
      .fp32_mac = registers_of(architecture, kFp32Width, kFp32Width),
      .others = {},
      .scratchpads = {}};
  for (const int bits : kOtherOperandBits) {
    machines.others.emplace(bits, registers_of(architecture, bits, kSumBits));
  }
  if (architecture.memory) {
    const MemoryConfig& memory = *architecture.memory;
    machines.scratchpads = {{{memory.first.kib, memory.first.word_bits},
                             {memory.second.kib, memory.second.word_bits},
                             {memory.results.kib, memory.results.word_bits}}};
  }
  std::vector<energy::StructuralPass> passes;
  passes.reserve(records.size());
  for (const PassRecord& record : records) {
    const Quantities& q = record.quantities;
    passes.push_back(
        {activity_of(record),
         {q.cycles.total(), q.actions, q.toggles, q.memory},
         {q.baseline_cycles.total(), q.baseline_actions, q.baseline_toggles, q.baseline_memory},
         {}});
    for (const OtherMachine& other : record.others) {
      passes.back().others.emplace(
          other.operand_bits,
          energy::StructuralActivity{other.cycles.total(), other.actions,
                                     energy::RegisterToggles::unknown(), other.memory});
    }
  }
  return energy::price_structure(table, passes, machines);
}

}  // namespace potomac::sim
