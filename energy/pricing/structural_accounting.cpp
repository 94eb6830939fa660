#include "energy/pricing/structural_accounting.hpp"

#include <algorithm>
#include <utility>

#include "energy/pricing/mac_arithmetic.hpp"
#include "energy/pricing/operation_accounting.hpp"

namespace potomac::energy {
namespace {

constexpr double kSramAccessBits = 64.0;  // of an entry sram_access_64
// The share of a register's bits that change when it takes a value, where they were not counted.
constexpr double kChangedBits = 0.5;

bool counts_toggles(const MachineWork& machine) {
  return std::ranges::all_of(machine.passes,
                             [](const PassActivity& pass) { return pass.toggles->known(); });
}

// Bits that changed in an array's registers.
double changed_bits(const PassActivity& pass, const ArrayRegisters& registers) {
  if (pass.toggles->known()) {
    double sum = 0.0;
    for (const RegisterClass& one : kRegisterClasses) {
      sum += static_cast<double>((pass.toggles->*one.member).value());
    }
    return sum;
  }
  const ActionCounts& actions = *pass.actions;
  const Count of_operands = actions.operand_register_write + actions.skew_register_write;
  // Without values, it is not known which slots write their accumulator: all of them may.
  const Count of_sums =
      actions.psum_register_write + actions.drain_hop +
      (actions.accumulator_write.known() ? actions.accumulator_write : Count(pass.macs));
  // A report of before aligned registers has none.
  const Count of_aligned =
      actions.aligned_register_write.known() ? actions.aligned_register_write : Count(0);
  return kChangedBits * (static_cast<double>(of_operands.value()) * registers.operand_bits +
                         static_cast<double>(of_aligned.value()) * registers.aligned_bits +
                         static_cast<double>(of_sums.value()) * registers.sum_bits);
}

class StructuralPricer : public PassPricer {
 public:
  StructuralPricer(PriceList& prices, const MachineWork& machine)
      : machine_(machine),
        arithmetic_(operation_accounting().pricer(prices, machine)),
        toggle_pj_(prices.of("flip_flop_toggle")),
        clock_pj_(prices.of("flip_flop_clock")) {
    if (machine.scratchpads) {
      for (std::size_t i = 0; i < scratchpad_pj_.size(); ++i) {
        scratchpad_pj_.at(i) =
            prices.of_sram_access(machine.scratchpads->at(i).kib) / kSramAccessBits;
      }
      dram_low_pj_ = prices.of("dram_access_64.low") / kDramAccessBits;
      dram_high_pj_ = prices.of("dram_access_64.high") / kDramAccessBits;
    }
  }

  EnergyRow price(const PassActivity& pass) override {
    EnergyRow row = arithmetic_->price(pass);
    const bool runs = pass.actions != nullptr;
    const auto set = [&](Component component, double pj) {
      row.by_component.at(static_cast<std::size_t>(component)) = pj;
    };
    set(Component::kRegisters, runs ? changed_bits(pass, machine_.registers) * toggle_pj_ : 0.0);
    set(Component::kClock, static_cast<double>(pass.cycles) *
                               static_cast<double>(machine_.registers.bits) * clock_pj_);
    if (machine_.scratchpads) {
      const double dram_bits = runs ? static_cast<double>(pass.memory->bus_bits().value()) : 0.0;
      set(Component::kScratchpads, runs ? scratchpads_pj(*pass.memory) : 0.0);
      set(Component::kDram, dram_bits * dram_low_pj_);
      row.dram_high_pj = dram_bits * dram_high_pj_;
    }
    return row;
  }

