#include "energy/pricing/operation_accounting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <stdexcept>
#include <utility>

#include "energy/pricing/comparison.hpp"
#include "energy/pricing/mac_arithmetic.hpp"

namespace potomac::energy {
namespace {

constexpr int kIntegerSumBits = 32;  // of the methods' rows, whatever MF-MAC's accumulator is

double charge(double unit_pj, std::uint64_t operations) {
  return unit_pj * static_cast<double>(operations);
}

class OperationPricer : public PassPricer {
 public:
  OperationPricer(PriceList& prices, std::string_view unit)
      : prices_(prices), arithmetic_(mac_arithmetic(unit)) {}

  EnergyRow price(const PassActivity& pass) override {
    const bool known = pass.zero_operand_macs.known();
    if (known && pass.zero_operand_macs.value() > pass.macs) {
      throw std::invalid_argument(fmt::format("{} MACs with a zero operand among {} MACs",
                                              pass.zero_operand_macs.value(), pass.macs));
    }
    if (pass.macs > 0) {
      look_up(pass);
    }
    EnergyRow row;
    row.macs = pass.macs;
    row.zeros_known = known;
    double sum = 0.0;
    for (std::size_t i = 0; i < kMostMacOperations; ++i) {
      const MacOperation& operation = arithmetic_.operations.at(i);
      ActionEnergy& action = row.by_action.at(i);
      action.action = operation.action;
      if (!operation.action.empty() && pass.macs > 0) {
        action.charged = pass.macs;
        action.fired = pass.actions->*operation.fired;
        action.pj = charge(unit_pj_.at(i), pass.macs);
        if (known) {
          action.zeros_gated_pj =
              charge(unit_pj_.at(i), pass.macs - pass.zero_operand_macs.value());
        }
        sum += action.pj;
      }
    }
    row.by_component.at(static_cast<std::size_t>(Component::kArithmetic)) = sum;
    return row;
  }

  std::vector<Charge> charges(const PassActivity& pass) override {
    std::vector<Charge> charges;
    if (pass.macs == 0) {
      return charges;
    }
    look_up(pass);
    for (std::size_t i = 0; i < kMostMacOperations; ++i) {
      const MacOperation& operation = arithmetic_.operations.at(i);
      if (!operation.action.empty()) {
        charges.push_back({.component = "pe",
                           .action = operation.action,
                           .bits = operation.entry.empty() ? width_of(operation, pass) : 0,
                           .count = static_cast<double>(pass.macs),
                           .unit_pj = unit_pj_.at(i)});
      }
    }
    return charges;
  }

 private:
  // What the operations of a MAC cost; looked up again where widths differ.
  void look_up(const PassActivity& pass) {
    const std::pair widths{pass.exponent_bits, pass.accumulator_bits};
    if (widths == widths_) {
      return;
    }
    widths_ = widths;
    for (std::size_t i = 0; i < kMostMacOperations; ++i) {
      const MacOperation& operation = arithmetic_.operations.at(i);
      if (!operation.action.empty()) {
        unit_pj_.at(i) = !operation.entry.empty()
                             ? prices_.of(operation.entry)
                             : prices_.of_integer_add(width_of(operation, pass));
      }
    }
  }

  static int width_of(const MacOperation& operation, const PassActivity& pass) {
    return operation.width == AddWidth::kExponent ? pass.exponent_bits : pass.accumulator_bits;
  }

