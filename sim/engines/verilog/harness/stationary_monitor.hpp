// Counts what a stationary array does, from its registers before and behind each edge. The
// registers' places: rtl_models/verilog/stationary_array_loops.sv.
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
    turns_.assign((kRows + 1) * kCols, 0);
    has_turns_ = false;
    pes_.assign(watch.pes ? kRows * kCols : 0, PeCounts{});
  }

  void before_edge(const ArrayEdge& edge) {
    sum_.keep(sum());
    loaded_valid_.keep(loaded_valid());
    loaded_moves_.keep(loaded_moves());
    loaded_.keep(loaded());
    if (watch_.toggles || watch_.pes) {
      row_.keep(row());
      skew_.keep(skew());
      active_.keep(active());
    }
    for (std::size_t c = 0; c < kCols && edge.top_turns != nullptr; ++c) {
      turns_[c] = edge.top_valid[c] != 0 ? edge.top_turns[c] : 0;
      has_turns_ = has_turns_ || turns_[c] != 0;
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
  std::int32_t turns_out(std::size_t c) const { return turns_[kRows * kCols + c]; }

 private:
  static constexpr std::size_t kLine = kRows + kCols;
  static constexpr std::size_t kTop = (kCols - 1) * kCols;
  static constexpr unsigned kValid = 2;

  const auto& row_valid() const { return root_.stationary_array_loops__DOT__row_valid; }
  const auto& row_first() const { return root_.stationary_array_loops__DOT__row_first; }
  const auto& row() const { return root_.stationary_array_loops__DOT__row; }
  const auto& skew_tags() const { return root_.stationary_array_loops__DOT__skew_tags; }
  const auto& skew() const { return root_.stationary_array_loops__DOT__skew; }
  const auto& loaded_valid() const { return root_.stationary_array_loops__DOT__loaded_valid; }
  const auto& loaded_moves() const { return root_.stationary_array_loops__DOT__loaded_moves; }
  const auto& loaded() const { return root_.stationary_array_loops__DOT__loaded; }
  const auto& active_valid() const { return root_.stationary_array_loops__DOT__active_valid; }
  const auto& active() const { return root_.stationary_array_loops__DOT__active; }
  const auto& sum_valid() const { return root_.stationary_array_loops__DOT__sum_valid; }
  const auto& sum() const { return root_.stationary_array_loops__DOT__sum; }

  // The place of PE (r, 0).
  static constexpr std::size_t of_row(std::size_t r) { return r * kLine + kRows; }

  // What a PE multiplied at the edge: the second register as it is behind it, which has taken the
  // loaded one where a fold began; where there is none, the loaded one as it was.
  const auto* multiplied() const {
    return kDoubleBuffered ? active().m_storage : loaded_.data() + kCols;
  }
  const auto* multiplied_valid() const {
    return kDoubleBuffered ? active_valid().m_storage : loaded_valid_.data() + kCols;
  }
  // The sum that went into PE (r, 0).
  const auto* sum_before(std::size_t r) const {
    return r == 0 ? sum().m_storage : sum_.data() + r * kCols;
  }

  std::uint32_t is_slot(std::size_t r, std::size_t c) const {
    return std::uint32_t{sum_valid().m_storage[(r + 1) * kCols + c]} &
           row_valid().m_storage[of_row(r) + c] & multiplied_valid()[r * kCols + c];
  }
  Slot slot(std::size_t r, std::size_t c) const {
    return slot_of(row().m_storage[of_row(r) + c], multiplied()[r * kCols + c], lsb_);
  }

  void count_slots() {
    EdgeCounts edge;
    std::uint32_t sums = 0;
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto* const valid = row_valid().m_storage + of_row(r);
      const auto* const x = row().m_storage + of_row(r);
      const auto* const kept = multiplied_valid() + r * kCols;
      const auto* const y = multiplied() + r * kCols;
      const auto* const arrived = sum_valid().m_storage + (r + 1) * kCols;
      const auto* const before = sum_before(r);
      const auto* const after = sum().m_storage + (r + 1) * kCols;
      for (std::size_t c = 0; c < kCols; ++c) {
        const std::uint32_t is_slot = std::uint32_t{arrived[c]} & valid[c] & kept[c];
        const Slot slot = slot_of(x[c], y[c], lsb_);
        edge.slots += is_slot;
        edge.zero += is_slot & slot.zero;
        edge.dropped += is_slot & slot.dropped;
        edge.overflowed +=
            is_slot & ((slot.zero | slot.dropped) ^ 1U) & left_range(slot, before[c], after[c]);
        sums += arrived[c];
      }
    }
    add(counts_, edge);
    counts_.psum_writes += sums;
    has_turns_ = has_turns_ || edge.overflowed != 0;
  }

  void count_writes() {
    std::uint32_t streaming = 0;
    std::uint32_t row_skew = 0;
    std::uint32_t tile_skew = 0;
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t c = 0; c < kCols; ++c) {
        streaming += row_valid().m_storage[of_row(r) + c];
      }
      for (std::size_t p = kRows - r; p < kRows; ++p) {
        row_skew += row_valid().m_storage[r * kLine + p];
      }
    }
    for (std::size_t p = 1; p < kCols; ++p) {
      // Place p lies behind the port of these lanes only.
      for (std::size_t c = kCols - p; c < kCols; ++c) {
        tile_skew += static_cast<std::uint32_t>(skew_tags().m_storage[p * kCols + c]) >> kValid;
      }
    }
    std::uint32_t loads = 0;
    for (std::size_t r = 0; r < kRows; ++r) {
      // Row 0 holds what entered at this edge, the others what was there before it.
      const auto* const moves =
          r == 0 ? loaded_moves().m_storage : loaded_moves_.data() + r * kCols;
      const auto* const valid =
          r == 0 ? loaded_valid().m_storage : loaded_valid_.data() + r * kCols;
      for (std::size_t c = 0; c < kCols; ++c) {
        loads += std::uint32_t{loaded_moves().m_storage[c]} & moves[c] & valid[c];
      }
    }
    std::uint32_t copies = 0;
    for (std::size_t r = 0; r < kRows && kDoubleBuffered; ++r) {
      for (std::size_t c = 0; c < kCols; ++c) {
        copies += std::uint32_t{row_first().m_storage[of_row(r) + c]} &
                  loaded_valid_.data()[(r + 1) * kCols + c];
      }
    }
    counts_.operand_writes += streaming + loads + copies;
    counts_.row_operand_writes += streaming;
    counts_.skew_writes += row_skew + tile_skew;
    counts_.row_skew_writes += row_skew;
  }

  // The turns of sums that have left the range move on with them; no hardware knows of them.
  void follow_turns() {
    for (std::size_t up = 1; up <= kRows; ++up) {
      const std::size_t r = kRows - up;
      for (std::size_t c = 0; c < kCols; ++c) {
        const std::size_t at = (r + 1) * kCols + c;
        if (sum_valid().m_storage[at] == 0) {
          continue;
        }
        turns_[at] = turns_[at - kCols];
        const Slot what = slot(r, c);
        if (is_slot(r, c) != 0 && (what.zero | what.dropped) == 0 &&
            left_range(what, sum_before(r)[c], sum().m_storage[at]) != 0) {
          turns_[at] += turns_of(what);
        }
      }
    }
  }

  void count_toggles() {
    for (std::size_t r = 0; r < kRows; ++r) {
      counts_.operand_toggles +=
          toggled(row_.data() + of_row(r), row().m_storage + of_row(r), kCols);
      // Place kRows - 1 - r is a wire.
      counts_.skew_toggles +=
          toggled(row_.data() + of_row(r) - r, row().m_storage + of_row(r) - r, r);
    }
    for (std::size_t p = 1; p < kCols; ++p) {
      const std::size_t at = p * kCols + kCols - p;
      counts_.skew_toggles += toggled(skew_.data() + at, skew().m_storage + at, p);
    }
    counts_.stationary_toggles +=
        toggled(loaded_.data() + kCols, loaded().m_storage + kCols, kRows * kCols) +
        toggled(active_.data(), active().m_storage, kRows * kCols);
    counts_.psum_toggles += toggled(sum_.data() + kCols, sum().m_storage + kCols, kRows * kCols);
  }

  void count_pe_slots() {
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t c = 0; c < kCols; ++c) {
        const std::size_t pe = r * kCols + c;
        const std::size_t x = of_row(r) + c;
        pes_[pe].slots += is_slot(r, c);
        pes_[pe].gated += kZeroGating ? is_slot(r, c) & slot(r, c).zero : 0;
        pes_[pe].toggles +=
            toggled(row_.data() + x, row().m_storage + x, 1) +
            toggled(loaded_.data() + kCols + pe, loaded().m_storage + kCols + pe, 1) +
            toggled(active_.data() + pe, active().m_storage + pe, 1) +
            toggled(sum_.data() + kCols + pe, sum().m_storage + kCols + pe, 1);
      }
    }
  }

  template <typename Words>
  using Copy = Kept<std::remove_cvref_t<Words>>;

  const Root& root_;
  std::int32_t lsb_ = 0;
  ArrayWatch watch_;
  ArrayCounts counts_;
  std::vector<std::int32_t> turns_;  // of the sums; row 0 of those that enter at the top
  bool has_turns_ = false;
  std::vector<PeCounts> pes_;
  Copy<decltype(Root::stationary_array_loops__DOT__row)> row_;
  Copy<decltype(Root::stationary_array_loops__DOT__skew)> skew_;
  Copy<decltype(Root::stationary_array_loops__DOT__loaded_valid)> loaded_valid_;
  Copy<decltype(Root::stationary_array_loops__DOT__loaded_moves)> loaded_moves_;
  Copy<decltype(Root::stationary_array_loops__DOT__loaded)> loaded_;
  Copy<decltype(Root::stationary_array_loops__DOT__active)> active_;
  Copy<decltype(Root::stationary_array_loops__DOT__sum)> sum_;
};

}  // namespace potomac::verilog
