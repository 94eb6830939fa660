#include "sim/engines/verilog/verilog_engine.hpp"

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "sim/engines/interface/widening.hpp"
#include "sim/engines/stepping/array_run.hpp"
#include "sim/engines/stepping/edge_operands.hpp"
#include "sim/engines/stepping/fold_buffer.hpp"
#include "sim/engines/stepping/result_places.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

using verilog::ArrayEdge;
using verilog::ArrayOutput;

// What an operand's elements are on the array's wires.
using Word = std::uint32_t;
using Translation = std::array<Word, 256>;

struct EdgeCodes {
  using Element = rtl::PotCode;
  using Value = std::int64_t;
  Translation first{};
  Translation second{};

  static Word word(const Translation& table, Element code) { return table[code]; }
  static Value value(std::int64_t bits) { return bits; }
};

struct EdgeFloats {
  using Element = float;
  using Value = float;
  Translation first{};  // of no use: an element is its own word
  Translation second{};

  static Word word(const Translation& /*table*/, Element value) {
    return std::bit_cast<Word>(value);
  }
  static Value value(std::int64_t bits) { return std::bit_cast<float>(static_cast<Word>(bits)); }
};

// The results scratchpad of a stationary array. Between two edges, what left the bottom goes in
// before what enters at the top comes out.
class SumsPad {
 public:
  struct Sum {
    std::int64_t value = 0;
    std::int32_t turns = 0;
  };

  // The schedule must outlive it.
  SumsPad(const Schedule& schedule, std::size_t cols)
      : commands_(cols), top_(cols), top_turns_(cols), top_valid_(cols) {
    banks_.start(schedule, cols);
  }

  // take(ResultPlace, Sum): of each that is finished.
  template <typename Take>
  void take_in(const ArrayOutput& out, const Take& take) {
    for (std::size_t c = 0; out.valid != nullptr && c < top_.size(); ++c) {
      if (out.valid[c] == 0) {
        continue;
      }
      const Sum sum{out.value[c], out.turns[c]};
      if (const auto place = banks_.take_in(c, sum)) {
        take(*place, sum);
      }
    }
  }

  // Puts the sums that enter with the command of this edge, and those before it, on the edge.
  void give_out(const FeedCommand& now, ArrayEdge& edge) {
    newest_ = (newest_ + 1) % commands_.size();
    commands_[newest_] = now;
    for (std::size_t c = 0; c < top_.size(); ++c) {
      // Column c is c edges behind the array's corner.
      const auto kept =
          banks_.give_out(c, commands_[(newest_ + commands_.size() - c) % commands_.size()]);
      top_valid_[c] = kept ? 1 : 0;
      top_[c] = kept ? kept->value : 0;
      top_turns_[c] = kept ? kept->turns : 0;
    }
    edge.top = top_.data();
    edge.top_turns = top_turns_.data();
    edge.top_valid = top_valid_.data();
  }

 private:
  PartialSumBanks<Sum> banks_;
  std::vector<FeedCommand> commands_;  // of as many edges as there are columns
  std::size_t newest_ = 0;
  std::vector<std::int64_t> top_;
  std::vector<std::int32_t> top_turns_;
  std::vector<std::uint8_t> top_valid_;
};

// Steps an array through a pass: at each edge it sees what the command before it put on the wires,
// as a SystemC array does.
template <typename Words>
class PassDriver {
 public:
  using Element = typename Words::Element;
  using Value = typename Words::Value;
  using Sink = std::function<void(const ResultTile<Value>&)>;

  // All of these must outlive it.
  PassDriver(CompiledArray& array, const Job& job, const Words& words, const Sink& sink,
             const MacsDone& done)
      : array_(array),
        job_(job),
        words_(words),
        buffer_(sink, done),
        west_(static_cast<std::size_t>(job.architecture->array.rows)),
        north_(static_cast<std::size_t>(job.architecture->array.cols)) {}

  // `run.pe` and the skew are the array's to tell.
  void run(ArrayRun& run) {
    if (keeps_sums(job_.architecture->dataflow)) {
      run_output_stationary(run);
    } else {
      run_stationary(run);
    }
    require_all_results(job_, buffer_.received());
  }

  // Results of a stationary array whose sums left the range. (An output-stationary one's are
  // counted by its monitor.)
  std::uint64_t overflowed_results() const { return overflowed_; }

 private:
  OperandElements<Element> elements(WhichOperand which) const { return {*job_.operands, which}; }

  FeedCommand next() {
    Pace* const pace = job_.pace;
    return sequencer_.next(
        [pace](const ArrayStep& step) { return pace == nullptr || pace->may_step(step); },
        [pace](std::uint64_t cycle) { return pace == nullptr || pace->may_end(cycle); });
  }

