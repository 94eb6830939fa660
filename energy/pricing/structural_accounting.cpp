#include "energy/pricing/structural_accounting.hpp"

#include <algorithm>
#include <utility>

#include "energy/pricing/price_list.hpp"

namespace potomac::energy {
namespace {

constexpr double kSramAccessBits = 64.0;  // of an entry sram_access_64
// Of the bits of a register that takes a value, those that change, where they were not counted.
constexpr double kChangedBits = 0.5;

struct Prices {
  double flip_flop_toggle_pj = 0.0;
  double flip_flop_clock_pj = 0.0;
  std::array<double, 3> scratchpad_pj{};  // by the bit
  double dram_low_pj = 0.0;               // by the bit
  double dram_high_pj = 0.0;
};

Prices prices_of(PriceList& list, const StructuralMachines& machines) {
  Prices prices{.flip_flop_toggle_pj = list.of("flip_flop_toggle"),
                .flip_flop_clock_pj = list.of("flip_flop_clock")};
  if (machines.scratchpads) {
    for (std::size_t i = 0; i < prices.scratchpad_pj.size(); ++i) {
      prices.scratchpad_pj.at(i) =
          list.of_sram_access(machines.scratchpads->at(i).kib) / kSramAccessBits;
    }
    prices.dram_low_pj = list.of("dram_access_64.low") / kDramAccessBits;
    prices.dram_high_pj = list.of("dram_access_64.high") / kDramAccessBits;
  }
  return prices;
}

// Bits that changed in an array's registers. `macs` are its slots.
double changed_bits(const StructuralActivity& activity, const ArrayRegisters& registers,
                    std::uint64_t macs) {
  if (activity.toggles.known()) {
    double sum = 0.0;
    for (const RegisterClass& one : kRegisterClasses) {
      sum += static_cast<double>((activity.toggles.*one.member).value());
    }
    return sum;
  }
  const ActionCounts& actions = activity.actions;
  const Count of_operands = actions.operand_register_write + actions.skew_register_write;
  // Without values, it is not known which slots write their accumulator: all of them may.
  const Count of_sums = actions.psum_register_write + actions.drain_hop +
                        (actions.accumulator_write.known() ? actions.accumulator_write : macs);
  return kChangedBits * (static_cast<double>(of_operands.value()) * registers.operand_bits +
                         static_cast<double>(of_sums.value()) * registers.sum_bits);
}

double scratchpads_pj(const MemoryAccesses& memory, const StructuralMachines& machines,
                      const Prices& prices) {
  constexpr std::array<Accesses MemoryAccesses::*, 3> kScratchpads = {
      &MemoryAccesses::first, &MemoryAccesses::second, &MemoryAccesses::results};
  double sum = 0.0;
  for (std::size_t i = 0; i < kScratchpads.size(); ++i) {
    const Accesses& accesses = memory.*kScratchpads.at(i);
    const Count words = accesses.read_words + accesses.written_words;
    sum += static_cast<double>(words.value()) *
           static_cast<double>(machines.scratchpads->at(i).word_bits) * prices.scratchpad_pj.at(i);
  }
  return sum;
}

double dram_bits(const MemoryAccesses& memory) {
  return static_cast<double>(memory.bus_bits().value());
}

double clock_pj(const StructuralActivity& activity, const ArrayRegisters& registers,
                const Prices& prices) {
  return static_cast<double>(activity.cycles) * static_cast<double>(registers.bits) *
         prices.flip_flop_clock_pj;
}

StructuralRow price_pass(const StructuralPass& pass, const EnergyRow& arithmetic,
                         const StructuralMachines& machines, const Prices& prices) {
  const auto pair = [&](const auto& of) { return MachinePair{of(pass.mf_mac), of(pass.fp32_mac)}; };
  StructuralRow row;
  row.layer = arithmetic.layer;
  row.pass = arithmetic.pass;
  row.arithmetic = {arithmetic.every_mac.mf_mac_pj, arithmetic.every_mac.fp32_mac_pj};
  row.registers = {
      changed_bits(pass.mf_mac, machines.mf_mac, pass.arithmetic.macs) * prices.flip_flop_toggle_pj,
      changed_bits(pass.fp32_mac, machines.fp32_mac, pass.arithmetic.baseline_macs) *
          prices.flip_flop_toggle_pj};
  row.clock = {clock_pj(pass.mf_mac, machines.mf_mac, prices),
               clock_pj(pass.fp32_mac, machines.fp32_mac, prices)};
  if (machines.scratchpads) {
    row.scratchpads = pair([&](const StructuralActivity& activity) {
      return scratchpads_pj(activity.memory, machines, prices);
    });
    row.dram = pair([&](const StructuralActivity& activity) {
      return dram_bits(activity.memory) * prices.dram_low_pj;
    });
    row.dram_high = pair([&](const StructuralActivity& activity) {
      return dram_bits(activity.memory) * prices.dram_high_pj;
    });
  }
  return row;
}

void add(std::optional<MachinePair>& sum, const std::optional<MachinePair>& part) {
  if (sum && part) {
    *sum += *part;
  }
}

void add(StructuralRow& sum, const StructuralRow& part) {
  sum.arithmetic += part.arithmetic;
  sum.registers += part.registers;
  sum.clock += part.clock;
  add(sum.scratchpads, part.scratchpads);
  add(sum.dram, part.dram);
  add(sum.dram_high, part.dram_high);
}

// A row over no work yet.
StructuralRow empty_row(const StructuralMachines& machines) {
  StructuralRow row;
  if (machines.scratchpads) {
    row.scratchpads = row.dram = row.dram_high = MachinePair{};
  }
  return row;
}

StructuralRow& row_named(std::vector<StructuralRow>& rows, std::string StructuralRow::*name,
                         const std::string& value, const StructuralMachines& machines) {
  const auto found = std::ranges::find(rows, value, name);
  if (found != rows.end()) {
    return *found;
  }
  rows.push_back(empty_row(machines));
  rows.back().*name = value;
  return rows.back();
}

// What an array with narrower operands takes around its arithmetic, over all passes; nothing if it
// was not simulated for all that the baseline does.
std::optional<double> around_pj(int operand_bits, std::span<const StructuralPass> passes,
                                const StructuralMachines& machines, const Prices& prices) {
  const auto registers = machines.others.find(operand_bits);
  if (registers == machines.others.end()) {
    return std::nullopt;
  }
  double sum = 0.0;
  for (const StructuralPass& pass : passes) {
    if (pass.arithmetic.baseline_macs == 0) {
      continue;
    }
    const auto found = pass.others.find(operand_bits);
    if (found == pass.others.end()) {
      return std::nullopt;
    }
    const StructuralActivity& activity = found->second;
    sum += changed_bits(activity, registers->second, pass.arithmetic.baseline_macs) *
               prices.flip_flop_toggle_pj +
           clock_pj(activity, registers->second, prices);
    if (machines.scratchpads) {
      sum += scratchpads_pj(activity.memory, machines, prices) +
             dram_bits(activity.memory) * prices.dram_low_pj;
    }
  }
  return sum;
}

// How wide the operands of a method's array are; 0 of those that have an array of their own.
int operand_bits_of(std::string_view method) {
  if (method == "fp16_mac" || method == "bf16_mac") {
    return 16;
  }
  if (method == "fp8_mac" || method == "int8_mac") {
    return 8;
  }
  return method == "int4_mac" ? 4 : 0;
}

// The arithmetic rows, each with what stands around it.
std::vector<MethodEnergy> methods_of(const OperationEnergy& arithmetic, const MachinePair& total,
                                     std::span<const StructuralPass> passes,
                                     const StructuralMachines& machines, const Prices& prices) {
  const Comparison& macs = arithmetic.total.every_mac;
  std::vector<MethodEnergy> methods;
  for (MethodEnergy method : arithmetic.methods) {
    if (method.name == "fp32_multiplier") {
      continue;  // a part of an FP32 array
    }
    std::optional<double> around;
    std::uint64_t work = macs.baseline_macs;
    if (method.name == "fp32_mac") {
      around = total.fp32_mac_pj - macs.fp32_mac_pj;
    } else if (method.name.starts_with("mf_mac")) {
      around = total.mf_mac_pj - macs.mf_mac_pj;
      work = macs.macs;
    } else {
      around = around_pj(operand_bits_of(method.name), passes, machines, prices);
    }
    if (!around || !method.total_pj) {
      continue;
    }
    const double pj = *method.total_pj + *around;
    method.total_pj = pj;
    method.per_mac_pj = work > 0 ? std::optional(pj / static_cast<double>(work)) : std::nullopt;
    method.reduction = reduction_of(pj, total.fp32_mac_pj);
    method.mf_mac_saves = reduction_of(total.mf_mac_pj, pj);
    methods.push_back(method);
  }
  return methods;
}

}  // namespace

MachinePair& MachinePair::operator+=(const MachinePair& other) {
  mf_mac_pj += other.mf_mac_pj;
  fp32_mac_pj += other.fp32_mac_pj;
  return *this;
}

MachinePair StructuralRow::total() const {
  MachinePair sum = arithmetic;
  sum += registers;
  sum += clock;
  for (const auto& part : {scratchpads, dram}) {
    sum += part.value_or(MachinePair{});
  }
  return sum;
}

MachinePair StructuralRow::total_high() const {
  StructuralRow high = *this;
  high.dram = dram_high;
  return high.total();
}

StructuralEnergy price_structure(const UnitEnergyTable& table,
                                 std::span<const StructuralPass> passes,
                                 const StructuralMachines& machines) {
  std::vector<GemmActivity> gemms;
  gemms.reserve(passes.size());
  for (const StructuralPass& pass : passes) {
    gemms.push_back(pass.arithmetic);
  }
  OperationEnergy arithmetic = price_operations(table, gemms);
  PriceList list(table);
  const Prices prices = prices_of(list, machines);
  StructuralEnergy energy;
  energy.table = table.name();
  energy.unit = table.unit();
  energy.node = table.node();
  energy.toggles_counted = std::ranges::all_of(passes, [](const StructuralPass& pass) {
    return pass.mf_mac.toggles.known() && pass.fp32_mac.toggles.known();
  });
  energy.total = empty_row(machines);
  for (std::size_t i = 0; i < passes.size(); ++i) {
    StructuralRow row = price_pass(passes[i], arithmetic.by_gemm[i], machines, prices);
    add(energy.total, row);
    add(row_named(energy.by_layer, &StructuralRow::layer, row.layer, machines), row);
    add(row_named(energy.by_pass, &StructuralRow::pass, row.pass, machines), row);
    energy.by_gemm.push_back(std::move(row));
  }
  energy.methods = methods_of(arithmetic, energy.total.total(), passes, machines, prices);
  energy.unit_energies = std::move(arithmetic.unit_energies);
  for (UnitEnergy& unit : list.take_used()) {
    energy.unit_energies.push_back(std::move(unit));
  }
  return energy;
}

}  // namespace potomac::energy
