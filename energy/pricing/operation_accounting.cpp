#include "energy/pricing/operation_accounting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>
#include <utility>

#include "energy/pricing/price_list.hpp"

namespace potomac::energy {
namespace {

// The arithmetic of one MAC. Names, prices, counts and machines stay in step by this order.
enum Operation : std::size_t { kExponentAdd, kSignXor, kAccumulate, kFp32Multiply, kFp32Add };

struct OperationInfo {
  std::string_view action;
  Count ActionCounts::*fired;
  bool of_mf_mac;  // else of the FP32 machine
};

constexpr std::array<OperationInfo, 5> kOperations = {{
    {"exponent_add", &ActionCounts::exponent_add, true},
    {"sign_xor", &ActionCounts::sign_xor, true},
    {"accumulate", &ActionCounts::accumulate, true},
    {"fp32_multiply", &ActionCounts::fp32_multiply, false},
    {"fp32_add", &ActionCounts::fp32_add, false},
}};

using MacPrices = std::array<double, kOperations.size()>;  // pJ per operation

double charge(double unit_pj, std::uint64_t operations) {
  return unit_pj * static_cast<double>(operations);
}

void set_reductions(Comparison& comparison) {
  comparison.reduction = reduction_of(comparison.mf_mac_pj, comparison.fp32_mac_pj);
  comparison.reduction_vs_multiplier =
      reduction_of(comparison.mf_mac_pj, comparison.fp32_multiplier_pj);
}

Comparison compare(const MacPrices& prices, std::uint64_t macs, std::uint64_t baseline_macs) {
  Comparison comparison;
  comparison.macs = macs;
  comparison.baseline_macs = baseline_macs;
  for (std::size_t operation = 0; operation < kOperations.size(); ++operation) {
    if (kOperations[operation].of_mf_mac) {
      comparison.mf_mac_pj += charge(prices[operation], macs);
    } else {
      comparison.fp32_mac_pj += charge(prices[operation], baseline_macs);
    }
  }
  comparison.fp32_multiplier_pj = charge(prices[kFp32Multiply], baseline_macs);
  set_reductions(comparison);
  return comparison;
}

void add(Comparison& sum, const Comparison& part) {
  sum.macs += part.macs;
  sum.baseline_macs += part.baseline_macs;
  sum.mf_mac_pj += part.mf_mac_pj;
  sum.fp32_mac_pj += part.fp32_mac_pj;
  sum.fp32_multiplier_pj += part.fp32_multiplier_pj;
  set_reductions(sum);
}

// A row over no work yet.
EnergyRow empty_row(std::string layer, std::string pass) {
  EnergyRow row;
  row.layer = std::move(layer);
  row.pass = std::move(pass);
  for (const OperationInfo& operation : kOperations) {
    row.by_action.emplace_back().action = operation.action;
  }
  return row;
}

void add(EnergyRow& sum, const EnergyRow& part) {
  add(sum.every_mac, part.every_mac);
  if (sum.zeros_gated && part.zeros_gated) {
    add(*sum.zeros_gated, *part.zeros_gated);
  } else {
    sum.zeros_gated.reset();
  }
  for (std::size_t action = 0; action < sum.by_action.size(); ++action) {
    sum.by_action[action].charged += part.by_action[action].charged;
    sum.by_action[action].fired += part.by_action[action].fired;
    sum.by_action[action].mf_mac_pj += part.by_action[action].mf_mac_pj;
    sum.by_action[action].fp32_mac_pj += part.by_action[action].fp32_mac_pj;
  }
}

EnergyRow price_gemm(const GemmActivity& gemm, const MacPrices& prices) {
  EnergyRow row = empty_row(gemm.layer, gemm.pass);
  row.every_mac = compare(prices, gemm.macs, gemm.baseline_macs);
  if (gemm.zero_operand_macs.known()) {
    const std::uint64_t zeros = gemm.zero_operand_macs.value();
    row.zeros_gated = compare(prices, gemm.macs - zeros,
                              gemm.baseline_macs - std::min(zeros, gemm.baseline_macs));
  } else {
    row.zeros_gated.reset();
  }
  for (std::size_t operation = 0; operation < kOperations.size(); ++operation) {
    const OperationInfo& info = kOperations[operation];
    ActionEnergy& action = row.by_action[operation];
    action.charged = info.of_mf_mac ? gemm.macs : gemm.baseline_macs;
    action.fired = (info.of_mf_mac ? gemm.mf_mac : gemm.fp32_mac).*info.fired;
    (info.of_mf_mac ? action.mf_mac_pj : action.fp32_mac_pj) =
        charge(prices[operation], action.charged);
  }
  return row;
}

// The row of `rows` whose `name` member is `value`, made if there is none yet. A network has some
// hundreds of layers at most, so a linear search does.
EnergyRow& row_named(std::vector<EnergyRow>& rows, std::string EnergyRow::*name,
                     const std::string& value) {
  const auto found = std::ranges::find(rows, value, name);
  if (found != rows.end()) {
    return *found;
  }
  rows.push_back(empty_row("", ""));
  rows.back().*name = value;
  return rows.back();
}

// A MAC of another kind: a multiplication and the addition that training would accumulate it by.
// Narrow floats are summed in binary32, integers in 32 bits, whatever MF-MAC's accumulator is.
struct OtherMac {
  std::string_view name;
  std::string_view label;
  std::string_view multiply;
  bool float_sum;  // else of 32-bit integers
};
constexpr int kIntegerSumBits = 32;
constexpr std::array<OtherMac, 5> kOtherMacs = {{
    {"fp16_mac", "FP16 MAC, FP32 sum", "fp16_multiply", true},
    {"bf16_mac", "BF16 MAC, FP32 sum", "bf16_multiply", true},
    {"fp8_mac", "FP8 MAC, FP32 sum", "fp8_multiply", true},
    {"int8_mac", "INT8 MAC, INT32 sum", "integer_multiply.8", false},
    {"int4_mac", "INT4 MAC, INT32 sum", "integer_multiply.4", false},
}};

// MF-MAC with a shifter behind its adder. None of the shifts is a PoT product's own: the paper
// lists them for other methods.
struct Alignment {
  std::string_view name;
  std::string_view label;
  std::string_view shift;
};
constexpr std::array<Alignment, 2> kAlignments = {{
    {"mf_mac_shift_int4_3", "MF-MAC + shift INT4-3", "shift_int4_3"},
    {"mf_mac_shift_int32_4", "MF-MAC + shift INT32-4", "shift_int32_4"},
}};

std::optional<double> mean_of(double total_pj, std::uint64_t macs) {
  return macs > 0 ? std::optional(total_pj / static_cast<double>(macs)) : std::nullopt;
}

MethodEnergy method_row(std::string_view name, std::string_view label,
                        std::optional<double> per_mac_pj, double total_pj,
                        const Comparison& total) {
  return {.name = name,
          .label = label,
          .missing_entry = "",
          .per_mac_pj = per_mac_pj,
          .total_pj = total_pj,
          .reduction = reduction_of(total_pj, total.fp32_mac_pj),
          .mf_mac_saves = reduction_of(total.mf_mac_pj, total_pj)};
}

MethodEnergy absent_row(std::string_view name, std::string_view label, std::string missing) {
  MethodEnergy absent;
  absent.name = name;
  absent.label = label;
  absent.missing_entry = std::move(missing);
  return absent;
}

MethodEnergy other_mac_row(const OtherMac& mac, PriceList& prices, const Comparison& total) {
  std::string missing;
  const auto multiply = prices.try_of(std::string(mac.multiply), missing);
  if (multiply) {
    const auto add = mac.float_sum ? prices.try_of("fp32_add", missing)
                                   : prices.try_of_integer_add(kIntegerSumBits, missing);
    if (add) {
      const double per_mac_pj = *multiply + *add;
      return method_row(mac.name, mac.label, per_mac_pj, charge(per_mac_pj, total.baseline_macs),
                        total);
    }
  }
  return absent_row(mac.name, mac.label, missing);
}

MethodEnergy alignment_row(const Alignment& alignment, PriceList& prices, const Comparison& total) {
  std::string missing;
  const auto shift = prices.try_of(std::string(alignment.shift), missing);
  if (!shift) {
    return absent_row(alignment.name, alignment.label, missing);
  }
  const double total_pj = total.mf_mac_pj + charge(*shift, total.macs);
  return method_row(alignment.name, alignment.label, mean_of(total_pj, total.macs), total_pj,
                    total);
}

std::vector<MethodEnergy> compare_methods(const Comparison& total, double fp32_mac_per_mac_pj,
                                          double fp32_multiplier_per_mac_pj, PriceList& prices) {
  std::vector<MethodEnergy> rows = {
      method_row("fp32_mac", "FP32 MAC", fp32_mac_per_mac_pj, total.fp32_mac_pj, total),
      method_row("fp32_multiplier", "FP32 multiplier alone", fp32_multiplier_per_mac_pj,
                 total.fp32_multiplier_pj, total)};
  for (const OtherMac& mac : kOtherMacs) {
    rows.push_back(other_mac_row(mac, prices, total));
  }
  rows.push_back(
      method_row("mf_mac", "MF-MAC", mean_of(total.mf_mac_pj, total.macs), total.mf_mac_pj, total));
  for (const Alignment& alignment : kAlignments) {
    rows.push_back(alignment_row(alignment, prices, total));
  }
  return rows;
}

}  // namespace

OperationEnergy price_operations(const UnitEnergyTable& table,
                                 std::span<const GemmActivity> gemms) {
  OperationEnergy energy;
  energy.table = table.name();
  energy.unit = table.unit();
  energy.node = table.node();
  energy.total = empty_row("", "");

  PriceList list(table);
  MacPrices prices{};
  prices[kSignXor] = list.of("sign_xor");
  prices[kFp32Multiply] = list.of("fp32_multiply");
  prices[kFp32Add] = list.of("fp32_add");
  for (const GemmActivity& gemm : gemms) {
    if (gemm.zero_operand_macs.known() && gemm.zero_operand_macs.value() > gemm.macs) {
      throw std::invalid_argument(fmt::format("{} {}: {} MACs with a zero operand among {} MACs",
                                              gemm.layer, gemm.pass, gemm.zero_operand_macs.value(),
                                              gemm.macs));
    }
    prices[kExponentAdd] = list.of_integer_add(gemm.exponent_bits);
    prices[kAccumulate] = list.of_integer_add(gemm.accumulator_bits);
    energy.by_gemm.push_back(price_gemm(gemm, prices));
    const EnergyRow& row = energy.by_gemm.back();
    add(energy.total, row);
    add(row_named(energy.by_layer, &EnergyRow::layer, gemm.layer), row);
    add(row_named(energy.by_pass, &EnergyRow::pass, gemm.pass), row);
  }

  energy.methods = compare_methods(energy.total.every_mac, prices[kFp32Multiply] + prices[kFp32Add],
                                   prices[kFp32Multiply], list);
  energy.unit_energies = list.take_used();
  return energy;
}

}  // namespace potomac::energy
