// The inventory of registers that energy is charged for, against the registers that the SystemC
// array is made of: a waveform lists every one of them, at its width.
#include "sim/machine/array_registers.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "sim/engines/systemc/systemc_engine.hpp"
#include "tests/sim/engines/random_passes.hpp"
#include "tests/sim/engines/reference_pass.hpp"
#include "tests/support/temporary_folder.hpp"

namespace potomac::test {
namespace {

using rtl::WaveformSignal;

bool ends_with_one_of(const std::string& name, const std::vector<std::string>& ends) {
  return std::ranges::any_of(ends, [&](const std::string& end) { return name.ends_with(end); });
}

// A register's data bits: an operand, or a value as wide as the accumulator. Wires at the array's
// edges, commands, valid bits and tags are none.
bool is_register_data(const WaveformSignal& signal) {
  const auto has = [&](const char* part) { return signal.name.find(part) != std::string::npos; };
  if (has(".west_") || has(".north_") || has(".top_") || has(".command")) {
    return false;
  }
  return ends_with_one_of(signal.name, {".operand", ".accumulator", ".value"});
}

std::vector<WaveformSignal> signals_of(const sim::Architecture& architecture) {
  const ScratchFolder folder;
  std::vector<WaveformSignal> signals;
  const auto engine = sim::make_systemc_engine(sim::WaveformOptions{
      .file = folder.path() / "array.vcd", .begin = 0, .end = {}, .list = [&](const auto& list) {
        signals = list;
      }});
  const int bits = architecture.pe.operand_bits;
  workloads::Layer layer;
  layer.shape.name = "000-small";
  layer.shape.w = {4, 5};
  layer.shape.a = {3, 5};
  layer.shape.g = {3, 4};
  layer.w = random_tensor(layer.shape.w, bits, Data::kDense, 1);
  layer.a = random_tensor(layer.shape.a, bits, Data::kDense, 2);
  const TestedPass pass(architecture, layer, workloads::Pass::kForward);
  engine->run(pass.job(sim::Unit::kMfMac), {});
  return signals;
}

class ArrayRegisters
    : public testing::TestWithParam<std::tuple<sim::Dataflow, sim::Issue, sim::ArrayShape, int>> {};

std::string name_of_array(const testing::TestParamInfo<ArrayRegisters::ParamType>& info) {
  const auto& [dataflow, issue, array, bits] = info.param;
  return fmt::format("{}_{}_{}x{}_{}_bits", name_of(dataflow), name_of(issue), array.rows,
                     array.cols, bits);
}

TEST_P(ArrayRegisters, AreThoseOfTheSystemCArray) {
  sim::Architecture architecture;
  std::tie(architecture.dataflow, architecture.issue, architecture.array,
           architecture.pe.operand_bits) = GetParam();
  architecture.pe.accumulator.bits = 41;
  // Wired lowest bits, and such as the first operand carries.
  for (const rtl::Lsb lsb : {rtl::Lsb(), rtl::Lsb(-3), rtl::Lsb::automatic()}) {
    architecture.pe.accumulator.lsb = lsb;
    std::uint64_t bits = 0;
    for (const WaveformSignal& signal : signals_of(architecture)) {
      bits += is_register_data(signal) ? static_cast<std::uint64_t>(signal.bits) : 0;
    }
    const sim::Machine machine = sim::machines_of(architecture, {}).front();
    EXPECT_EQ(bits, sim::register_bits(machine, architecture));
  }
}

TEST(AlignedBits, AreThoseThatTheRangeNeeds) {
  sim::PeConfig pe;  // exponents of -7 to 7 in 4 bits
  EXPECT_EQ(sim::aligned_bits(pe), 0);
  pe.accumulator.lsb = 4;
  pe.overrides = {{.layer = "a", .lsb = 4}, {.layer = "b", .bits = 20}};
  EXPECT_EQ(sim::aligned_bits(pe), 0);  // 4 everywhere is wired
  pe.accumulator.lsb = rtl::Lsb::automatic();
  EXPECT_EQ(sim::aligned_bits(pe), 2);  // -7 - 14 to 7 + 14
  pe.accumulator.lsb = 0;
  EXPECT_EQ(sim::aligned_bits(pe), 1);  // -7 - 4 to 7
  pe.overrides = {{.lsb = 1}};
  EXPECT_EQ(sim::aligned_bits(pe), 1);  // -8 is the pattern of zero
  pe.overrides = {{.lsb = -1}};
  EXPECT_EQ(sim::aligned_bits(pe), 1);  // 8 does not fit
}

INSTANTIATE_TEST_SUITE_P(
    EveryArray, ArrayRegisters,
    testing::Combine(
        testing::Values(sim::Dataflow::kOutputStationary, sim::Dataflow::kWeightStationary,
                        sim::Dataflow::kInputStationary),
        testing::Values(sim::Issue::kSerial, sim::Issue::kPipelined),
        testing::Values(sim::ArrayShape{1, 1}, sim::ArrayShape{3, 5}, sim::ArrayShape{4, 2}),
        testing::Values(4, 5)),
    &name_of_array);

}  // namespace
}  // namespace potomac::test
