// The architecture file: defaults, every key, and what is said of every fault.
#include "sim/machine/architecture.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

#include "sim/machine/architecture_file.hpp"
#include "sim/machine/architecture_keys.hpp"
#include "sim/machine/operand_fit.hpp"
#include "support/error.hpp"
#include "tests/support/temporary_folder.hpp"

namespace potomac::sim {
namespace {

using testing::HasSubstr;

Architecture parse(const std::string& text) {
  return parse_architecture(read_yaml_text(text, "machine.yaml"));
}

// The message of the refusal; empty if the text is accepted.
std::string refusal(const std::string& text) {
  try {
    parse(text);
    return "";
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(Architecture, DefaultsAreA16x16ArrayOfFiveBitPes) {
  const Architecture architecture = parse("array: {}");
  EXPECT_EQ(architecture, Architecture{});
  EXPECT_EQ(architecture.array, (ArrayShape{16, 16}));
  EXPECT_EQ(architecture.dataflow, Dataflow::kOutputStationary);
  EXPECT_EQ(architecture.issue, Issue::kSerial);
  EXPECT_EQ(architecture.pe.operand_bits, 5);
  EXPECT_EQ(architecture.pe.accumulator.bits, 32);
  EXPECT_TRUE(architecture.pe.accumulator.lsb.is_exact());
  EXPECT_EQ(architecture.pe.accumulator.overflow, rtl::Overflow::kWrap);
  EXPECT_TRUE(architecture.pe.zero_gating);
  EXPECT_FALSE(architecture.baseline.zero_gating);
  EXPECT_EQ(architecture.clock_mhz, 500.0);
}

TEST(Architecture, EveryKeyIsRead) {
  const Architecture architecture = parse(R"(
array: {rows: 8, cols: 4096, dataflow: os, issue: serial}
pe:
  operand_bits: 6
  accumulator: {bits: 48, lsb: -4, overflow: saturate}
  zero_gating: false
baseline: {zero_gating: true}
clock_mhz: 940.5
)");
  Architecture expected;
  expected.array = {8, 4096};
  expected.pe = {6, {48, -4, rtl::Overflow::kSaturate}, {}, false};
  expected.baseline.zero_gating = true;
  expected.clock_mhz = 940.5;
  EXPECT_EQ(architecture, expected);
  EXPECT_EQ(parse("pe: {accumulator: {lsb: exact, overflow: wrap}}"), Architecture{});
}

TEST(Architecture, UnknownKeysAreRefusedAtEveryLevelWithLineAndKey) {
  struct Case {
    std::string text;
    std::string line;
    std::string key;
    std::string known;
  };
  const std::vector<Case> cases = {
      {"clock_mhz: 500\narrays: {rows: 2}", "line 2", "arrays",
       "array, pe, baseline, lowering, memory, clock_mhz"},
      {"array:\n  rows: 2\n  columns: 2", "line 3", "array.columns", "rows, cols, dataflow, issue"},
      {"pe:\n  bits: 5", "line 2", "pe.bits", "operand_bits, accumulator, zero_gating"},
      {"pe:\n  accumulator:\n\n    width: 32", "line 4", "pe.accumulator.width",
       "bits, lsb, overflow"},
      {"baseline: {gating: true}", "line 1", "baseline.gating", "zero_gating"},
  };
  for (const Case& one : cases) {
    const std::string message = refusal(one.text);
    EXPECT_THAT(message, HasSubstr("machine.yaml: " + one.line + ", key '" + one.key + "'"));
    EXPECT_THAT(message, HasSubstr("is not a known key"));
    EXPECT_THAT(message, HasSubstr(one.known));
  }
}

TEST(Architecture, SizesAreRefusedJustOutsideOfTheirRanges) {
  const auto array = [](const std::string& rows, const std::string& cols) {
    return "array: {rows: " + rows + ", cols: " + cols + "}";
  };
  EXPECT_EQ(refusal(array("1", "1")), "");
  EXPECT_EQ(refusal(array("4096", "4096")), "");
  for (const std::string size : {"0", "-1", "4097", "1000000000000", "99999999999999999999"}) {
    EXPECT_THAT(refusal(array(size, "16")), HasSubstr("key 'array.rows'"));
    EXPECT_THAT(refusal(array("16", size)), HasSubstr("key 'array.cols'"));
    EXPECT_THAT(refusal(array("16", size)), HasSubstr("from 1 to 4096"));
  }
  for (const int bits : {3, 8}) {
    EXPECT_EQ(refusal("pe: {operand_bits: " + std::to_string(bits) + "}"), "");
  }
  for (const int bits : {2, 9}) {
    EXPECT_THAT(refusal("pe: {operand_bits: " + std::to_string(bits) + "}"),
                HasSubstr("key 'pe.operand_bits'"));
  }
  for (const int bits : {8, 64}) {
    EXPECT_EQ(refusal("pe: {accumulator: {bits: " + std::to_string(bits) + "}}"), "");
  }
  for (const int bits : {7, 65}) {
    EXPECT_THAT(refusal("pe: {accumulator: {bits: " + std::to_string(bits) + "}}"),
                HasSubstr("from 8 to 64"));
  }
  for (const int lsb : {-256, 256}) {
    EXPECT_EQ(refusal("pe: {accumulator: {lsb: " + std::to_string(lsb) + "}}"), "");
  }
  for (const int lsb : {-257, 257}) {
    EXPECT_THAT(refusal("pe: {accumulator: {lsb: " + std::to_string(lsb) + "}}"),
                HasSubstr("key 'pe.accumulator.lsb'"));
  }
  EXPECT_EQ(refusal("clock_mhz: 0.001"), "");
  for (const std::string clock : {"0", "-5", "100001", "nan", "inf"}) {
    EXPECT_THAT(refusal("clock_mhz: " + clock), HasSubstr("key 'clock_mhz'")) << clock;
  }
}

TEST(Architecture, WrongTypesAreRefused) {
  for (const std::string text :
       {"array: 16", "array: [16, 16]", "array: {rows: many}", "array: {rows: 1.5}",
        "array: {rows: [1]}", "array: {rows: }", "array: {dataflow: rs}", "array: {dataflow: 1}",
        "array: {issue: pipeline}", "pe: {zero_gating: 1}", "pe: {zero_gating: maybe}",
        "pe: {accumulator: 32}", "pe: {accumulator: {lsb: lowest}}",
        "pe: {accumulator: {overflow: clamp}}", "baseline: true", "clock_mhz: fast",
        "clock_mhz: 500 MHz", "[array]", "text"}) {
    EXPECT_THAT(refusal(text), HasSubstr("machine.yaml: line 1")) << text;
  }
  EXPECT_THAT(refusal("array: {dataflow: zz}"), HasSubstr("use one of: os"));
  EXPECT_THAT(refusal("pe: {accumulator: {overflow: clamp}}"), HasSubstr("wrap, saturate"));
}

TEST(Architecture, AKeyGivenTwiceIsRefused) {
  EXPECT_THAT(refusal("array: {rows: 1, rows: 2}"), HasSubstr("array.rows"));
  EXPECT_THAT(refusal("clock_mhz: 1\nclock_mhz: 2"), HasSubstr("line 2"));
}

// --- the table of keys ---------------------------------------------------------------------------

std::string documentation() {
  std::ifstream stream(POTOMAC_SOURCE_DIR "/docs/architecture-file.md");
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

TEST(ArchitectureKeys, TheDocumentationsExampleIsEveryDefault) {
  const std::string text = documentation();
  const std::size_t begin = text.find('\n', text.find("```yaml machine.yaml")) + 1;
  const std::string example = text.substr(begin, text.find("```", begin) - begin);
  EXPECT_EQ(parse(example), Architecture{});
  for (const ArchitectureKey& key : architecture_keys()) {
    if (!is_there(key.get(Architecture{}))) {
      continue;
    }
    const std::string word(key.name.substr(key.name.rfind('.') + 1));
    EXPECT_THAT(example, HasSubstr(word + ":"));
  }
}

TEST(ArchitectureKeys, WhatAKeyGetsCanBeSetAgain) {
  Architecture machine = parse(
      "{array: {rows: 3, cols: 5}, pe: {operand_bits: 7, accumulator: {bits: 40, lsb: -3, "
      "overflow: saturate}, zero_gating: false}, baseline: {zero_gating: true}, clock_mhz: 2.5, "
      "memory: {first: {kib: 3, word_bits: 17}, results: {double_buffered: false}, "
      "dram: {latency_ns: 3}}}");
  Architecture copy;
  for (const ArchitectureKey& key : architecture_keys()) {
    if (is_there(key.get(machine))) {
      key.set(copy, key.get(machine));
    }
  }
  EXPECT_EQ(copy, machine);
}

template <typename Change>
MemoryConfig with(const Change& change) {
  MemoryConfig memory;
  change(memory);
  return memory;
}

TEST(ArchitectureKeys, AMemoryIsThereWhereItIsNamed) {
  EXPECT_FALSE(parse("{array: {rows: 4}}").memory.has_value());
  EXPECT_EQ(parse("{memory: {}}").memory, MemoryConfig{});
  EXPECT_EQ(parse("{memory: {first: {kib: 8}}}").memory,
            with([](MemoryConfig& m) { m.first.kib = 8; }));
  EXPECT_EQ(parse("{memory: {dram: ideal}}").memory, MemoryConfig{});
  EXPECT_EQ(parse("{memory: {dram: {}}}").memory, with([](MemoryConfig& m) { m.dram.emplace(); }));
  EXPECT_EQ(parse("{memory: {dram: {bandwidth_gb_s: 12.5, latency_ns: 0}}}").memory,
            with([](MemoryConfig& m) {
              m.dram = {12.5, 0.0};
            }));
  Architecture machine;
  set_key(machine, "memory.dram.bandwidth_gb_s=1");
  EXPECT_EQ(machine.memory, with([](MemoryConfig& m) { m.dram = {1.0, DramConfig{}.latency_ns}; }));
  set_key(machine, "memory.dram=ideal");
  EXPECT_EQ(machine.memory, MemoryConfig{});
  for (const std::string text : {"{memory: {}}", "{memory: {dram: {latency_ns: 7}}}"}) {
    EXPECT_EQ(parse(architecture_text(parse(text))), parse(text));
  }
}

TEST(ArchitectureKeys, AMemoryThatCannotBeIsRefused) {
  for (const std::string text :
       {"{memory: {dram: {bandwidth_gb_s: 0}}}", "{memory: {dram: fast}}",
        "{memory: {first: {kib: 0}}}", "{memory: {third: {kib: 1}}}", "{memory: 3}",
        "{memory: {second: {word_bits: 0}}}", "{memory: {dram: {latency_ns: -1}}}"}) {
    EXPECT_THROW(parse(text), InputError) << text;
  }
}

TEST(SetKey, SetsOneKeyFromText) {
  Architecture machine;
  set_key(machine, "array.rows=32");
  set_key(machine, "pe.accumulator.lsb=-4");
  set_key(machine, "pe.zero_gating=false");
  EXPECT_EQ(machine.array.rows, 32);
  EXPECT_EQ(machine.pe.accumulator.lsb, -4);
  EXPECT_FALSE(machine.pe.zero_gating);
  set_key(machine, "pe.accumulator.lsb=exact");
  EXPECT_TRUE(machine.pe.accumulator.lsb.is_exact());
}

TEST(SetKey, RefusesWhatItCannotSet) {
  const auto message = [](const std::string& assignment) -> std::string {
    Architecture machine;
    try {
      set_key(machine, assignment);
      return "";
    } catch (const InputError& error) {
      EXPECT_EQ(machine, Architecture{});
      return error.what();
    }
  };
  EXPECT_THAT(message("array.rows"), HasSubstr("is not KEY=VALUE"));
  EXPECT_THAT(message("array.rows=0"), HasSubstr("--set: key 'array.rows': '0' is not"));
  EXPECT_THAT(message("array.rows="), HasSubstr("array.rows"));
  EXPECT_THAT(message("array.rowz=8"),
              HasSubstr("is no key of an architecture; did you mean 'array.rows'? use array.rows"));
  EXPECT_THAT(message("array=8"), HasSubstr("is no key"));
  EXPECT_THAT(message("=8"), HasSubstr("is no key"));
}

class ArchitectureFile : public TemporaryFolder {};

TEST_F(ArchitectureFile, IsReadFromDisk) {
  put("machine.yaml", "array: {rows: 3, cols: 5}\n");
  EXPECT_EQ(load_architecture(path("machine.yaml")).array, (ArrayShape{3, 5}));
}

TEST_F(ArchitectureFile, FaultsNameTheFile) {
  put("broken.yaml", "array: {rows: 3\n");
  put("empty.yaml", "");
  put("wrong.yaml", "\n\narray: {rows: 0}\n");
  const auto message = [this](const std::string& name) -> std::string {
    try {
      load_architecture(path(name));
      return "";
    } catch (const InputError& error) {
      return error.what();
    }
  };
  EXPECT_THAT(message("absent.yaml"), HasSubstr(path("absent.yaml").string()));
  EXPECT_THAT(message("absent.yaml"), HasSubstr("cannot be read"));
  EXPECT_THAT(message("broken.yaml"), HasSubstr(path("broken.yaml").string()));
  EXPECT_THAT(message("empty.yaml"), HasSubstr("is empty"));
  EXPECT_THAT(message("wrong.yaml"),
              HasSubstr(path("wrong.yaml").string() + ": line 3, key 'array.rows'"));
}

// --- does a GEMM fit the PE ----------------------------------------------------------------------

workloads::LayerShape linear_of_depth(std::int64_t depth) {
  workloads::LayerShape layer;
  layer.name = "003-fc";
  layer.w = {4, depth};
  layer.a = {2, depth};
  layer.g = {2, 4};
  return layer;
}

std::string misfit(const Architecture& architecture, int first, int second,
                   std::int64_t depth = 8) {
  try {
    require_fit(architecture, linear_of_depth(depth), workloads::Pass::kForward,
                rtl::PotFormat(first), rtl::PotFormat(second));
    return "";
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(RequireFit, TheWiderTensorMustFitThePe) {
  Architecture architecture;
  EXPECT_EQ(misfit(architecture, 5, 5), "");
  EXPECT_EQ(misfit(architecture, 3, 5), "");
  for (const std::string& message : {misfit(architecture, 6, 5), misfit(architecture, 5, 6)}) {
    EXPECT_EQ(message,
              "layer 003-fc: a 6-bit tensor does not fit pe.operand_bits 5; set pe.operand_bits to "
              "6 or more");
  }
  architecture.pe.operand_bits = 6;
  architecture.pe.accumulator.bits = 46;
  EXPECT_EQ(misfit(architecture, 6, 5), "");
}

TEST(RequireFit, TheAccumulatorMustHoldOneLargestProduct) {
  Architecture architecture;
  architecture.pe.operand_bits = 6;
  // Exact for 6 and 5 bits: products of 2^-22 .. 2^22, bit 44 the top one, and two bits more.
  architecture.pe.accumulator.bits = 45;
  EXPECT_EQ(misfit(architecture, 6, 5),
            "layer 003-fc, pe.accumulator: 45 bits with lsb -22 cannot hold 2^22, the largest "
            "product of a 6-bit and a 5-bit code; set pe.accumulator.bits to 46 or more, or "
            "pe.accumulator.lsb to -21 or more");
  architecture.pe.accumulator.lsb = -21;
  EXPECT_EQ(misfit(architecture, 6, 5), "");
}

TEST(RequireFit, ExactFollowsTheTensorsNotThePe) {
  Architecture architecture;
  architecture.pe.operand_bits = 8;
  const rtl::Accumulator accumulator =
      require_fit(architecture, linear_of_depth(8), workloads::Pass::kForward, rtl::PotFormat(5),
                  rtl::PotFormat(4));
  EXPECT_EQ(accumulator, (rtl::Accumulator{32, -10, rtl::Overflow::kWrap}));
}

TEST(RequireFit, AutoFollowsTheDeepestReduction) {
  Architecture architecture;
  set_key(architecture, "pe.accumulator.lsb=auto");
  const auto lsb = [&](std::int64_t depth, workloads::Pass pass) {
    return require_fit(architecture, linear_of_depth(depth), pass, rtl::PotFormat(5),
                       rtl::PotFormat(5))
        .lsb;
  };
  architecture.pe.accumulator.bits = 20;
  EXPECT_EQ(lsb(1023, workloads::Pass::kForward), 14 + 10 - 20 + 1);
  EXPECT_EQ(lsb(1024, workloads::Pass::kForward), 14 + 11 - 20 + 1);
  EXPECT_EQ(lsb(1024, workloads::Pass::kBackwardData), 14 + 3 - 20 + 1);    // over 4 outputs
  EXPECT_EQ(lsb(1024, workloads::Pass::kBackwardWeight), 14 + 2 - 20 + 1);  // over 2 rows
  architecture.pe.accumulator.bits = 48;
  EXPECT_EQ(lsb(1024, workloads::Pass::kForward), -14);  // never below exact
  architecture.pe.accumulator.bits = 11;
  EXPECT_EQ(misfit(architecture, 5, 5, 1024),
            "layer 003-fc, pe.accumulator: 11 bits with lsb auto cannot hold 1024 products of up "
            "to 2^14; set pe.accumulator.bits to 12 or more, or a lsb");
  architecture.pe.accumulator.bits = 12;
  EXPECT_EQ(misfit(architecture, 5, 5, 1024), "");
}

TEST(RequireFit, TheLastOverrideThatMatchesChangesWhatItSays) {
  Architecture architecture;
  set_key(architecture,
          "pe.accumulator.overrides=[{layer: fc, lsb: -4, overflow: saturate}, "
          "{pass: forward, bits: 24, lsb: 0}, {layer: '0*', bits: 8}]");
  const auto fit = [&](workloads::Pass pass) {
    return require_fit(architecture, linear_of_depth(8), pass, rtl::PotFormat(5),
                       rtl::PotFormat(5));
  };
  EXPECT_EQ(fit(workloads::Pass::kForward), (rtl::Accumulator{24, 0, rtl::Overflow::kWrap}));
  EXPECT_EQ(fit(workloads::Pass::kBackwardData),
            (rtl::Accumulator{32, -4, rtl::Overflow::kSaturate}));
  // Names are the model's.
  for (const std::string& name : {std::string("fc"), std::string("12-fc"), std::string("003-fc#2"),
                                  std::string("003-fc.second"), std::string("3-fc#12.second")}) {
    workloads::LayerShape layer = linear_of_depth(8);
    layer.name = name;
    EXPECT_EQ(override_of(architecture.pe, name, workloads::Pass::kBackwardData),
              name.ends_with("second") ? -1 : 0)
        << name;
  }
  // What is written is read again.
  const std::string text = architecture_text(architecture);
  EXPECT_EQ(parse_architecture(read_yaml_text(text, "again")), architecture) << text;
  architecture.pe.accumulator.bits = 20;
  EXPECT_EQ(misfit(architecture, 5, 5),
            "pe.accumulator.overrides[1]: 24 bits are more than the PE's registers have, "
            "pe.accumulator.bits 20; set pe.accumulator.bits to 24 or more");
  set_key(architecture, "pe.accumulator.overrides=[]");
  EXPECT_TRUE(architecture.pe.overrides.empty());
}

TEST(AccumulatorOverrides, AreAListOfMaps) {
  const auto of = [](const std::string& list) {
    return refusal("pe: {accumulator: {overrides: " + list + "}}");
  };
  EXPECT_EQ(of("[{layer: '*', lsb: auto}, {pass: forward, bits: 20}]"), "");
  EXPECT_THAT(of("[{layer: '*', lbs: 4}]"), HasSubstr("overrides[0].lbs': is not a known key"));
  EXPECT_THAT(of("[{layer: '*'}]"), HasSubstr("changes nothing"));
  EXPECT_THAT(of("[{pass: sideways, lsb: 4}]"), HasSubstr("forward"));
  EXPECT_THAT(of("[{bits: 7}]"), HasSubstr("from 8 to 64"));
  EXPECT_THAT(of("20"), HasSubstr("is not a list"));
}

}  // namespace
}  // namespace potomac::sim
