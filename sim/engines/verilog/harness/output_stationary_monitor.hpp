// Counts what an output-stationary array does, from its registers before and behind each edge. The
// registers' places: rtl_models/verilog/output_stationary_array_loops.sv.
#pragma once

#include <vector>

#include <slots.hpp>

namespace potomac::verilog {

template <typename Root>
class Monitor {
 public:
  explicit Monitor(const Root& root) : root_(root) {}

  void reset(std::int32_t lsb, ArrayWatch watch) {
    lsb_ = lsb;
    watch_ = watch;
    counts_ = {};
    turns_.assign(kRows * kCols, 0);
    shadow_turns_.assign((kRows + 1) * kCols, 0);
    has_turns_ = false;
    pes_.assign(watch.pes ? kRows * kCols : 0, PeCounts{});
  }

  void before_edge(const ArrayEdge& /*edge*/) {
    accumulator_.keep(accumulator());
    remaining_.keep(remaining());
    if (watch_.toggles || watch_.pes) {
      row_.keep(row());
      column_.keep(column());
      shadow_.keep(shadow());
    }
  }

  void behind_edge() {
    count_slots();
    count_writes();
    if (has_turns_) {
      follow_turns();
    }
    if (watch_.toggles || watch_.pes) {
      count_toggles();
    }
    if (watch_.pes) {
      count_pe_slots();
    }
  }

  const ArrayCounts& counts() const { return counts_; }
  const std::vector<PeCounts>& pes() const { return pes_; }
  std::int32_t turns_out(std::size_t c) const { return shadow_turns_[kRows * kCols + c]; }

 private:
  static constexpr std::size_t kLine = kRows + kCols;
  static constexpr unsigned kValid = 2;
  static constexpr unsigned kFirst = 1;

  const auto& row_valid() const { return root_.output_stationary_array_loops__DOT__row_valid; }
  const auto& row() const { return root_.output_stationary_array_loops__DOT__row; }
  const auto& tags() const { return root_.output_stationary_array_loops__DOT__column_tags; }
  const auto& column() const { return root_.output_stationary_array_loops__DOT__column; }
  const auto& accumulator() const { return root_.output_stationary_array_loops__DOT__accumulator; }
  const auto& shadow_state() const {
    return root_.output_stationary_array_loops__DOT__shadow_state;
  }
  const auto& shadow() const { return root_.output_stationary_array_loops__DOT__shadow; }
  const auto& remaining() const { return root_.output_stationary_array_loops__DOT__remaining; }

  // Places of PE (r, 0).
  static constexpr std::size_t of_row(std::size_t r) { return r * kLine + kRows; }
  static constexpr std::size_t of_column(std::size_t r) { return (kCols + r) * kCols; }

  void count_slots() {
    EdgeCounts edge;
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto* const valid = row_valid().m_storage + of_row(r);
      const auto* const x = row().m_storage + of_row(r);
      const auto* const tag = tags().m_storage + of_column(r);
      const auto* const y = column().m_storage + of_column(r);
      const auto* const before = accumulator_.data() + r * kCols;
      const auto* const after = accumulator().m_storage + r * kCols;
      for (std::size_t c = 0; c < kCols; ++c) {
        const std::uint32_t is_slot = valid[c] & (tag[c] >> kValid);
        const std::uint32_t starts_sum = is_slot & (tag[c] >> kFirst);
        const Slot slot = slot_of(x[c], y[c], lsb_);
        const std::uint32_t idle = slot.zero | slot.dropped;
        const Sum from = starts_sum != 0 ? 0 : before[c];
        edge.slots += is_slot;
        edge.zero += is_slot & slot.zero;
        edge.zero_starts += starts_sum & slot.zero;
        edge.dropped += is_slot & slot.dropped;
        edge.idle_starts += starts_sum & idle;
        edge.overflowed += is_slot & (idle ^ 1U) & left_range(slot, from, after[c]);
      }
    }
    add(counts_, edge);
    counts_.accumulator_writes +=
        kZeroGating ? edge.slots - edge.zero - edge.dropped + edge.idle_starts : edge.slots;
    has_turns_ = has_turns_ || edge.overflowed != 0;
  }

