#include "sim/engines/count/pe_map.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <map>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "rtl_models/arithmetic/fp32_mac.hpp"
#include "rtl_models/arithmetic/mf_mac.hpp"
#include "rtl_models/arithmetic/toggles.hpp"
#include "sim/engines/interface/widening.hpp"

namespace potomac::sim {
namespace {

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

// MF-MAC as a PE's registers see it. An element is a tensor's code; `first` says whether it is one
// of the first operand, which may be carried aligned.
class MfMacPe {
 public:
  using Operand = workloads::LoweredOperand;
  using Value = std::int64_t;

  explicit MfMacPe(const Job& job)
      : job_(job),
        format_(job.architecture->pe.operand_bits),
        register_{.bits = job.architecture->pe.accumulator.bits},
        codes_{widening(job.operands->first().format(), format_),
               widening(job.operands->second().format(), format_)},
        words_{aligned_words(aligned_format(job), codes_[0]),
               aligned_words(rtl::AlignedFormat(format_), codes_[1])} {}

  rtl::AlignedCode word(bool first, rtl::PotCode element) const {
    return words_.at(first ? 0 : 1)[element];
  }
  Value step(Value sum, rtl::PotCode first, rtl::PotCode second) const {
    return rtl::mf_mac(job_.accumulator, format_, job_.architecture->pe.zero_gating, sum,
                       codes_[0][first], codes_[1][second])
        .value;
  }
  std::uint64_t toggles(Value from, Value to) const { return rtl::toggles(register_, from, to); }

 private:
  const Job& job_;
  rtl::PotFormat format_;
  rtl::Accumulator register_;  // sums, at the PE's width
  std::array<std::array<rtl::PotCode, 256>, 2> codes_;
  std::array<std::array<rtl::AlignedCode, 256>, 2> words_;
};

class Fp32Pe {
 public:
  using Operand = workloads::Fp32Operand;
  using Value = float;

  explicit Fp32Pe(const Job& job) : gates_(job.architecture->baseline.zero_gating) {}

  static float word(bool /*first*/, float element) { return element; }
  Value step(Value sum, float first, float second) const {
    const bool gated = gates_ && (first == 0.0F || second == 0.0F);
    return gated ? sum : rtl::fp32_mac(sum, first, second);
  }
  static std::uint64_t toggles(Value from, Value to) { return rtl::toggles(from, to); }

 private:
  bool gates_;
};

// The operands of a fold as the array has them: the rows of its elements that stand in (os: of both
// operands) or stream and stay.
template <typename Element>
struct FoldElements {
  std::int64_t slots = 0;
  Element row_zero{};
  Element col_zero{};
  std::vector<std::vector<Element>> rows;  // os: by row of the array, by slot; else by depth, slot
  std::vector<std::vector<Element>> cols;  // os: by column, by slot; else by column, depth
};

template <typename Gemm>
auto elements_of(const Gemm& gemm, const Fold& fold, Dataflow dataflow) {
  using Element = typename Gemm::Operand::Element;
  FoldElements<Element> elements;
  const auto depths = [&](const typename Gemm::Operand& operand, Range rows) {
    std::vector<std::vector<Element>> lanes;
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      operand.fetch(row, fold.k.begin, lanes.emplace_back(index(fold.k.size())));
    }
    return lanes;
  };
  elements.row_zero = keeps_first(dataflow) ? gemm.second.zero() : gemm.first.zero();
  elements.col_zero = keeps_first(dataflow) ? gemm.first.zero() : gemm.second.zero();
  if (keeps_sums(dataflow)) {
    elements.slots = fold.k.size();
    elements.rows = depths(gemm.first, fold.m);
    elements.cols = depths(gemm.second, fold.n);
    return elements;
  }
  const bool first_stays = keeps_first(dataflow);
  elements.cols = depths(first_stays ? gemm.first : gemm.second, first_stays ? fold.m : fold.n);
  const Range slots = first_stays ? fold.n : fold.m;
  elements.slots = slots.size();
  elements.rows.assign(index(fold.k.size()), std::vector<Element>(index(slots.size())));
  const std::vector<std::vector<Element>> streamed =
      depths(first_stays ? gemm.second : gemm.first, slots);
  for (std::size_t slot = 0; slot < streamed.size(); ++slot) {
    for (std::size_t depth = 0; depth < elements.rows.size(); ++depth) {
      elements.rows[depth][slot] = streamed[slot][depth];
    }
  }
  return elements;
}

// --- MACs and what is gated ----------------------------------------------------------------------

// Bits of a lane's elements: which are not zero.
template <typename Element>
std::vector<std::uint64_t> nonzero_bits(const std::vector<Element>& lane, Element zero) {
  std::vector<std::uint64_t> bits((lane.size() + 63) / 64);
  for (std::size_t i = 0; i < lane.size(); ++i) {
    bits[i / 64] |= std::uint64_t{lane[i] != zero} << (i % 64);
  }
  return bits;
}

template <typename Element>
void add_gated(const FoldElements<Element>& fold, Dataflow dataflow, PeMap& map) {
  const auto slots = static_cast<std::uint64_t>(fold.slots);
  std::vector<std::vector<std::uint64_t>> rows;
  for (const std::vector<Element>& lane : fold.rows) {
    rows.push_back(nonzero_bits(lane, fold.row_zero));
  }
  const auto common = [](const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      sum += static_cast<std::uint64_t>(std::popcount(a[i] & b[i]));
    }
    return sum;
  };
  for (std::size_t col = 0; col < fold.cols.size(); ++col) {
    const std::vector<std::uint64_t> column = nonzero_bits(fold.cols[col], fold.col_zero);
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const bool zero_stays = !keeps_sums(dataflow) && fold.cols[col][row] == fold.col_zero;
      const std::uint64_t fired = keeps_sums(dataflow) ? common(rows[row], column)
                                  : zero_stays         ? 0
                                                       : common(rows[row], rows[row]);
      map.pes[row * index(map.array.cols) + col].gated += slots - fired;
    }
  }
}

