// What a training step does around its GEMMs, in counts, and what a unit-energy table makes of it:
// quantizing tensors, updating weights (docs/energy.md derives each part).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "energy/pricing/energy_report.hpp"
#include "energy/pricing/unit_energy_table.hpp"

namespace potomac::energy {

// What one machine does. DRAM's bits are those that are asked for.
struct StepWork {
  std::uint64_t fp32_multiply = 0;
  std::uint64_t fp32_add = 0;
  std::uint64_t fp32_divide = 0;
  std::uint64_t fp32_square_root = 0;
  std::uint64_t integer_add_32 = 0;
  std::uint64_t integer_add_8 = 0;
  std::uint64_t dram_read_bits = 0;
  std::uint64_t dram_written_bits = 0;

  StepWork& operator+=(const StepWork& other);
  std::uint64_t dram_bits() const { return dram_read_bits + dram_written_bits; }
  friend bool operator==(const StepWork&, const StepWork&) = default;
};

struct StepCountInfo {
  std::string_view name;
  std::string_view unit;
  std::uint64_t StepWork::*member;
};
inline constexpr std::array<StepCountInfo, 8> kStepCounts = {{
    {"fp32_multiply", "operation", &StepWork::fp32_multiply},
    {"fp32_add", "operation", &StepWork::fp32_add},
    {"fp32_divide", "operation", &StepWork::fp32_divide},
    {"fp32_square_root", "operation", &StepWork::fp32_square_root},
    {"integer_add_32", "operation", &StepWork::integer_add_32},
    {"integer_add_8", "operation", &StepWork::integer_add_8},
    {"dram_read_bits", "bit", &StepWork::dram_read_bits},
    {"dram_written_bits", "bit", &StepWork::dram_written_bits},
}};

// No table has a price for a division or a square root: two Newton steps, each of so many FP32
// multiplications and additions.
inline constexpr std::uint64_t kNewtonMultiplies = 4;
inline constexpr std::uint64_t kNewtonAdds = 4;

// A part of the step, on each of the step's machines.
struct StepPart {
  std::string name;
  std::vector<StepWork> work;  // in the order of the machines

  friend bool operator==(const StepPart&, const StepPart&) = default;
};

// What the whole step of one machine costs.
struct StepEnergy {
  std::string machine;
  std::string table;
  std::string accounting;
  std::string unit;
  std::string node;
  double gemms_pj = 0.0;         // by the same accounting
  std::vector<double> parts_pj;  // as given
  double total_pj = 0.0;         // of all; with DRAM, at the low end of the table's range
  std::optional<double> total_dram_high_pj;  // at its high end
  std::vector<UnitEnergy> unit_energies;

  // What of the whole the GEMMs are; nothing of nothing.
  std::optional<double> gemms_share() const;
  friend bool operator==(const StepEnergy&, const StepEnergy&) = default;
};

// The parts' arithmetic beside the GEMMs' energy, and DRAM's bits besides where that has DRAM.
// `machine` is the position of its work in each part. Throws InputError if the table lacks an
// entry.
StepEnergy price_step(const UnitEnergyTable& table, std::span<const StepPart> parts,
                      std::size_t machine, const EnergyReport& gemms);

}  // namespace potomac::energy
