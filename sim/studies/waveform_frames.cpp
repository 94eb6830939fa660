#include "sim/studies/waveform_frames.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "rtl_models/arithmetic/aligned_code.hpp"
#include "sim/engines/systemc/systemc_engine.hpp"
#include "sim/machine/array_registers.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

constexpr std::int64_t kMostFrameLanes = 8;
constexpr std::uint64_t kMostFrames = 100;

// The signals of a VCD file as they are at one time after the other.
class VcdReader {
 public:
  explicit VcdReader(const std::filesystem::path& file) : stream_(file), file_(file) {
    if (!stream_) {
      throw fault("cannot be read");
    }
    read_header();
  }

  // Reads on to the last change before `time`. False if the file ends first.
  bool read_until(std::uint64_t time) {
    while (!pending_ || *pending_ < time) {
      std::string line;
      if (!std::getline(stream_, line)) {
        return false;
      }
      if (line.starts_with('#')) {
        pending_ = number_of(std::string_view(line).substr(1));
      } else {
        take(line);
      }
    }
    return true;
  }

  // By its dotted name below the array; nothing if there is no such signal.
  std::optional<std::uint64_t> value(const std::string& name) const {
    const auto found = signals_.find(name);
    return found == signals_.end() ? std::nullopt : std::optional(values_[found->second].word);
  }
  // In two's complement of the signal's width.
  std::int64_t number(const std::string& name) const {
    const Signal& signal = values_[signals_.at(name)];
    const int spare = 64 - signal.bits;
    return static_cast<std::int64_t>(signal.word << spare) >> spare;
  }

 private:
  struct Signal {
    int bits = 1;
    std::uint64_t word = 0;
  };

  InputError fault(const std::string& what) const {
    return InputError({file_.string(), "", what, "write the waveform again: run --vcd"});
  }

  std::uint64_t number_of(std::string_view text) const {
    std::uint64_t number = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc()) {
      throw fault(fmt::format("'{}' is no time", text));
    }
    return number;
  }

  void read_header() {
    std::vector<std::string> scopes;
    std::string line;
    while (std::getline(stream_, line) && !line.starts_with("$enddefinitions")) {
      std::istringstream words(line);
      std::string kind;
      words >> kind;
      if (kind == "$scope") {
        std::string type;
        words >> type >> scopes.emplace_back();
      } else if (kind == "$upscope" && !scopes.empty()) {
        scopes.pop_back();
      } else if (kind == "$var") {
        std::string type;
        Signal signal;
        std::string id;
        std::string name;
        words >> type >> signal.bits >> id >> name;
        // SystemC.potomac.array is where all of them are.
        std::string path;
        for (std::size_t i = 3; i < scopes.size(); ++i) {
          path += fmt::format("{}.", scopes[i]);
        }
        signals_[path + name] = values_.size();
        ids_[id] = values_.size();
        values_.push_back(signal);
      }
    }
  }

  // "b0101 id" or "1id".
  void take(const std::string& line) {
    const bool is_word = line.starts_with('b');
    const std::size_t end = is_word ? line.find(' ') : 1;
    if (line.empty() || end == std::string::npos) {
      return;
    }
    const std::size_t begin = is_word ? 1 : 0;
    const auto id = ids_.find(line.substr(is_word ? end + 1 : end));
    if (id == ids_.end()) {
      return;
    }
    std::uint64_t word = 0;
    for (const char bit : std::string_view(line).substr(begin, end - begin)) {
      word = word << 1U | (bit == '1' ? 1U : 0U);
    }
    values_[id->second].word = word;
  }

  std::ifstream stream_;
  std::filesystem::path file_;
  std::map<std::string, std::size_t> signals_;  // by name: position in values_
  std::map<std::string, std::size_t> ids_;
  std::vector<Signal> values_;
  std::optional<std::uint64_t> pending_;  // the time whose changes come next
};