// --- toggles -------------------------------------------------------------------------------------

// The registers of an array over a pass (docs/timing.md, "Register toggles"), each with what it
// holds.
template <typename Pe>
class Registers {
 public:
  using Operand = typename Pe::Operand;
  using Element = typename Operand::Element;
  using Value = typename Pe::Value;
  using Word = decltype(std::declval<Pe>().word(true, Element{}));
  using Gemm = workloads::GemmOf<Operand>;

  Registers(const Job& job, PeMap& map)
      : pe_(job),
        dataflow_(job.schedule->dataflow()),
        pipelined_(job.architecture->issue == Issue::kPipelined),
        rows_(index(map.array.rows)),
        cols_(index(map.array.cols)),
        map_(map),
        row_words_(rows_),
        col_words_(cols_),
        loaded_(rows_ * cols_),
        active_(rows_ * cols_),
        sums_(rows_ * cols_),
        shadows_(rows_ * cols_) {}

  void add(const Fold& fold, const FoldElements<Element>& elements) {
    if (keeps_sums(dataflow_)) {
      add_output_stationary(elements);
    } else {
      add_stationary(fold, elements);
    }
  }

 private:
  std::uint64_t& toggles(std::size_t row, std::size_t col) {
    return map_.pes[row * cols_ + col].toggles;
  }
  template <typename Held>
  void take(std::uint64_t& count, Held& held, Held taken) {
    if constexpr (std::is_same_v<Held, Word>) {
      count += rtl::toggles(held, taken);
    } else {
      count += pe_.toggles(held, taken);
    }
    held = taken;
  }

  // What streams along a lane passes a register in each of its PEs, used or not.
  std::uint64_t passed(Word& held, const std::vector<Element>& lane, bool first) {
    std::uint64_t count = 0;
    for (const Element element : lane) {
      const Word word = pe_.word(first, element);
      count += rtl::toggles(held, word);
      held = word;
    }
    return count;
  }
  void stream_rows(const FoldElements<Element>& fold, bool first) {
    for (std::size_t row = 0; row < fold.rows.size(); ++row) {
      const std::uint64_t count = passed(row_words_[row], fold.rows[row], first);
      for (std::size_t col = 0; col < cols_; ++col) {
        toggles(row, col) += count;
      }
    }
  }

  void add_output_stationary(const FoldElements<Element>& fold) {
    stream_rows(fold, true);
    for (std::size_t col = 0; col < fold.cols.size(); ++col) {
      const std::uint64_t count = passed(col_words_[col], fold.cols[col], false);
      for (std::size_t row = 0; row < rows_; ++row) {
        toggles(row, col) += count;
      }
      for (std::size_t row = 0; row < fold.rows.size(); ++row) {
        Value& sum = sums_[row * cols_ + col];
        Value next{};
        for (std::size_t k = 0; k < fold.cols[col].size(); ++k) {
          next = pe_.step(next, fold.rows[row][k], fold.cols[col][k]);
          toggles(row, col) += pe_.toggles(sum, next);
          sum = next;
        }
      }
      drain(fold.rows.size(), col);
    }
  }

  // A column's results leave: each row takes its own, and then those of the rows above; below the
  // last row in use the shadow registers only hand on.
  void drain(std::size_t used, std::size_t col) {
    for (std::size_t row = 0; row < rows_; ++row) {
      Value& shadow = shadows_[row * cols_ + col];
      for (std::size_t from = std::min(row + 1, used); from-- > 0;) {
        take(toggles(row, col), shadow, Value{sums_[from * cols_ + col]});
      }
    }
  }

