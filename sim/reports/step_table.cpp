#include "sim/reports/step_table.hpp"

#include <fmt/format.h>

#include <utility>

#include "sim/results/si_units.hpp"

namespace potomac::sim {
namespace {

// What moves and how long it takes; without a memory the GEMMs' part is not known.
std::string work_table(const RunResult& result, TextForm form) {
  TextTable table({"part", "MF-MAC: DRAM", "cycles", "FP32: DRAM", "cycles"}, 1);
  struct Moved {
    Count bits;
    std::uint64_t cycles = 0;
  };
  const auto add = [&](std::string name, const Moved& mf_mac, const Moved& fp32_mac) {
    const auto bytes = [](const Count& bits) {
      return bits.known() ? si_bytes(bits.value() / 8) : std::string("-");
    };
    table.add({std::move(name), bytes(mf_mac.bits), fmt::format("{}", mf_mac.cycles),
               bytes(fp32_mac.bits), fmt::format("{}", fp32_mac.cycles)});
  };
  const auto of_gemms = [&](std::size_t machine) {
    const Quantities& q = result.totals[machine];
    return Moved{q.memory.known() ? q.memory.bus_bits() : Count::unknown(), q.cycles.total()};
  };
  Moved mf_mac = of_gemms(kMfMacMachine);
  Moved fp32_mac = of_gemms(kFp32Machine);
  add("GEMMs", mf_mac, fp32_mac);
  const TrainingStep& step = *result.step;
  for (const energy::StepPart& part : step.parts) {
    const auto of_part = [&](std::size_t machine) {
      const energy::StepWork& work = part.work[machine];
      return Moved{work.dram_bits(), cycles_of(work, result.architecture)};
    };
    const auto count = [](Moved& sum, const Moved& moved) {
      sum.bits += moved.bits;
      sum.cycles += moved.cycles;
    };
    add(part.name, of_part(kMfMacMachine), of_part(kFp32Machine));
    count(mf_mac, of_part(kMfMacMachine));
    count(fp32_mac, of_part(kFp32Machine));
  }
  table.add_rule();
  add("whole step", mf_mac, fp32_mac);
  return table.text(form);
}

// One table and accounting, on both machines.
std::string energy_table(const TrainingStep& step, const energy::StepEnergy& mf_mac,
                         const energy::StepEnergy& fp32_mac, TextForm form) {
  std::string text = paragraph(fmt::format("Energy of the step by table {}, accounting: {}",
                                           mf_mac.table, mf_mac.accounting));
  text += '\n';
  TextTable table({"part", "MF-MAC", "share", "FP32", "share", "less than FP32"}, 1);
  const auto add = [&](std::string name, double of_mf_mac, double of_fp32_mac) {
    table.add({std::move(name), si_energy(of_mf_mac), share_text(of_mf_mac, mf_mac.total_pj),
               si_energy(of_fp32_mac), share_text(of_fp32_mac, fp32_mac.total_pj),
               percent(energy::reduction_of(of_mf_mac, of_fp32_mac))});
  };
  add("GEMMs", mf_mac.gemms_pj, fp32_mac.gemms_pj);
  for (std::size_t i = 0; i < step.parts.size(); ++i) {
    add(step.parts[i].name, mf_mac.parts_pj[i], fp32_mac.parts_pj[i]);
  }
  table.add_rule();
  add("whole step", mf_mac.total_pj, fp32_mac.total_pj);
  text += table.text(form);
  if (mf_mac.total_dram_high_pj && fp32_mac.total_dram_high_pj) {
    text += '\n';
    text += paragraph(fmt::format(
        "DRAM at the low end of the table's range; at its high end MF-MAC {}, FP32 {}, {} less.",
        si_energy(*mf_mac.total_dram_high_pj), si_energy(*fp32_mac.total_dram_high_pj),
        percent(energy::reduction_of(*mf_mac.total_dram_high_pj, *fp32_mac.total_dram_high_pj))));
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
  const std::vector<energy::StepEnergy>& energies = result.step->energy;
  const std::size_t machines = result.step->machines.size();
  for (std::size_t i = 0; i + 1 < energies.size(); i += machines) {
    text += '\n';
    text += energy_table(*result.step, energies[i], energies[i + 1], form);
  }
  text += "\nAssumed:\n";
  for (const std::string& line : result.step->assumptions) {
    text += paragraph(fmt::format("- {}.", line));
  }
  return text;
}

}  // namespace potomac::sim
