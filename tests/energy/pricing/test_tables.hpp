// The tables that the tests look at: the shipped ones, and a small one as text, to spoil one line
// of.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "energy/pricing/unit_energy_table.hpp"
#include "support/error.hpp"
#include "support/yaml_reader.hpp"
#include "tests/support/input_error.hpp"

namespace potomac::energy {

inline UnitEnergyTable shipped(const std::string& name) {
  return load_unit_energy_table(std::filesystem::path(POTOMAC_SOURCE_DIR "/energy/tables") /
                                (name + ".yaml"));
}

inline const std::string kSmallTable = R"(format: potomac-unit-energy
version: 1
name: small
title: A small table
unit: pJ
node: 1 nm
source: the tests
widths: {integer_add: {between: linear, outside: proportional}}
entries:
  integer_add:
    8: {value: 1, certainty: read, source: eight}
    16: {value: 3, certainty: recalled, source: sixteen}
  sign_xor: {value: 0.25, certainty: assumed, source: nobody, note: a guess}
  fp32_multiply: {value: 40, certainty: read, source: multiplier}
  fp32_add: {value: 10, certainty: read, source: adder}
)";

inline UnitEnergyTable table_of(const std::string& text) {
  return UnitEnergyTable(read_yaml_text(text, "small.yaml"));
}

// The small table with its one `from` replaced by `to`.
inline std::string small_table_with(const std::string& from, const std::string& to) {
  std::string text = kSmallTable;
  const std::size_t position = text.find(from);
  EXPECT_NE(position, std::string::npos) << "the small table has no '" << from << "'";
  return position == std::string::npos ? text : text.replace(position, from.size(), to);
}

using test::input_error_of;

}  // namespace potomac::energy
