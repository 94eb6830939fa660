#include "sim/reports/step_table.hpp"

#include <fmt/format.h>

#include <utility>

#include "sim/results/si_units.hpp"

namespace potomac::sim {
namespace {

std::string percent_of(double part, double whole) {
  return whole > 0.0 ? fmt::format("{:.1f}%", 100.0 * part / whole) : std::string("-");
}

// What moves and how long it takes; without a memory the GEMMs' part is not known.
std::string work_table(const RunResult& result, TextForm form) {
  TextTable table({"part", "MF-MAC: DRAM", "cycles", "FP32: DRAM", "cycles"}, 1);
  struct Machine {
    Count bits;
    std::uint64_t cycles = 0;
  };
  const auto add = [&](std::string name, const Machine& mf_mac, const Machine& fp32_mac) {
    const auto bytes = [](const Count& bits) {
      return bits.known() ? si_bytes(bits.value() / 8) : std::string("-");
    };
    table.add({std::move(name), bytes(mf_mac.bits), fmt::format("{}", mf_mac.cycles),
               bytes(fp32_mac.bits), fmt::format("{}", fp32_mac.cycles)});
  };
  const auto of_gemms = [](const energy::MemoryAccesses& memory, const Cycles& cycles) {
    return Machine{memory.known() ? memory.bus_bits() : Count::unknown(), cycles.total()};
  };
  const auto of_work = [&](const energy::StepWork& work) {
    return Machine{work.dram_bits(), cycles_of(work, result.architecture)};
  };
  const Quantities& q = result.totals;
  Machine mf_mac = of_gemms(q.memory, q.cycles);
  Machine fp32_mac = of_gemms(q.baseline_memory, q.baseline_cycles);
  add("GEMMs", mf_mac, fp32_mac);
  for (const energy::StepPart& part : result.step->parts) {
    add(part.name, of_work(part.mf_mac), of_work(part.fp32_mac));
    mf_mac.bits += of_work(part.mf_mac).bits;
    mf_mac.cycles += of_work(part.mf_mac).cycles;
    fp32_mac.bits += of_work(part.fp32_mac).bits;
    fp32_mac.cycles += of_work(part.fp32_mac).cycles;
  }
  table.add_rule();
  add("whole step", mf_mac, fp32_mac);
  return table.text(form);
}

std::string energy_table(const RunResult& result, const energy::StepEnergy& energy, TextForm form) {
  std::string text = paragraph(fmt::format("Energy of the step by table {}, accounting: {}",
                                           energy.table, energy.accounting));
  text += '\n';
  TextTable table({"part", "MF-MAC", "share", "FP32", "share", "less than FP32"}, 1);
  const auto add = [&](std::string name, const energy::MachinePair& pair) {
    const auto reduction = pair.reduction();
    table.add({std::move(name), si_energy(pair.mf_mac_pj),
               percent_of(pair.mf_mac_pj, energy.total.mf_mac_pj), si_energy(pair.fp32_mac_pj),
               percent_of(pair.fp32_mac_pj, energy.total.fp32_mac_pj),
               reduction ? fmt::format("{:.2f}%", 100.0 * *reduction) : std::string("-")});
  };
  add("GEMMs", energy.gemms);
  for (std::size_t i = 0; i < energy.parts.size(); ++i) {
    add(result.step->parts[i].name, energy.parts[i]);
  }
  table.add_rule();
  add("whole step", energy.total);
  text += table.text(form);
  if (energy.total_high && energy.total_high->reduction()) {
    text += '\n';
    text += paragraph(fmt::format(
        "DRAM at the low end of the table's range; at its high end MF-MAC {}, FP32 {}, {:.2f}% "
        "less.",
        si_energy(energy.total_high->mf_mac_pj), si_energy(energy.total_high->fp32_mac_pj),
        100.0 * *energy.total_high->reduction()));
  }
  return text;
}

}  // namespace

std::string step_section(const RunResult& result, TextForm form) {
  if (!result.step) {
    return "";
  }
  std::string text = fmt::format("\nTraining step with {}\n\n", name_of(result.step->optimizer));
  text += work_table(result, form);
  for (const energy::StepEnergy& energy : result.step_energy) {
    text += '\n';
    text += energy_table(result, energy, form);
  }
  text += "\nAssumed:\n";
  for (const std::string& line : result.step->assumptions) {
    text += paragraph(fmt::format("- {}.", line));
  }
  return text;
}

}  // namespace potomac::sim
