#include "sim/machine/architecture.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "support/error.hpp"

namespace potomac::sim {
namespace {

void parse_array(const YamlValue& node, Architecture& architecture) {
  node.allow_only({"rows", "cols", "dataflow", "issue"});
  if (const auto rows = node.find("rows")) {
    architecture.array.rows = rows->as_integer(1, kMaxArrayExtent);
  }
  if (const auto cols = node.find("cols")) {
    architecture.array.cols = cols->as_integer(1, kMaxArrayExtent);
  }
  if (const auto dataflow = node.find("dataflow")) {
    dataflow->as_one_of({name_of(Dataflow::kOutputStationary)});
    architecture.dataflow = Dataflow::kOutputStationary;
  }
  if (const auto issue = node.find("issue")) {
    issue->as_one_of({name_of(Issue::kSerial)});
    architecture.issue = Issue::kSerial;
  }
}

void parse_accumulator(const YamlValue& node, rtl::AccumulatorConfig& accumulator) {
  node.allow_only({"bits", "lsb", "overflow"});
  if (const auto bits = node.find("bits")) {
    accumulator.bits =
        static_cast<int>(bits->as_integer(rtl::kMinAccumulatorBits, rtl::kMaxAccumulatorBits));
  }
  if (const auto lsb = node.find("lsb")) {
    if (lsb->as_string() == "exact") {
      accumulator.lsb.reset();
    } else {
      accumulator.lsb = static_cast<int>(lsb->as_integer(-rtl::kMaxAbsLsb, rtl::kMaxAbsLsb));
    }
  }
  if (const auto overflow = node.find("overflow")) {
    accumulator.overflow =
        overflow->as_one_of({name_of(rtl::Overflow::kWrap), name_of(rtl::Overflow::kSaturate)}) == 0
            ? rtl::Overflow::kWrap
            : rtl::Overflow::kSaturate;
  }
}

void parse_pe(const YamlValue& node, PeConfig& pe) {
  node.allow_only({"operand_bits", "accumulator", "zero_gating"});
  if (const auto bits = node.find("operand_bits")) {
    pe.operand_bits = static_cast<int>(bits->as_integer(rtl::kMinPotBits, rtl::kMaxPotBits));
  }
  if (const auto accumulator = node.find("accumulator")) {
    parse_accumulator(*accumulator, pe.accumulator);
  }
  if (const auto gating = node.find("zero_gating")) {
    pe.zero_gating = gating->as_bool();
  }
}

}  // namespace

std::string_view name_of(Dataflow dataflow) {
  switch (dataflow) {
    case Dataflow::kOutputStationary:
      break;
  }
  return "os";
}

std::string_view name_of(Issue issue) {
  switch (issue) {
    case Issue::kSerial:
      break;
  }
  return "serial";
}

std::string_view name_of(rtl::Overflow overflow) {
  return overflow == rtl::Overflow::kWrap ? "wrap" : "saturate";
}

Architecture parse_architecture(const YamlValue& root) {
  Architecture architecture;
  root.allow_only({"array", "pe", "baseline", "clock_mhz"});
  if (const auto array = root.find("array")) {
    parse_array(*array, architecture);
  }
  if (const auto pe = root.find("pe")) {
    parse_pe(*pe, architecture.pe);
  }
  if (const auto baseline = root.find("baseline")) {
    baseline->allow_only({"zero_gating"});
    if (const auto gating = baseline->find("zero_gating")) {
      architecture.baseline.zero_gating = gating->as_bool();
    }
  }
  if (const auto clock = root.find("clock_mhz")) {
    architecture.clock_mhz = clock->as_number(0.001, kMaxClockMhz);
  }
  return architecture;
}

Architecture load_architecture(const std::filesystem::path& path) {
  return parse_architecture(read_yaml_file(path));
}

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

rtl::Accumulator require_fit(const Architecture& architecture, const workloads::Gemm& gemm) {
  return require_fit(architecture, gemm.layer, gemm.first.format(), gemm.second.format());
}

}  // namespace potomac::sim