  void run_output_stationary(ArrayRun& run) {
    DepthStream<Element> west(Edge::kWest);
    DepthStream<Element> north(Edge::kNorth);
    west.start(elements(WhichOperand::kFirst));
    north.start(elements(WhichOperand::kSecond));
    DrainedResults places;
    places.start(*job_.schedule, north_.size());
    sequencer_.start(*job_.schedule, job_.architecture->issue);
    ArrayOutput out;
    for (FeedCommand now = next(); !sequencer_.finished(); now = next()) {
      ArrayEdge edge{.west = west_.data(), .north = north_.data()};
      if (now.valid) {
        edge.west_lanes = feed(west, now, words_.first, west_);
        edge.north_lanes = feed(north, now, words_.second, north_);
        edge.first = now.slot == 0;
        edge.last = now.slot == now.fold.k.size() - 1;
      }
      // What leaves at this edge was there before it.
      for (std::size_t c = 0; out.valid != nullptr && c < north_.size(); ++c) {
        if (out.valid[c] != 0) {
          buffer_.take(places.next(c), Words::value(out.value[c]));
        }
      }
      out = array_.step(edge);
    }
    run.cycles = sequencer_.cycles();
    run.there = sequencer_.pe_cycles();
  }

  static Word feed(DepthStream<Element>& stream, const FeedCommand& now, const Translation& table,
                   std::vector<Word>& lanes) {
    const std::size_t count = stream.seek(now);
    for (std::size_t lane = 0; lane < count; ++lane) {
      lanes[lane] = Words::word(table, stream.at(lane));
    }
    return static_cast<Word>(count);
  }

  void run_stationary(ArrayRun& run) {
    const Dataflow dataflow = job_.architecture->dataflow;
    const bool ws = keeps_second(dataflow);
    const Translation& streamed = ws ? words_.first : words_.second;
    const Translation& kept = ws ? words_.second : words_.first;
    RowStream<Element> stream(dataflow);
    TileRows<Element> tile(dataflow);
    stream.start(elements(ws ? WhichOperand::kFirst : WhichOperand::kSecond));
    tile.start(elements(ws ? WhichOperand::kSecond : WhichOperand::kFirst));
    SumsPad pad(*job_.schedule, north_.size());
    sequencer_.start(*job_.schedule, job_.architecture->issue);
    ArrayOutput out;
    for (FeedCommand now = next(); !sequencer_.finished(); now = next()) {
      ArrayEdge edge{.west = west_.data(), .north = north_.data()};
      if (now.valid) {
        edge.west_lanes = feed(stream, now, streamed);
        edge.first = now.slot == 0;
      }
      if (now.loads) {
        edge.north_lanes = load(tile, now, kept);
        edge.moves = true;
        edge.settles = now.row == 0;
      }
      pad.take_in(out, [this](const ResultPlace& place, const SumsPad::Sum& sum) {
        buffer_.take(place, Words::value(sum.value));
        overflowed_ += sum.turns != 0 ? 1 : 0;
      });
      pad.give_out(now, edge);
      out = array_.step(edge);
    }
    run.cycles = sequencer_.cycles();
    run.there = sequencer_.pe_cycles();
  }

  Word feed(RowStream<Element>& stream, const FeedCommand& now, const Translation& table) {
    const std::span<const Element> row = stream.row(now);
    for (std::size_t lane = 0; lane < row.size(); ++lane) {
      west_[lane] = Words::word(table, row[lane]);
    }
    return static_cast<Word>(row.size());
  }

  Word load(TileRows<Element>& tile, const FeedCommand& now, const Translation& table) {
    tile.seek(now);
    const auto row = static_cast<std::size_t>(now.row);
    std::size_t lane = 0;
    for (; lane < north_.size() && tile.has(row, lane); ++lane) {
      north_[lane] = Words::word(table, tile.at(row, lane));
    }
    return static_cast<Word>(lane);
  }

  CompiledArray& array_;
  const Job& job_;
  const Words& words_;
  FoldBuffer<Value> buffer_;
  FoldSequencer sequencer_;
  std::vector<Word> west_;
  std::vector<Word> north_;
  std::uint64_t overflowed_ = 0;
};

rtl::PeCounters pe_counters(const verilog::ArrayCounts& counts) {
  return {.slots = counts.slots,
          .zero_operand = counts.zero_operand,
          .zero_starts = counts.zero_starts,
          .gated = counts.gated,
          .multiplied = counts.multiplied,
          .accumulated = counts.accumulated,
          .overflowed = counts.overflowed,
          .overflowed_results = counts.overflowed_results,
          .dropped = counts.dropped,
          .operand_writes = counts.operand_writes,
          .row_operand_writes = counts.row_operand_writes,
          .accumulator_writes = counts.accumulator_writes,
          .shadow_writes = counts.shadow_writes,
          .psum_writes = counts.psum_writes,
          .operand_toggles = counts.operand_toggles,
          .stationary_toggles = counts.stationary_toggles,
          .accumulator_toggles = counts.accumulator_toggles,
          .shadow_toggles = counts.shadow_toggles,
          .psum_toggles = counts.psum_toggles};
}

