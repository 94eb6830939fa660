#include "energy/pricing/accounting.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "energy/pricing/mac_arithmetic.hpp"
#include "energy/pricing/operation_accounting.hpp"
#include "energy/pricing/structural_accounting.hpp"

namespace potomac::energy {
namespace {

// Sums of rows by one of their names, in the order of first appearance.
class RowsByName {
 public:
  explicit RowsByName(std::string EnergyRow::*name) : name_(name) {}

  void add(const EnergyRow& row) {
    const auto [found, is_new] = places_.try_emplace(row.*name_, rows_.size());
    if (is_new) {
      rows_.emplace_back().*name_ = row.*name_;
    }
    rows_[found->second] += row;
  }
  std::vector<EnergyRow> take() { return std::move(rows_); }

 private:
  std::string EnergyRow::*name_;
  std::vector<EnergyRow> rows_;
  std::unordered_map<std::string, std::size_t> places_;
};

}  // namespace

std::span<const Accounting* const> accountings() {
  static const std::array<const Accounting*, 2> all = {&operation_accounting(),
                                                       &structural_accounting()};
  return all;
}

std::vector<std::string_view> accounting_names() {
  std::vector<std::string_view> names;
  for (const Accounting* const accounting : accountings()) {
    names.push_back(accounting->name());
  }
  return names;
}

const Accounting* find_accounting(std::string_view name) {
  const auto all = accountings();
  const auto found = std::ranges::find(all, name, &Accounting::name);
  return found == all.end() ? nullptr : *found;
}

EnergyReport price(const Accounting& accounting, const UnitEnergyTable& table,
                   const MachineWork& machine, const WorkOrder& order) {
  EnergyReport report;
  report.machine = machine.machine;
  report.table = table.name();
  report.accounting = accounting.name();
  report.unit = table.unit();
  report.node = table.node();
  report.registers = accounting.registers_from(machine);
  PriceList prices(table, !order.names.empty());
  const std::unique_ptr<PassPricer> pricer = accounting.pricer(prices, machine);
  std::vector<EnergyRow> rows;
  rows.reserve(machine.passes.size());
  for (const PassActivity& pass : machine.passes) {
    rows.push_back(pricer->price(pass));
  }
  // A machine that does nothing has its components still.
  report.total = pricer->price(PassActivity{});
  if (order.names.empty()) {
    for (const std::size_t pass : order.passes) {
      report.total += rows[pass];
    }
  } else {
    RowsByName by_layer(&EnergyRow::layer);
    RowsByName by_pass(&EnergyRow::pass);
    for (std::size_t i = 0; i < order.passes.size(); ++i) {
      EnergyRow& row = report.by_gemm.emplace_back(rows[order.passes[i]]);
      row.layer = order.names[i].layer;
      row.pass = order.names[i].pass;
      report.total += row;
      by_layer.add(row);
      by_pass.add(row);
    }
    report.by_layer = by_layer.take();
    report.by_pass = by_pass.take();
  }
  report.unit_energies = prices.take_used();
  return report;
}

std::vector<Charge> charges_of(const Accounting& accounting, const UnitEnergyTable& table,
                               const MachineWork& machine, std::span<const std::size_t> passes) {
  PriceList prices(table);
  const std::unique_ptr<PassPricer> pricer = accounting.pricer(prices, machine);
  std::vector<Charge> sums;
  for (const std::size_t pass : passes) {
    for (const Charge& charge : pricer->charges(machine.passes[pass])) {
      const auto same = std::ranges::find_if(sums, [&](const Charge& sum) {
        return sum.component == charge.component && sum.action == charge.action &&
               sum.bits == charge.bits;
      });
      if (same == sums.end()) {
        sums.push_back(charge);
      } else {
        same->count += charge.count;
      }
    }
  }
  return sums;
}

std::vector<MethodEnergy> methods_of(const Accounting& accounting, PriceList& prices,
                                     std::span<const EnergyReport> reports) {
  const std::string& table = prices.table().name();
  const EnergyReport* const mf_mac = find_energy(reports, "mf_mac", table, accounting.name());
  const EnergyReport* const fp32_mac = find_energy(reports, "fp32_mac", table, accounting.name());
  return mf_mac == nullptr || fp32_mac == nullptr
             ? std::vector<MethodEnergy>{}
             : accounting.methods(prices, *mf_mac, *fp32_mac, reports);
}

std::string missing_entry_of(const UnitEnergyTable& table, std::string_view unit,
                             int accumulator_bits) {
  PriceList prices(table);
  std::string missing;
  try_mac_pj(prices, mac_arithmetic(unit), accumulator_bits, missing);
  return missing;
}

}  // namespace potomac::energy