// Operands as people read them.
class OperandTexts {
 public:
  OperandTexts(const Architecture& architecture, const rtl::Accumulator& accumulator)
      : format_(architecture.pe.operand_bits),
        plain_(format_),
        aligned_(format_, aligned_bits(architecture.pe),
                 aligned_bits(architecture.pe) == 0 ? 0 : accumulator.lsb) {}

  // `first`: it is one of the first operand, whose registers may hold aligned codes.
  std::string text(std::uint64_t word, bool first) const {
    const rtl::PotCode code = code_of(word, first);
    return format_.is_zero(code) ? "0"
                                 : fmt::format("{}2^{}", format_.is_negative(code) ? "-" : "",
                                               format_.exponent(code));
  }
  bool is_zero(std::uint64_t word, bool first) const {
    return format_.is_zero(code_of(word, first));
  }

 private:
  rtl::PotCode code_of(std::uint64_t word, bool first) const {
    return (first ? aligned_ : plain_).code(static_cast<rtl::AlignedCode>(word));
  }

  rtl::PotFormat format_;
  rtl::AlignedFormat plain_;
  rtl::AlignedFormat aligned_;
};

// One PE as the waveform has it.
PeFrame frame_of(const VcdReader& vcd, const std::string& pe, const Architecture& architecture,
                 const OperandTexts& texts) {
  const bool os = keeps_sums(architecture.dataflow);
  const bool first_moves = !keeps_first(architecture.dataflow);
  const std::string moving = pe + (os ? ".first" : ".stream");
  // What is multiplied: pipelined, the second stationary register.
  const std::string other = pe + (os                                            ? ".second"
                                  : vcd.value(pe + ".active.valid").has_value() ? ".active"
                                                                                : ".loaded");
  const bool has_moving = vcd.value(moving + ".valid") == 1;
  const bool has_other = vcd.value(other + ".valid") == 1;
  PeFrame frame;
  if (has_moving) {
    frame.moving = texts.text(*vcd.value(moving + ".operand"), first_moves);
  }
  if (has_other) {
    frame.other = texts.text(*vcd.value(other + ".operand"), !first_moves);
  }
  frame.multiplied = has_moving && has_other;
  frame.gated = frame.multiplied && architecture.pe.zero_gating &&
                (frame.moving == "0" || frame.other == "0");
  if (os) {
    frame.sum = fmt::format("{}", vcd.number(pe + ".accumulator"));
    if (vcd.value(pe + ".shadow.valid") == 1) {
      frame.result = fmt::format("{}", vcd.number(pe + ".shadow.value"));
    }
  } else if (vcd.value(pe + ".sum.valid") == 1) {
    frame.sum = fmt::format("{}", vcd.number(pe + ".sum.value"));
  }
  return frame;
}

}  // namespace

ArrayFrames frames_of(const std::filesystem::path& vcd, const std::string& pass,
                      const Architecture& architecture, const rtl::Accumulator& accumulator,
                      std::uint64_t first_cycle) {
  ArrayFrames frames{.pass = pass,
                     .dataflow = std::string(name_of(architecture.dataflow)),
                     .rows = std::min(architecture.array.rows, kMostFrameLanes),
                     .cols = std::min(architecture.array.cols, kMostFrameLanes),
                     .array_rows = architecture.array.rows,
                     .array_cols = architecture.array.cols,
                     .first_cycle = first_cycle,
                     .cycles = {}};
  VcdReader reader(vcd);
  const OperandTexts texts(architecture, accumulator);
  const std::uint64_t period = clock_period_ps(architecture.clock_mhz);
  for (bool more = true; more && frames.cycles.size() < kMostFrames;) {
    more = reader.read_until((first_cycle + frames.cycles.size() + 1) * period);
    std::vector<PeFrame>& frame = frames.cycles.emplace_back();
    for (std::int64_t row = 0; row < frames.rows; ++row) {
      for (std::int64_t col = 0; col < frames.cols; ++col) {
        frame.push_back(frame_of(reader, fmt::format("pe_{}_{}", row, col), architecture, texts));
      }
    }
  }
  return frames;
}

}  // namespace potomac::sim