  void add_stationary(const Fold& fold, const FoldElements<Element>& elements) {
    const bool first_stays = keeps_first(dataflow_);
    const std::size_t used = elements.rows.size();
    stream_rows(elements, !first_stays);
    for (std::size_t col = 0; col < elements.cols.size(); ++col) {
      const std::vector<Element>& tile = elements.cols[col];
      for (std::size_t row = 0; row < used; ++row) {
        const std::size_t at = row * cols_ + col;
        for (std::size_t from = used; from-- > row;) {
          take(toggles(row, col), loaded_[at], pe_.word(first_stays, tile[from]));
        }
        if (pipelined_) {
          take(toggles(row, col), active_[at], loaded_[at]);
        }
      }
      add_sums(fold, elements, col, first_stays);
    }
  }

  // The partial sums of a column, slot by slot: each row adds its product to what comes from above.
  void add_sums(const Fold& fold, const FoldElements<Element>& elements, std::size_t col,
                bool first_stays) {
    const std::size_t used = elements.rows.size();
    const std::vector<Element>& tile = elements.cols[col];
    const Range slots = first_stays ? fold.n : fold.m;
    const Range columns = first_stays ? fold.m : fold.n;
    for (std::size_t slot = 0; slot < index(elements.slots); ++slot) {
      const std::tuple place(fold.gemm, slots.begin + static_cast<std::int64_t>(slot),
                             columns.begin + static_cast<std::int64_t>(col));
      Value sum{};
      if (!fold.first) {
        sum = carried_.at(place);
      }
      for (std::size_t row = 0; row < rows_; ++row) {
        if (row < used) {
          const Element streams = elements.rows[row][slot];
          sum = first_stays ? pe_.step(sum, tile[row], streams) : pe_.step(sum, streams, tile[row]);
        }
        take_sum(row, col, sum);
      }
      if (fold.last) {
        carried_.erase(place);
      } else {
        carried_[place] = sum;
      }
    }
  }
  void take_sum(std::size_t row, std::size_t col, Value sum) {
    Value& held = sums_[row * cols_ + col];
    toggles(row, col) += pe_.toggles(held, sum);
    held = sum;
  }

  Pe pe_;
  Dataflow dataflow_;
  bool pipelined_;
  std::size_t rows_;
  std::size_t cols_;
  PeMap& map_;
  std::vector<Word> row_words_;  // by lane: what its registers hold
  std::vector<Word> col_words_;
  std::vector<Word> loaded_;  // by PE, like all below: the stationary operand that arrived
  std::vector<Word> active_;  // and the one that is multiplied, if issue is pipelined
  std::vector<Value> sums_;   // accumulators, or partial sums
  std::vector<Value> shadows_;
  // Partial sums that go on with another fold: by GEMM, slot and column.
  std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>, Value> carried_;
};

// --- the walk ------------------------------------------------------------------------------------

template <typename Pe>
void add_values(const Job& job, bool gates, const PeMapOptions& options, PeMap& map) {
  using Operand = typename Pe::Operand;
  std::optional<Registers<Pe>> registers;
  if (options.toggles) {
    registers.emplace(job, map);
  }
  std::optional<workloads::GemmOf<Operand>> gemm;
  for (Schedule::Walk walk(*job.schedule); !walk.done(); walk.next_fold()) {
    if (options.check_stop) {
      options.check_stop();
    }
    const Fold fold = walk.fold();
    if (!gemm || gemm->index != fold.gemm) {
      gemm.emplace(job.operands->gemm_of<Operand>(fold.gemm));
    }
    const auto elements = elements_of(*gemm, fold, job.schedule->dataflow());
    if (gates) {
      add_gated(elements, job.schedule->dataflow(), map);
    }
    if (registers) {
      registers->add(fold, elements);
    }
  }
}

}  // namespace

PeMap pe_map_of(const Job& job, const PeMapOptions& options) {
  assert(!options.toggles || job.operands != nullptr);
  PeMap map(job.schedule->array());
  for (Schedule::Walk walk(*job.schedule); !walk.done(); walk.next_run()) {
    const Schedule::Run run = walk.run();
    const ArrayExtents used = array_extents(run.front, job.schedule->dataflow());
    for (std::int64_t row = 0; row < used.rows; ++row) {
      for (std::int64_t col = 0; col < used.cols; ++col) {
        map.at(row, col).macs += static_cast<std::uint64_t>(run.count * used.streamed);
      }
    }
  }
  if (job.operands == nullptr) {
    return map;
  }
  if (job.unit == Unit::kMfMac) {
    add_values<MfMacPe>(job, job.architecture->pe.zero_gating, options, map);
  } else {
    add_values<Fp32Pe>(job, job.architecture->baseline.zero_gating, options, map);
  }
  return map;
}

}  // namespace potomac::sim