  PriceList& prices_;
  const MacArithmetic& arithmetic_;
  std::pair<int, int> widths_{0, 0};
  std::array<double, kMostMacOperations> unit_pj_{};
};

struct Alignment {
  std::string_view name;
  std::string_view label;
  std::string_view shift;
};
constexpr std::array<Alignment, 2> kAlignments = {{
    {"mf_mac_shift_int4_3", "MF-MAC + shift INT4-3", "shift_int4_3"},
    {"mf_mac_shift_int32_4", "MF-MAC + shift INT32-4", "shift_int32_4"},
}};

MethodEnergy absent_row(std::string_view name, std::string_view label, const EnergyReport& of,
                        std::string missing) {
  MethodEnergy absent;
  absent.table = of.table;
  absent.accounting = of.accounting;
  absent.name = name;
  absent.label = label;
  absent.of = of.machine;
  absent.missing_entry = std::move(missing);
  return absent;
}

// The MAC of another unit over the FP32 machine's MACs.
MethodEnergy other_mac_row(const MacArithmetic& mac, PriceList& prices, const EnergyReport& mf_mac,
                           const EnergyReport& fp32_mac) {
  std::string missing;
  const auto per_mac_pj = try_mac_pj(prices, mac, kIntegerSumBits, missing);
  return per_mac_pj ? method_row(mac.unit, mac.label, fp32_mac, per_mac_pj,
                                 charge(*per_mac_pj, fp32_mac.total.macs), mf_mac, fp32_mac)
                    : absent_row(mac.unit, mac.label, fp32_mac, missing);
}

class OperationAccounting : public Accounting {
 public:
  std::string_view name() const override { return kOperationAccounting; }
  std::string_view meaning() const override { return "arithmetic only, every MAC charged"; }
  std::unique_ptr<PassPricer> pricer(PriceList& prices, const MachineWork& machine) const override {
    return std::make_unique<OperationPricer>(prices, machine.unit);
  }
  std::string registers_from(const MachineWork& /*machine*/) const override { return ""; }

  std::vector<MethodEnergy> methods(PriceList& prices, const EnergyReport& mf_mac,
                                    const EnergyReport& fp32_mac,
                                    std::span<const EnergyReport> /*reports*/) const override {
    std::vector<MethodEnergy> rows;
    for (const MacArithmetic& mac : mac_arithmetics()) {
      if (mac.unit == "mf_mac") {
        const double total_pj = mf_mac.total.total_pj();
        rows.push_back(method_row(mac.unit, mac.label, mf_mac, per_mac(total_pj, mf_mac.total.macs),
                                  total_pj, mf_mac, fp32_mac));
        continue;
      }
      if (mac.unit == "fp32_mac") {
        const double multiply_pj = prices.of("fp32_multiply");
        rows.push_back(method_row(mac.unit, mac.label, fp32_mac,
                                  multiply_pj + prices.of("fp32_add"), fp32_mac.total.total_pj(),
                                  mf_mac, fp32_mac));
        rows.push_back(method_row(kFp32Multiplier, "FP32 multiplier alone", fp32_mac, multiply_pj,
                                  fp32_mac.total.by_action.front().pj, mf_mac, fp32_mac));
        continue;
      }
      rows.push_back(other_mac_row(mac, prices, mf_mac, fp32_mac));
    }
    for (MethodEnergy& row : alignment_rows(prices, mf_mac, fp32_mac)) {
      rows.push_back(std::move(row));
    }
    return rows;
  }
};

}  // namespace

const Accounting& operation_accounting() {
  static const OperationAccounting accounting;
  return accounting;
}

std::optional<double> per_mac(double total_pj, std::uint64_t macs) {
  return macs > 0 ? std::optional(total_pj / static_cast<double>(macs)) : std::nullopt;
}

MethodEnergy method_row(std::string_view name, std::string_view label, const EnergyReport& of,
                        std::optional<double> per_mac_pj, double total_pj,
                        const EnergyReport& mf_mac, const EnergyReport& fp32_mac) {
  MethodEnergy row = absent_row(name, label, of, "");
  row.per_mac_pj = per_mac_pj;
  row.total_pj = total_pj;
  row.reduction = reduction_of(total_pj, fp32_mac.total.total_pj());
  row.mf_mac_saves = reduction_of(mf_mac.total.total_pj(), total_pj);
  return row;
}

std::vector<MethodEnergy> alignment_rows(PriceList& prices, const EnergyReport& mf_mac,
                                         const EnergyReport& fp32_mac) {
  std::vector<MethodEnergy> rows;
  for (const Alignment& alignment : kAlignments) {
    std::string missing;
    const auto shift = prices.try_of(alignment.shift, missing);
    if (!shift) {
      rows.push_back(absent_row(alignment.name, alignment.label, mf_mac, missing));
      continue;
    }
    const double total_pj = mf_mac.total.total_pj() + charge(*shift, mf_mac.total.macs);
    rows.push_back(method_row(alignment.name, alignment.label, mf_mac,
                              per_mac(total_pj, mf_mac.total.macs), total_pj, mf_mac, fp32_mac));
  }
  return rows;
}

}  // namespace potomac::energy