EdgeCodes code_words(const Job& job) {
  const rtl::PotFormat format(job.architecture->pe.operand_bits);
  const auto first = widening(job.operands->first().format(), format);
  const auto second = widening(job.operands->second().format(), format);
  EdgeCodes words;
  std::ranges::copy(aligned_words(aligned_format(job), first), words.first.begin());
  std::ranges::copy(aligned_words(rtl::AlignedFormat(format), second), words.second.begin());
  return words;
}

// The lowest bit that the array is told: it is 0 where the operands carry it, and of no use to
// FP32.
int lsb_of(const Job& job) {
  const bool carried = job.unit != Unit::kMfMac || aligned_bits(job.architecture->pe) > 0;
  return carried ? 0 : job.accumulator.lsb;
}

void require_steppable(const Job& job) {
  EngineInfo limits;
  limits.most_pes = kMaxVerilogPes;
  require_buildable(limits, job.architecture->array);
  if (job.operands == nullptr) {
    throw InputError({"", "--engine verilog", "needs values, and this workload has shapes only",
                      "use --engine fast"});
  }
}

class VerilogEngine : public Engine {
 public:
  explicit VerilogEngine(ArrayCompilation compilation) : compiler_(std::move(compilation)) {}

  PassCounts run(const Job& job, const Detail& detail) override {
    assert(job.unit == Unit::kMfMac || job.unit == Unit::kFp32Mac);
    require_steppable(job);
    ArrayRun run;
    if (!job.schedule->gemms().empty()) {
      if (job.unit == Unit::kMfMac) {
        run_words(job, detail, code_words(job), detail.accumulators, run);
      } else {
        run_words(job, detail, EdgeFloats{}, detail.fp32, run);
      }
    } else if (detail.pes) {
      detail.pes(PeMap(job.architecture->array));  // nothing ran
    }
    return counts_of(run, job, detail);
  }

 private:
  // The array that was used last, and what for. A machine has one for MF-MAC and one for FP32, and
  // more where accumulators differ from pass to pass.
  struct InUse {
    ArrayParameters parameters;
    std::unique_ptr<CompiledArray> array;
  };

  CompiledArray& array_for(const Job& job) {
    const ArrayParameters parameters = array_parameters(job);
    for (InUse& one : in_use_) {
      if (one.parameters == parameters) {
        return *one.array;
      }
    }
    if (in_use_.size() >= kMostArrays) {
      in_use_.erase(in_use_.begin());
    }
    in_use_.push_back({parameters, std::make_unique<CompiledArray>(compiler_.library(parameters))});
    return *in_use_.back().array;
  }

  template <typename Words, typename Sink>
  void run_words(const Job& job, const Detail& detail, const Words& words, const Sink& sink,
                 ArrayRun& run) {
    CompiledArray& array = array_for(job);
    array.reset(lsb_of(job), {.toggles = detail.toggles, .pes = static_cast<bool>(detail.pes)});
    PassDriver<Words> driver(array, job, words, sink, detail.done);
    driver.run(run);
    const verilog::ArrayCounts counts = array.counts();
    run.pe = pe_counters(counts);
    run.pe.overflowed_results += driver.overflowed_results();
    run.skew_register_writes = counts.skew_writes;
    run.row_skew_register_writes = counts.row_skew_writes;
    run.skew_register_toggles = counts.skew_toggles;
    if (detail.pes) {
      PeMap map(job.architecture->array);
      const std::span<const verilog::PeCounts> pes(array.pes(), map.pes.size());
      std::ranges::transform(pes, map.pes.begin(), [](const verilog::PeCounts& pe) {
        return PeActivity{pe.slots, pe.gated, pe.toggles};
      });
      detail.pes(map);
    }
  }

  static constexpr std::size_t kMostArrays = 8;

  ArrayCompiler compiler_;
  std::vector<InUse> in_use_;
};

}  // namespace

void write_verilog_waveform(const Job& job, const VerilogWaveform& waveform,
                            ArrayCompilation compilation) {
  require_steppable(job);
  ArrayParameters parameters = array_parameters(job);
  parameters.form = waveform.file.extension() == ".fst" ? ArrayParameters::Form::kFst
                                                        : ArrayParameters::Form::kVcd;
  CompiledArray array(ArrayCompiler(std::move(compilation)).library(parameters));
  array.reset(lsb_of(job), {});
  array.trace({.file = waveform.file.c_str(),
               .begin = waveform.begin,
               .end = waveform.end,
               .period_ps = waveform.period_ps});
  ArrayRun run;
  const EdgeCodes words = code_words(job);
  const AccumulatorSink nobody;
  const MacsDone untold;
  PassDriver<EdgeCodes> driver(array, job, words, nobody, untold);
  driver.run(run);
}

std::unique_ptr<Engine> make_verilog_engine(ArrayCompilation compilation) {
  return std::make_unique<VerilogEngine>(std::move(compilation));
}

}  // namespace potomac::sim
