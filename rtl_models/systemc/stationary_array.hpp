// The stationary systolic array: R x C PEs that each keep one element of a tile, skew at its edges.
// Weight stationary keeps a K x N tile of the second operand and streams the first; input
// stationary is the same hardware with the operands' roles changed.
//
//          north[0]   north[1]      A tile enters north[] bottom row first, one row of it a cycle,
//             |          | (skew 1) unskewed; the streaming operand's element (m, k) enters west[k]
//  west[0] - PE00 ----- PE01        in cycle m, unskewed. PE (r, c) sees both R cycles after the
//             |          |          tile's first row at the earliest, in cycle m + r + c. The
//  west[1] - PE10 ----- PE11        partial sum of (m, c) enters top[c] in cycle m + c: the memory
//  (skew 1)   |          |          that holds it is banked by column, and needs no skew. It leaves
//          bottom[0]  bottom[1]     at bottom[c], visible from cycle m + R + c on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include "rtl_models/systemc/skew_line.hpp"
#include "rtl_models/systemc/stationary_pe.hpp"

namespace potomac::rtl {

template <typename Unit>
class StationaryArray : public sc_core::sc_module {
 public:
  using Operand = typename Unit::Operand;
  using Value = typename Unit::Value;
  using Stream = StreamSlot<Operand>;
  using Tile = TileSlot<Operand>;
  using Sum = PartialSum<Value>;

  sc_core::sc_in<bool> clk{"clk"};
  sc_core::sc_vector<sc_core::sc_in<Stream>> west;
  sc_core::sc_vector<sc_core::sc_in<Tile>> north;
  sc_core::sc_vector<sc_core::sc_in<Sum>> top;
  sc_core::sc_vector<sc_core::sc_out<Sum>> bottom;  // the bottom row's partial-sum registers

  // Precondition: rows >= 1, cols >= 1. `config` outlives the array.
  StationaryArray(const sc_core::sc_module_name& name, std::size_t rows, std::size_t cols,
                  const typename Unit::Config& config, bool double_buffered)
      : sc_module(name),
        west("west", rows),
        north("north", cols),
        top("top", cols),
        bottom("bottom", cols),
        rows_(rows),
        cols_(cols),
        east_("east", rows * cols),
        loaded_("loaded", rows * cols),
        sum_("sum", rows * cols),
        row_skewed_("row_skewed", rows),
        column_skewed_("column_skewed", cols) {
    for (std::size_t r = 1; r < rows; ++r) {
      row_skew_.push_back(make_skew<Stream>("row_skew", r, west[r], row_skewed_[r]));
    }
    for (std::size_t c = 1; c < cols; ++c) {
      column_skew_.push_back(make_skew<Tile>("column_skew", c, north[c], column_skewed_[c]));
    }
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < cols; ++c) {
        place_pe(r, c, config, double_buffered);
      }
    }
  }

  PeCounters counters() const {
    PeCounters sum;
    for (const auto& pe : pes_) {
      sum += pe->counters();
    }
    return sum;
  }

  std::uint64_t skew_register_writes() const {
    std::uint64_t sum = 0;
    for (const auto& line : row_skew_) {
      sum += line->register_writes();
    }
    for (const auto& line : column_skew_) {
      sum += line->register_writes();
    }
    return sum;
  }

  void reset_counters() {
    for (auto& pe : pes_) {
      pe->reset_counters();
    }
    for (auto& line : row_skew_) {
      line->reset_counters();
    }
    for (auto& line : column_skew_) {
      line->reset_counters();
    }
  }

  // Every register of the array, in a scope for each PE.
  void trace_registers(sc_core::sc_trace_file* file) const {
    sc_core::sc_trace(file, clk, std::string(name()) + ".clk");
    for (const auto& line : row_skew_) {
      line->trace_registers(file, line->name());
    }
    for (const auto& line : column_skew_) {
      line->trace_registers(file, line->name());
    }
    for (const auto& pe : pes_) {
      pe->trace_registers(file, pe->name());
    }
  }

 private:
  using Pe = StationaryPe<Unit>;

  template <typename Slot, typename Port>
  std::unique_ptr<SkewLine<Slot>> make_skew(const char* kind, std::size_t depth, Port& in,
                                            sc_core::sc_signal<Slot>& out) {
    const std::string name = std::string(kind) + "_" + std::to_string(depth);
    auto line = std::make_unique<SkewLine<Slot>>(name.c_str(), depth);
    line->clk.bind(clk);
    line->in.bind(in);
    line->out.bind(out);
    return line;
  }

  void place_pe(std::size_t r, std::size_t c, const typename Unit::Config& config,
                bool double_buffered) {
    const std::string name = "pe_" + std::to_string(r) + "_" + std::to_string(c);
    auto pe = std::make_unique<Pe>(name.c_str(), config, double_buffered);
    const std::size_t here = r * cols_ + c;
    pe->clk.bind(clk);
    if (c > 0) {
      pe->west.bind(east_[here - 1]);
    } else if (r > 0) {
      pe->west.bind(row_skewed_[r]);
    } else {
      pe->west.bind(west[0]);
    }
    if (c > 0) {
      pe->column.bind(column_skewed_[c]);
    } else {
      pe->column.bind(north[0]);
    }
    if (r > 0) {
      pe->above.bind(loaded_[here - cols_]);
      pe->north.bind(sum_[here - cols_]);
    } else {
      if (c > 0) {
        pe->above.bind(column_skewed_[c]);
      } else {
        pe->above.bind(north[0]);
      }
      pe->north.bind(top[c]);
    }
    pe->east.bind(east_[here]);
    pe->below.bind(loaded_[here]);
    if (r + 1 == rows_) {
      pe->south.bind(bottom[c]);
    } else {
      pe->south.bind(sum_[here]);
    }
    pes_.push_back(std::move(pe));
  }

  std::size_t rows_;
  std::size_t cols_;
  sc_core::sc_vector<sc_core::sc_signal<Stream>> east_;
  sc_core::sc_vector<sc_core::sc_signal<Tile>> loaded_;
  sc_core::sc_vector<sc_core::sc_signal<Sum>> sum_;
  sc_core::sc_vector<sc_core::sc_signal<Stream>> row_skewed_;
  sc_core::sc_vector<sc_core::sc_signal<Tile>> column_skewed_;
  std::vector<std::unique_ptr<SkewLine<Stream>>> row_skew_;
  std::vector<std::unique_ptr<SkewLine<Tile>>> column_skew_;
  std::vector<std::unique_ptr<Pe>> pes_;
};

}  // namespace potomac::rtl
