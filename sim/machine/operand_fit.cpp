#include "sim/machine/operand_fit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "support/error.hpp"

namespace potomac::sim {

rtl::Accumulator require_fit(const Architecture& architecture, const std::string& layer,
                             rtl::PotFormat first, rtl::PotFormat second) {
  const int widest = std::max(first.bits(), second.bits());
  if (widest > architecture.pe.operand_bits) {
    throw InputError({"", fmt::format("layer {}", layer),
                      fmt::format("a {}-bit tensor does not fit pe.operand_bits {}", widest,
                                  architecture.pe.operand_bits),
                      fmt::format("set pe.operand_bits to {} or more", widest)});
  }
  try {
    return rtl::resolve(architecture.pe.accumulator, first, second);
  } catch (const InputError& error) {
    Fault fault = error.fault();
    fault.place = fmt::format("layer {}, {}", layer, fault.place);
    throw InputError(fault);
  }
}

}  // namespace potomac::sim