  std::vector<Charge> charges(const PassActivity& pass) override {
    std::vector<Charge> charges = arithmetic_->charges(pass);
    charges.push_back(
        {.component = "clock",
         .action = "cycle_of_a_bit",
         .count = static_cast<double>(pass.cycles) * static_cast<double>(machine_.registers.bits),
         .unit_pj = clock_pj_});
    if (pass.actions == nullptr) {
      return charges;
    }
    charges.push_back({.component = "registers",
                       .action = "bit_that_changes",
                       .count = changed_bits(pass, machine_.registers),
                       .unit_pj = toggle_pj_});
    if (machine_.scratchpads) {
      for (std::size_t i = 0; i < kScratchpads.size(); ++i) {
        const Accesses& accesses = pass.memory->*kScratchpads.at(i).member;
        for (const auto& [action, words] :
             {std::pair("read", accesses.read_words), std::pair("write", accesses.written_words)}) {
          charges.push_back({.component = kScratchpads.at(i).name,
                             .action = action,
                             .count = static_cast<double>(words.value()),
                             .unit_pj = word_pj(i)});
        }
      }
      charges.push_back({.component = "dram",
                         .action = "bit",
                         .count = static_cast<double>(pass.memory->bus_bits().value()),
                         .unit_pj = dram_low_pj_});
    }
    return charges;
  }

 private:
  struct Scratchpad {
    std::string_view name;
    Accesses MemoryAccesses::*member;
  };
  static constexpr std::array<Scratchpad, 3> kScratchpads = {
      {{"scratchpad_first", &MemoryAccesses::first},
       {"scratchpad_second", &MemoryAccesses::second},
       {"scratchpad_results", &MemoryAccesses::results}}};

  // Of an access of a word.
  double word_pj(std::size_t scratchpad) const {
    return static_cast<double>(machine_.scratchpads->at(scratchpad).word_bits) *
           scratchpad_pj_.at(scratchpad);
  }

  double scratchpads_pj(const MemoryAccesses& memory) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < kScratchpads.size(); ++i) {
      const Accesses& accesses = memory.*kScratchpads.at(i).member;
      const Count words = accesses.read_words + accesses.written_words;
      sum += static_cast<double>(words.value()) *
             static_cast<double>(machine_.scratchpads->at(i).word_bits) * scratchpad_pj_.at(i);
    }
    return sum;
  }

  const MachineWork& machine_;
  std::unique_ptr<PassPricer> arithmetic_;
  double toggle_pj_;
  double clock_pj_;
  std::array<double, 3> scratchpad_pj_{};  // by the bit, like the next two
  double dram_low_pj_ = 0.0;
  double dram_high_pj_ = 0.0;
};

class StructuralAccounting : public Accounting {
 public:
  std::string_view name() const override { return kStructuralAccounting; }
  std::string_view meaning() const override {
    return "registers, clock, scratchpads and DRAM besides";
  }
  std::unique_ptr<PassPricer> pricer(PriceList& prices, const MachineWork& machine) const override {
    return std::make_unique<StructuralPricer>(prices, machine);
  }
  std::string registers_from(const MachineWork& machine) const override {
    return counts_toggles(machine) ? "toggles" : "writes";
  }

  // The machines that there are, and MF-MAC's with a shifter.
  std::vector<MethodEnergy> methods(PriceList& prices, const EnergyReport& mf_mac,
                                    const EnergyReport& fp32_mac,
                                    std::span<const EnergyReport> reports) const override {
    std::vector<MethodEnergy> rows;
    for (const MacArithmetic& mac : mac_arithmetics()) {
      if (const EnergyReport* const of =
              find_energy(reports, mac.unit, prices.table().name(), name())) {
        const double total_pj = of->total.total_pj();
        rows.push_back(method_row(mac.unit, mac.label, *of, per_mac(total_pj, of->total.macs),
                                  total_pj, mf_mac, fp32_mac));
      }
    }
    for (MethodEnergy& row : alignment_rows(prices, mf_mac, fp32_mac)) {
      if (row.missing_entry.empty()) {
        rows.push_back(std::move(row));
      }
    }
    return rows;
  }
};

}  // namespace

const Accounting& structural_accounting() {
  static const StructuralAccounting accounting;
  return accounting;
}

}  // namespace potomac::energy