  void count_writes() {
    std::uint32_t along_rows = 0;
    std::uint32_t along_columns = 0;
    std::uint32_t row_skew = 0;
    std::uint32_t column_skew = 0;
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t c = 0; c < kCols; ++c) {
        along_rows += row_valid().m_storage[of_row(r) + c];
        along_columns += static_cast<std::uint32_t>(tags().m_storage[of_column(r) + c]) >> kValid;
      }
      for (std::size_t p = kRows - r; p < kRows; ++p) {
        row_skew += row_valid().m_storage[r * kLine + p];
      }
    }
    for (std::size_t p = 1; p < kCols; ++p) {
      // Place p lies behind the port of these lanes only.
      for (std::size_t c = kCols - p; c < kCols; ++c) {
        column_skew += static_cast<std::uint32_t>(tags().m_storage[p * kCols + c]) >> kValid;
      }
    }
    counts_.operand_writes += along_rows + along_columns;
    counts_.row_operand_writes += along_rows;
    counts_.skew_writes += row_skew + column_skew;
    counts_.row_skew_writes += row_skew;
    std::uint32_t shadows = 0;
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t c = 0; c < kCols; ++c) {
        shadows += captures(r, c) | moves(r, c);
      }
    }
    counts_.shadow_writes += shadows;
  }

  std::uint32_t captures(std::size_t r, std::size_t c) const {
    const std::uint32_t tag = tags().m_storage[of_column(r) + c];
    return row_valid().m_storage[of_row(r) + c] & (tag >> kValid) & tag & 1U;
  }
  // Whether it took the result above: in a column that shifts, what is no longer fresh is what came
  // down, or nothing.
  std::uint32_t moves(std::size_t r, std::size_t c) const {
    const std::uint32_t state = shadow_state().m_storage[(r + 1) * kCols + c];
    return (remaining_.data()[c] != 0 ? 1U : 0U) & (state == 2 ? 1U : 0U);
  }

  // The turns of sums that have left the range move on with them; no hardware knows of them.
  void follow_turns() {
    for (std::size_t up = 1; up <= kRows; ++up) {
      const std::size_t r = kRows - up;
      for (std::size_t c = 0; c < kCols; ++c) {
        const std::size_t pe = r * kCols + c;
        const std::uint32_t tag = tags().m_storage[of_column(r) + c];
        if ((row_valid().m_storage[of_row(r) + c] & (tag >> kValid)) != 0) {
          follow_slot(r, c, (tag >> kFirst & 1U) != 0);
        }
        if (captures(r, c) != 0) {
          counts_.overflowed_results += turns_[pe] != 0 ? 1 : 0;
          shadow_turns_[pe + kCols] = turns_[pe];
        } else if (moves(r, c) != 0) {
          shadow_turns_[pe + kCols] = shadow_turns_[pe];
        }
      }
    }
  }

  void follow_slot(std::size_t r, std::size_t c, bool starts_sum) {
    const std::size_t pe = r * kCols + c;
    const Slot slot =
        slot_of(row().m_storage[of_row(r) + c], column().m_storage[of_column(r) + c], lsb_);
    const Sum from = starts_sum ? 0 : accumulator_.data()[pe];
    turns_[pe] = starts_sum ? 0 : turns_[pe];
    if ((slot.zero | slot.dropped) == 0 &&
        left_range(slot, from, accumulator().m_storage[pe]) != 0) {
      turns_[pe] += turns_of(slot);
    }
  }

  void count_toggles() {
    for (std::size_t r = 0; r < kRows; ++r) {
      counts_.operand_toggles +=
          toggled(row_.data() + of_row(r), row().m_storage + of_row(r), kCols) +
          toggled(column_.data() + of_column(r), column().m_storage + of_column(r), kCols);
      // Place kRows - 1 - r is a wire.
      counts_.skew_toggles +=
          toggled(row_.data() + of_row(r) - r, row().m_storage + of_row(r) - r, r);
    }
    for (std::size_t p = 1; p < kCols; ++p) {
      const std::size_t at = p * kCols + kCols - p;
      counts_.skew_toggles += toggled(column_.data() + at, column().m_storage + at, p);
    }
    counts_.accumulator_toggles +=
        toggled(accumulator_.data(), accumulator().m_storage, kRows * kCols);
    counts_.shadow_toggles +=
        toggled(shadow_.data() + kCols, shadow().m_storage + kCols, kRows * kCols);
  }

  void count_pe_slots() {
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t c = 0; c < kCols; ++c) {
        const std::size_t pe = r * kCols + c;
        const std::size_t x = of_row(r) + c;
        const std::size_t y = of_column(r) + c;
        const std::uint32_t is_slot =
            row_valid().m_storage[x] & (static_cast<std::uint32_t>(tags().m_storage[y]) >> kValid);
        const Slot slot = slot_of(row().m_storage[x], column().m_storage[y], lsb_);
        pes_[pe].slots += is_slot;
        pes_[pe].gated += kZeroGating ? is_slot & slot.zero : 0;
        pes_[pe].toggles +=
            toggled(row_.data() + x, row().m_storage + x, 1) +
            toggled(column_.data() + y, column().m_storage + y, 1) +
            toggled(accumulator_.data() + pe, accumulator().m_storage + pe, 1) +
            toggled(shadow_.data() + kCols + pe, shadow().m_storage + kCols + pe, 1);
      }
    }
  }

  template <typename Words>
  using Copy = Kept<std::remove_cvref_t<Words>>;

  const Root& root_;
  std::int32_t lsb_ = 0;
  ArrayWatch watch_;
  ArrayCounts counts_;
  std::vector<std::int32_t> turns_;         // of the accumulators' sums
  std::vector<std::int32_t> shadow_turns_;  // row 0 stands for what is above the array
  bool has_turns_ = false;
  std::vector<PeCounts> pes_;
  Copy<decltype(Root::output_stationary_array_loops__DOT__row)> row_;
  Copy<decltype(Root::output_stationary_array_loops__DOT__column)> column_;
  Copy<decltype(Root::output_stationary_array_loops__DOT__accumulator)> accumulator_;
  Copy<decltype(Root::output_stationary_array_loops__DOT__shadow)> shadow_;
  Copy<decltype(Root::output_stationary_array_loops__DOT__remaining)> remaining_;
};

}  // namespace potomac::verilog
