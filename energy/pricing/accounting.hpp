// What is counted when a machine's work is priced: one interface, and the table of those who
// implement it. Simulating is over by then: any number of tables price the same counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "energy/counts/actions.hpp"
#include "energy/counts/memory_accesses.hpp"
#include "energy/counts/register_toggles.hpp"
#include "energy/pricing/energy_report.hpp"
#include "energy/pricing/price_list.hpp"
#include "energy/pricing/unit_energy_table.hpp"

namespace potomac::energy {

// An array's registers, as far as they cost energy.
struct ArrayRegisters {
  std::uint64_t bits = 0;  // of all registers
  int operand_bits = 0;    // of one that holds an operand
  int aligned_bits = 0;    // that one more has which holds an aligned operand
  int sum_bits = 0;        // of one that holds a sum
};

struct ScratchpadSize {
  std::int64_t kib = 0;
  std::int64_t word_bits = 0;
};

// One pass on one machine. What it points at must outlive pricing.
struct PassActivity {
  std::uint64_t macs = 0;
  Count zero_operand_macs;  // of macs, with a zero operand, whether gated or not
  int exponent_bits = 0;    // of MF-MAC's exponent adder: operand_bits - 1
  int accumulator_bits = 0;
  std::uint64_t cycles = 0;
  const ActionCounts* actions = nullptr;
  const RegisterToggles* toggles = nullptr;  // may be unknown
  const MemoryAccesses* memory = nullptr;    // unknown without a memory
};

struct MachineWork {
  std::string machine;    // its id
  std::string_view unit;  // of mac_arithmetics()
  ArrayRegisters registers;
  // The scratchpads of the first operand, the second, the results; none: no memory was simulated.
  std::optional<std::array<ScratchpadSize, 3>> scratchpads;
  std::vector<PassActivity> passes;  // those that are alike may stand here once
};

struct PassName {
  std::string layer;
  std::string pass;
};

// The order in which, and how often, the passes of a MachineWork were run. Sums follow it, so that
// equal input gives equal bits.
struct WorkOrder {
  std::span<const std::size_t> passes;  // positions in MachineWork::passes
  std::span<const PassName> names;      // of each; empty: only the total is wanted
};

// So many equal operations of a machine, and what one costs. A row's energy is the sum of these.
struct Charge {
  std::string_view component;  // what does them: "pe", "registers", "clock", "scratchpad_first" ...
  std::string_view action;
  int bits = 0;        // how wide one is, where widths may differ between passes; 0: all are alike
  double count = 0.0;  // of bits, halves too
  double unit_pj = 0.0;
};

// Prices the passes of one machine by one table.
class PassPricer {
 public:
  virtual ~PassPricer() = default;
  // A row without names. Throws InputError if the table lacks an entry that is needed, and
  // std::invalid_argument if there are more MACs with a zero operand than MACs.
  virtual EnergyRow price(const PassActivity& pass) = 0;
  // What that row is the sum of (but for rounding), DRAM at the low end. Throws as price() does.
  virtual std::vector<Charge> charges(const PassActivity& pass) = 0;
};

// One way to do a MAC, over the same work: prices, not machines. From the FP32 MAC down to MF-MAC,
// and MF-MAC with what aligning a product to its place in the accumulator would cost by the table's
// own shifts.
struct MethodEnergy {
  std::string table;
  std::string accounting;
  std::string name;   // fp32_mac, fp32_multiplier, fp16_mac ... mf_mac, mf_mac_shift_int32_4
  std::string label;  // for people, with what it accumulates in: "BF16 MAC, FP32 sum"
  std::string of;     // the machine whose work it would do in another way
  // The table's entry that this row needs and does not find; the numbers below are then empty.
  std::string missing_entry;
  std::optional<double> per_mac_pj;  // of mf_mac: the mean, as widths may differ between passes
  std::optional<double> total_pj;
  std::optional<double> reduction;     // this row against fp32_mac
  std::optional<double> mf_mac_saves;  // mf_mac against this row; negative where it takes more

  friend bool operator==(const MethodEnergy&, const MethodEnergy&) = default;
};

class Accounting {
 public:
  virtual ~Accounting() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view meaning() const = 0;  // in a line, for people

  // `prices` and `machine` must outlive the pricer. Throws InputError if the table lacks an entry.
  virtual std::unique_ptr<PassPricer> pricer(PriceList& prices,
                                             const MachineWork& machine) const = 0;
  // What registers are priced from ("toggles", "writes"), or empty.
  virtual std::string registers_from(const MachineWork& machine) const = 0;
  // The methods' rows beside the reports of mf_mac and fp32_mac; `reports` has those of rivals too,
  // and may have others. All are by this accounting and the table of `prices`.
  virtual std::vector<MethodEnergy> methods(PriceList& prices, const EnergyReport& mf_mac,
                                            const EnergyReport& fp32_mac,
                                            std::span<const EnergyReport> reports) const = 0;
};

// All of them: `operation`, `structural`.
std::span<const Accounting* const> accountings();
std::vector<std::string_view> accounting_names();
// Null if there is none of that name.
const Accounting* find_accounting(std::string_view name);

// What one machine's work costs. Throws InputError if the table lacks an entry.
EnergyReport price(const Accounting& accounting, const UnitEnergyTable& table,
                   const MachineWork& machine, const WorkOrder& order);

// What the total of that report is the sum of: over all passes, each kind of operation once. Throws
// as price() does.
std::vector<Charge> charges_of(const Accounting& accounting, const UnitEnergyTable& table,
                               const MachineWork& machine, std::span<const std::size_t> passes);

// The methods' rows; none where either of the two machines has no report.
std::vector<MethodEnergy> methods_of(const Accounting& accounting, PriceList& prices,
                                     std::span<const EnergyReport> reports);

// The entry that the arithmetic of a unit needs and the table lacks, of an accumulator that wide;
// empty if it lacks none.
std::string missing_entry_of(const UnitEnergyTable& table, std::string_view unit,
                             int accumulator_bits);

}  // namespace potomac::energy
