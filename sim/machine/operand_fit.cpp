#include "sim/machine/operand_fit.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "support/error.hpp"
#include "workloads/layers/gemm_shape.hpp"

namespace potomac::sim {
namespace {

// "fc.second" of "003-fc#2.second": what the model calls it, whichever of its uses.
std::string name_in_model(const std::string& layer) {
  constexpr std::string_view kDigits = "0123456789";
  const std::size_t number = layer.find_first_not_of(kDigits);
  std::string name = number != 0 && number != std::string::npos && layer[number] == '-'
                         ? layer.substr(number + 1)
                         : layer;
  const std::size_t use = name.rfind('#');
  if (use != std::string::npos) {
    const std::size_t end = std::min(name.find_first_not_of(kDigits, use + 1), name.size());
    if (end > use + 1 && (end == name.size() || name[end] == '.')) {
      name.erase(use, end - use);
    }
  }
  return name;
}

}  // namespace

bool matches_layer(const std::string& pattern, const std::string& layer) {
  return ::fnmatch(pattern.c_str(), name_in_model(layer).c_str(), 0) == 0;
}

int override_of(const PeConfig& pe, const std::string& layer, workloads::Pass pass) {
  int found = -1;
  for (std::size_t i = 0; i < pe.overrides.size(); ++i) {
    const AccumulatorOverride& one = pe.overrides[i];
    if (one.pass.value_or(pass) == pass && matches_layer(one.layer, layer)) {
      found = static_cast<int>(i);
    }
  }
  return found;
}

rtl::AccumulatorConfig accumulator_of(const PeConfig& pe, int override_number) {
  rtl::AccumulatorConfig config = pe.accumulator;
  if (override_number >= 0) {
    const AccumulatorOverride& one = pe.overrides.at(static_cast<std::size_t>(override_number));
    config.bits = one.bits.value_or(config.bits);
    config.lsb = one.lsb.value_or(config.lsb);
    config.overflow = one.overflow.value_or(config.overflow);
  }
  return config;
}

std::int64_t deepest_reduction(const workloads::LayerShape& layer, workloads::Pass pass) {
  std::int64_t deepest = 1;
  for (const workloads::GemmShape& gemm :
       workloads::gemms_of(layer, pass, {workloads::StridedBackwardData::kPhases})) {
    deepest = std::max(deepest, gemm.k);
  }
  return deepest;
}

rtl::Accumulator require_fit(const Architecture& architecture, const workloads::LayerShape& layer,
                             workloads::Pass pass, rtl::PotFormat first, rtl::PotFormat second) {
  const PeConfig& pe = architecture.pe;
  const int widest = std::max(first.bits(), second.bits());
  if (widest > pe.operand_bits) {
    throw InputError(
        {"", fmt::format("layer {}", layer.name),
         fmt::format("a {}-bit tensor does not fit pe.operand_bits {}", widest, pe.operand_bits),
         fmt::format("set pe.operand_bits to {} or more", widest)});
  }
  const int number = override_of(pe, layer.name, pass);
  const rtl::AccumulatorConfig config = accumulator_of(pe, number);
  if (config.bits > pe.accumulator.bits) {
    throw InputError({"", fmt::format("pe.accumulator.overrides[{}]", number),
                      fmt::format("{} bits are more than the PE's registers have, "
                                  "pe.accumulator.bits {}",
                                  config.bits, pe.accumulator.bits),
                      fmt::format("set pe.accumulator.bits to {} or more", config.bits)});
  }
  try {
    return rtl::resolve(config, first, second, deepest_reduction(layer, pass));
  } catch (const InputError& error) {
    Fault fault = error.fault();
    fault.place = fmt::format("layer {}, {}", layer.name, fault.place);
    throw InputError(fault);
  }
}

}  // namespace potomac::sim
