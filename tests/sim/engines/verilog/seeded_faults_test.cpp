// Faults put into the SystemVerilog are found on drawn cases. All of them are in the arrays at
// once, asleep, and one is woken when an array is made: so three machines are compiled once for
// all.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sim/engines/engines.hpp"
#include "sim/engines/verilog/verilog_engine.hpp"
#include "sim/studies/verify.hpp"
#include "support/atomic_file.hpp"

namespace potomac::sim {
namespace {

struct Fault {
  std::string_view what;
  std::string_view file;
  std::string_view
      before;              // what stands before the expression, so that it is the one that is meant
  std::string_view right;  // the expression
  std::string_view wrong;
};

constexpr std::string_view kOsArray = "output_stationary_array_loops.sv";
constexpr std::string_view kStArray = "stationary_array_loops.sv";
constexpr std::string_view kOsPe = "output_stationary_functions.svh";
constexpr std::string_view kStPe = "stationary_functions.svh";
constexpr std::string_view kRegisters = "register_functions.svh";
constexpr std::string_view kMfMac = "mf_mac_functions.svh";
constexpr std::string_view kFp32 = "fp32_mac_functions.svh";

constexpr auto kFaults = std::to_array<Fault>({
    {"a fold's first operand is tagged last", kOsArray, "& ", "{1'b1, north_first, north_last}",
     "{1'b1, north_first, north_first}"},
    {"a new sum does not begin at 0", kOsPe, "mac_sum(", "is_first ? {SUM_BITS{1'b0}} : now",
     "now"},
    {"a drain begins an edge late", kOsArray, "starts[c] = ", "column_tags[(LINE-2)*COLS+c][LAST]",
     "column_tags[(LINE-1)*COLS+c][LAST]"},
    {"a drain ends an edge early", kOsArray, "starts[c] ? ", "COUNT_BITS'(ROWS)",
     "COUNT_BITS'(ROWS-1)"},
    {"a fresh result leaves with the fold before", kOsPe, "", "(is_starting || !now[FRESH])",
     "1'b1"},
    {"a captured result is not marked", kOsPe, "os_shadow_state = ", "2'b11", "2'b01"},
    {"a result that moved down stays fresh", kOsPe, "now, over), ", "1'b0", "over[FRESH]"},
    {"a lane's valid bit skips its skew", kOsArray, "row_valid[r*LINE+", "ROWS-1-r", "ROWS-1"},
    {"a row's register does not hold", kRegisters, "row_taken = ", "valid ? arriving : held",
     "arriving"},
    {"a column's register does not hold", kRegisters, "column_taken = ", "valid ? arriving : held",
     "arriving"},
    {"a register for sums does not hold", kRegisters, "sum_taken = ", "valid ? arriving : held",
     "arriving"},
    {"a tile does not settle", kStPe, "column_is_moving ? ",
     "over_is_moving && !column_is_settling", "over_is_moving"},
    {"a tile moves on while its column waits", kStPe,
     "st_loads = ", "column_is_moving && over_is_moving", "over_is_moving"},
    {"where a tile is short the register is not cleared", kStArray,
     "loaded_valid[(ROWS-up+1)*COLS+c] = chosen_bit(\n            ", "loads",
     "loads && loaded_valid[(ROWS-up)*COLS+c]"},
    {"the second register is multiplied an edge early", kStPe,
     "st_from_loaded = ", "DOUBLE_BUFFERED == 0 || is_first", "DOUBLE_BUFFERED == 0"},
    {"a sum that meets no slot is lost", kStPe, "mac_sum(over, r, c, lowest) : ", "over",
     "{SUM_BITS{1'b0}}"},
    {"the sum at the top is not taken", kStArray, "sum[c] = ", "top[c*SUM_BITS+:SUM_BITS]",
     "sum[c]"},
    {"only one end saturates", kMfMac, "mf_add = ", "clamps", "clamps && from[ACC_BITS-1]"},
    {"a product has the row's sign", kMfMac, "negative = ", "r[ROW_BITS-1] ^ c[COLUMN_BITS-1]",
     "r[ROW_BITS-1]"},
    {"a product at the lowest bit is dropped", kMfMac, "&& ", "!place[PLACE_BITS-1]",
     "!place[PLACE_BITS-1] && place != 0"},
    {"two zeros add up to the sign of either", kFp32, "{", "a[31] && b[31]", "a[31] || b[31]"},
    {"a tie is rounded up", kFp32, "", "kept[23] && (kept[24] || kept[22:0] != 0 || lost)",
     "kept[23]"},
    {"subnormal sums are flushed", kFp32, "kept = ", "down > 11'd47 ? 48'd0 : moved >> down",
     "48'd0"},
});

// The text with the fault in each place that it is meant for, and how many they are. The expression
// may begin where another fault's ends, but no two may overlap.
std::size_t put_fault(std::string& text, const Fault& fault, std::size_t number) {
  std::string changed;
  std::size_t places = 0;
  std::size_t at = 0;
  const std::string wanted = fmt::format("{}{}", fault.before, fault.right);
  for (std::size_t found = text.find(wanted); found != std::string::npos;
       found = text.find(wanted, at)) {
    changed += text.substr(at, found - at);
    changed += fmt::format("{}(awake == {} ? ({}) : ({}))", fault.before, number, fault.wrong,
                           fault.right);
    at = found + wanted.size();
    places += 1;
  }
  text = changed + text.substr(at);
  return places;
}

// Which fault is awake is read from a file when an array is made: its number, from 1 on.
std::vector<SourceFile> sources_with_faults(const std::filesystem::path& awake) {
  const std::string reads = fmt::format(
      "  int awake;\n  int awake_file;\n  initial begin\n"
      "    awake_file = $fopen(\"{}\", \"r\");\n"
      "    if ($fscanf(awake_file, \"%d\", awake) != 1) $stop;\n"
      "    $fclose(awake_file);\n  end\n",
      awake.string());
  std::vector<SourceFile> sources = verilog_sources();
  for (std::size_t i = 0; i < kFaults.size(); ++i) {
    std::size_t places = 0;
    for (SourceFile& source : sources) {
      if (source.name == kFaults[i].file) {
        places += put_fault(source.text, kFaults[i], i + 1);
      }
    }
    EXPECT_GT(places, 0U) << kFaults[i].what;
  }
  for (SourceFile& source : sources) {
    const std::size_t at = source.text.find("  `include \"mac_functions.svh\"");
    if (source.name.ends_with("_loops.sv") && at != std::string::npos) {
      source.text.insert(at, reads);
    }
  }
  return sources;
}

Architecture machine(ArrayShape shape, Dataflow dataflow, Issue issue, int operand_bits,
                     const rtl::AccumulatorConfig& accumulator) {
  Architecture architecture;
  architecture.array = shape;
  architecture.dataflow = dataflow;
  architecture.issue = issue;
  architecture.pe.operand_bits = operand_bits;
  architecture.pe.accumulator = accumulator;
  return architecture;
}

class SeededFaults : public testing::Test {
 protected:
  // Whether any case of any machine tells the engines apart.
  bool is_found(std::size_t awake) {
    write_file_atomically(folder_ / "awake", fmt::format("{}\n", awake));
    WorkerPool pool(1);
    const auto fast = make_engine("fast", pool);
    const auto count = make_engine("count", pool);
    const auto verilog =
        make_verilog_engine({.sources = sources_, .cache = folder_ / "cache", .say = {}});
    for (std::uint64_t i = 0; i < kCases; ++i) {
      for (const Architecture& architecture : machines_) {
        const DrawnCase drawn = draw_case(kSeed, i, architecture);
        try {
          if (!difference_between(drawn, {*fast, *verilog, *count}).empty()) {
            return true;
          }
        } catch (const std::logic_error&) {  // it delivered too few results, or too many
          return true;
        }
      }
    }
    return false;
  }

