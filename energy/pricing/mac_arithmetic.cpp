#include "energy/pricing/mac_arithmetic.hpp"

#include <algorithm>
#include <cassert>

namespace potomac::energy {
namespace {

constexpr MacOperation multiply(std::string_view entry) {
  return {"multiply", &ActionCounts::multiply, entry};
}
constexpr MacOperation kFp32Sum{"fp32_add", &ActionCounts::fp32_add, "fp32_add"};
constexpr MacOperation kIntegerSum{"accumulate", &ActionCounts::accumulate, "",
                                   AddWidth::kAccumulator};

constexpr auto kMacArithmetics = std::to_array<MacArithmetic>({
    {"fp32_mac",
     "FP32 MAC",
     {{{"fp32_multiply", &ActionCounts::fp32_multiply, "fp32_multiply"}, kFp32Sum}}},
    {"fp16_mac", "FP16 MAC, FP32 sum", {{multiply("fp16_multiply"), kFp32Sum}}},
    {"bf16_mac", "BF16 MAC, FP32 sum", {{multiply("bf16_multiply"), kFp32Sum}}},
    {"fp8_mac", "FP8 MAC, FP32 sum", {{multiply("fp8_multiply"), kFp32Sum}}},
    {"int8_mac", "INT8 MAC, INT32 sum", {{multiply("integer_multiply.8"), kIntegerSum}}},
    {"int4_mac", "INT4 MAC, INT32 sum", {{multiply("integer_multiply.4"), kIntegerSum}}},
    {"mf_mac",
     "MF-MAC",
     {{{"exponent_add", &ActionCounts::exponent_add, "", AddWidth::kExponent},
       {"sign_xor", &ActionCounts::sign_xor, "sign_xor"},
       kIntegerSum}}},
});

}  // namespace

std::span<const MacArithmetic> mac_arithmetics() {
  return kMacArithmetics;
}

const MacArithmetic& mac_arithmetic(std::string_view unit) {
  const auto* const found = std::ranges::find(kMacArithmetics, unit, &MacArithmetic::unit);
  assert(found != kMacArithmetics.end());
  return *found;
}

std::optional<double> try_mac_pj(PriceList& prices, const MacArithmetic& mac, int sum_bits,
                                 std::string& missing) {
  double sum = 0.0;
  for (const MacOperation& operation : mac.operations) {
    if (operation.action.empty()) {
      continue;
    }
    const auto price = operation.entry.empty() ? prices.try_of_integer_add(sum_bits, missing)
                                               : prices.try_of(operation.entry, missing);
    if (!price) {
      return std::nullopt;
    }
    sum += *price;
  }
  return sum;
}

}  // namespace potomac::energy
