// The output-stationary systolic array: R x C PEs, skew at its edges, drains under its columns.
//
//            north[0]   north[1]
//               |          |  (skew 1)
//   west[0] -- PE00 ----- PE01
//               |          |
//   west[1] -- PE10 ----- PE11
//  (skew 1)     |          |
//            result[0]  result[1]
//
// Element (m, k) of the first operand enters west[m mod R] in cycle k, unskewed; element (n, k) of
// the second enters north[n mod C]. PE (r, c) sees both in cycle k + r + c, counted from the first
// edge at which PE (0, 0) sees a valid pair. Results leave result[c] bottom row first, at edges at
// which drain[c] shifts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "rtl_models/systemc/column_drain.hpp"
#include "rtl_models/systemc/output_stationary_pe.hpp"
#include "rtl_models/systemc/skew_line.hpp"

namespace potomac::rtl {

template <typename Unit>
class OutputStationaryArray : public sc_core::sc_module {
 public:
  using Operand = typename Unit::Operand;
  using Value = typename Unit::Value;
  using Row = RowSlot<Operand>;
  using Column = ColumnSlot<Operand>;
  using Result = ResultSlot<Value>;

  sc_core::sc_in<bool> clk{"clk"};
  sc_core::sc_vector<sc_core::sc_in<Row>> west;
  sc_core::sc_vector<sc_core::sc_in<Column>> north;
  sc_core::sc_vector<sc_core::sc_out<Result>> result;       // of the bottom row's shadow registers
  sc_core::sc_vector<sc_core::sc_out<DrainCommand>> drain;  // shift: result[c] leaves at this edge

  // Precondition: rows >= 1, cols >= 1. `config` outlives the array.
  OutputStationaryArray(const sc_core::sc_module_name& name, std::size_t rows, std::size_t cols,
                        const typename Unit::Config& config)
      : sc_module(name),
        west("west", rows),
        north("north", cols),
        result("result", cols),
        drain("drain", cols),
        rows_(rows),
        cols_(cols),
        east_("east", rows * cols),
        south_("south", rows * cols),
        shadow_("shadow", rows * cols),
        row_skewed_("row_skewed", rows),
        column_skewed_("column_skewed", cols) {
    for (std::size_t r = 1; r < rows; ++r) {
      row_skew_.push_back(make_skew<Row>("row_skew", r, west[r], row_skewed_[r]));
    }
    for (std::size_t c = 1; c < cols; ++c) {
      column_skew_.push_back(make_skew<Column>("column_skew", c, north[c], column_skewed_[c]));
    }
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < cols; ++c) {
        place_pe(r, c, config);
      }
    }
    for (std::size_t c = 0; c < cols; ++c) {
      place_drain(c);
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
    const std::string prefix = name();
    sc_core::sc_trace(file, clk, prefix + ".clk");
    for (const auto& line : row_skew_) {
      line->trace_registers(file, line->name());
    }
    for (const auto& line : column_skew_) {
      line->trace_registers(file, line->name());
    }
    for (const auto& pe : pes_) {
      pe->trace_registers(file, pe->name());
    }
    for (std::size_t c = 0; c < cols_; ++c) {
      sc_trace(file, drain[c]->read(), prefix + ".drain_" + std::to_string(c));
    }
  }

 private:
  using Pe = OutputStationaryPe<Unit>;

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

  void place_pe(std::size_t r, std::size_t c, const typename Unit::Config& config) {
    const std::string name = "pe_" + std::to_string(r) + "_" + std::to_string(c);
    auto pe = std::make_unique<Pe>(name.c_str(), config);
    const std::size_t here = r * cols_ + c;
    pe->clk.bind(clk);
    if (c > 0) {
      pe->west.bind(east_[here - 1]);
    } else if (r > 0) {
      pe->west.bind(row_skewed_[r]);
    } else {
      pe->west.bind(west[0]);
    }
    if (r > 0) {
      pe->north.bind(south_[here - cols_]);
      pe->shadow_above.bind(shadow_[here - cols_]);
    } else {
      if (c > 0) {
        pe->north.bind(column_skewed_[c]);
      } else {
        pe->north.bind(north[0]);
      }
      pe->shadow_above.bind(no_result_);
    }
    pe->drain.bind(drain[c]);
    pe->east.bind(east_[here]);
    pe->south.bind(south_[here]);
    if (r + 1 == rows_) {
      pe->shadow.bind(result[c]);
    } else {
      pe->shadow.bind(shadow_[here]);
    }
    pes_.push_back(std::move(pe));
  }

  void place_drain(std::size_t c) {
    const std::string name = "column_drain_" + std::to_string(c);
    auto unit = std::make_unique<ColumnDrain<Operand>>(name.c_str(), rows_);
    unit->clk.bind(clk);
    if (rows_ > 1) {
      unit->bottom_operand.bind(south_[(rows_ - 2) * cols_ + c]);
    } else if (c > 0) {
      unit->bottom_operand.bind(column_skewed_[c]);
    } else {
      unit->bottom_operand.bind(north[0]);
    }
    unit->drain.bind(drain[c]);
    drains_.push_back(std::move(unit));
  }

  std::size_t rows_;
  std::size_t cols_;
  sc_core::sc_vector<sc_core::sc_signal<Row>> east_;
  sc_core::sc_vector<sc_core::sc_signal<Column>> south_;
  sc_core::sc_vector<sc_core::sc_signal<Result>> shadow_;
  sc_core::sc_vector<sc_core::sc_signal<Row>> row_skewed_;
  sc_core::sc_vector<sc_core::sc_signal<Column>> column_skewed_;
  sc_core::sc_signal<Result> no_result_{"no_result"};
  std::vector<std::unique_ptr<SkewLine<Row>>> row_skew_;
  std::vector<std::unique_ptr<SkewLine<Column>>> column_skew_;
  std::vector<std::unique_ptr<Pe>> pes_;
  std::vector<std::unique_ptr<ColumnDrain<Operand>>> drains_;
};

}  // namespace potomac::rtl