 private:
  static constexpr std::uint64_t kSeed = 1;
  static constexpr std::uint64_t kCases = 60;  // of each machine

  // What was compiled for the same sources before serves again.
  std::filesystem::path folder_ = [] {
    std::filesystem::path folder = POTOMAC_BINARY_DIR "/seeded_faults";
    std::filesystem::create_directories(folder);
    return folder;
  }();
  std::vector<SourceFile> sources_ = sources_with_faults(folder_ / "awake");
  std::vector<Architecture> machines_ = {
      machine({4, 3}, Dataflow::kOutputStationary, Issue::kPipelined, 5,
              {.bits = 16, .lsb = 0, .overflow = rtl::Overflow::kSaturate}),
      machine({3, 4}, Dataflow::kWeightStationary, Issue::kPipelined, 5, {}),
      machine({4, 4}, Dataflow::kInputStationary, Issue::kSerial, 3,
              {.bits = 8, .lsb = -4, .overflow = rtl::Overflow::kSaturate}),
  };
};

TEST_F(SeededFaults, AreAllFound) {
  EXPECT_FALSE(is_found(0)) << "no fault is awake";
  for (std::size_t i = 0; i < kFaults.size(); ++i) {
    EXPECT_TRUE(is_found(i + 1)) << kFaults[i].what;
  }
}

}  // namespace
}  // namespace potomac::sim
