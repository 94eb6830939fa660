// Actions: the countable energy events of a machine. An engine fills an ActionCounts once; any
// number of unit-energy tables price it afterwards. Names, units and meanings stand in one table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "support/count.hpp"

namespace potomac::energy {

// Counts of one machine (an array of PEs that hold one unit) over some work.
// A count that a machine does not have stays 0; one that an engine cannot tell is unknown.
struct ActionCounts {
  Count exponent_add;
  Count sign_xor;
  Count accumulate;
  Count multiply;
  Count fp32_multiply;
  Count fp32_add;
  Count gated_mac;
  Count overflow;
  Count overflowed_result;
  Count dropped_product;
  Count operand_register_write;
  Count skew_register_write;
  Count aligned_register_write;
  Count accumulator_write;
  Count psum_register_write;
  Count drain_hop;
  Count idle_edge_pe_cycle;
  Count idle_fill_pe_cycle;
  Count idle_preload_pe_cycle;
  Count idle_drain_pe_cycle;
  Count idle_stall_pe_cycle;

  // What the same work, done so often, adds.
  ActionCounts& add(const ActionCounts& other, std::uint64_t times);
  friend bool operator==(const ActionCounts&, const ActionCounts&) = default;
};

struct ActionInfo {
  std::string_view name;  // as in report.json, layers.csv and the energy tables
  std::string_view unit;
  std::string_view description;
  Count ActionCounts::*member;
};

inline constexpr auto kActions = std::to_array<ActionInfo>({
    {"exponent_add", "operation", "integer addition of two operand exponents",
     &ActionCounts::exponent_add},
    {"sign_xor", "operation", "XOR of two operand signs", &ActionCounts::sign_xor},
    {"accumulate", "operation", "integer addition of a product to an accumulator or partial sum",
     &ActionCounts::accumulate},
    {"multiply", "operation", "multiplication of two narrow operands, of 16, 8 or 4 bits",
     &ActionCounts::multiply},
    {"fp32_multiply", "operation", "binary32 multiplication", &ActionCounts::fp32_multiply},
    {"fp32_add", "operation", "binary32 addition to the accumulator", &ActionCounts::fp32_add},
    {"gated_mac", "operation", "MAC slot in which a zero operand fired no arithmetic",
     &ActionCounts::gated_mac},
    {"overflow", "event",
     "accumulation whose sum left the accumulator's range (wrapped or saturated)",
     &ActionCounts::overflow},
    {"overflowed_result", "event",
     "result whose exact sum lies outside of the accumulator's range (wrapping), or that was "
     "clamped on its way (saturating)",
     &ActionCounts::overflowed_result},
    {"dropped_product", "event", "product below the accumulator's lowest bit, not accumulated",
     &ActionCounts::dropped_product},
    {"operand_register_write", "write", "a PE's operand register takes a valid operand",
     &ActionCounts::operand_register_write},
    {"skew_register_write", "write", "a skew register at the array's edge takes a valid operand",
     &ActionCounts::skew_register_write},
    {"aligned_register_write", "write",
     "of these two: a register of the first operand's, which is wider as it carries the exponent "
     "less the accumulator's lowest bit (lsb auto, overrides)",
     &ActionCounts::aligned_register_write},
    {"accumulator_write", "write", "an accumulator takes a value (os)",
     &ActionCounts::accumulator_write},
    {"psum_register_write", "write", "a partial-sum register takes a sum on its way down (ws, is)",
     &ActionCounts::psum_register_write},
    {"drain_hop", "write", "a shadow register takes a result on its way out (os)",
     &ActionCounts::drain_hop},
    {"idle_edge_pe_cycle", "cycle", "cycle of a PE that its fold does not use",
     &ActionCounts::idle_edge_pe_cycle},
    {"idle_fill_pe_cycle", "cycle",
     "cycle of a PE that its fold uses, without a MAC slot: operands are still on their way, or "
     "have passed",
     &ActionCounts::idle_fill_pe_cycle},
    {"idle_preload_pe_cycle", "cycle", "cycle of a PE while a stationary tile is loaded (ws, is)",
     &ActionCounts::idle_preload_pe_cycle},
    {"idle_drain_pe_cycle", "cycle", "cycle of a PE while the pass's last results leave",
     &ActionCounts::idle_drain_pe_cycle},
    {"idle_stall_pe_cycle", "cycle", "cycle of a PE while the array waits for memory",
     &ActionCounts::idle_stall_pe_cycle},
});

// Why a PE has no MAC slot in a cycle. With the MACs, these are all PE cycles.
struct IdleCause {
  std::string_view name;
  Count ActionCounts::*member;
};
inline constexpr std::array<IdleCause, 5> kIdleCauses = {{
    {"edge", &ActionCounts::idle_edge_pe_cycle},
    {"fill", &ActionCounts::idle_fill_pe_cycle},
    {"preload", &ActionCounts::idle_preload_pe_cycle},
    {"drain", &ActionCounts::idle_drain_pe_cycle},
    {"stall", &ActionCounts::idle_stall_pe_cycle},
}};

inline ActionCounts& ActionCounts::add(const ActionCounts& other, std::uint64_t times) {
  for (const ActionInfo& action : kActions) {
    this->*action.member += other.*action.member * times;
  }
  return *this;
}

}  // namespace potomac::energy
