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
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "rtl_models/systemc/array_frame.hpp"
#include "rtl_models/systemc/column_drain.hpp"
#include "rtl_models/systemc/output_stationary_pe.hpp"

namespace potomac::rtl {

template <typename Unit>
class OutputStationaryArray
    : public ArrayFrame<OutputStationaryPe<Unit>, RowSlot<typename Unit::Operand>,
                        ColumnSlot<typename Unit::Operand>> {
 public:
  using Operand = typename Unit::Operand;
  using Value = typename Unit::Value;
  using Row = RowSlot<Operand>;
  using Column = ColumnSlot<Operand>;
  using Result = ResultSlot<Value>;

  sc_core::sc_vector<sc_core::sc_out<Result>> result;       // of the bottom row's shadow registers
  sc_core::sc_vector<sc_core::sc_out<DrainCommand>> drain;  // shift: result[c] leaves at this edge

  // Precondition: rows >= 1, cols >= 1. `config` outlives the array.
  OutputStationaryArray(const sc_core::sc_module_name& name, std::size_t rows, std::size_t cols,
                        const typename Unit::Config& config)
      : Frame(name, rows, cols),
        result("result", cols),
        drain("drain", cols),
        south_("south", rows * cols),
        shadow_("shadow", rows * cols) {
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < cols; ++c) {
        place_pe(r, c, config);
      }
    }
    for (std::size_t c = 0; c < cols; ++c) {
      place_drain(c);
    }
  }

  // Every register of the array, in a scope for each PE.
  void trace_registers(Waveform& waveform) const {
    Frame::trace_registers(waveform);
    for (const auto& unit : drains_) {
      unit->trace_registers(waveform);
    }
  }

 private:
  using Pe = OutputStationaryPe<Unit>;
  using Frame = ArrayFrame<Pe, Row, Column>;

  void place_pe(std::size_t r, std::size_t c, const typename Unit::Config& config) {
    auto pe = std::make_unique<Pe>(this->pe_name(r, c).c_str(), config);
    this->bind_row(*pe, r, c);
    if (r > 0) {
      pe->north.bind(south_[this->position(r - 1, c)]);
      pe->shadow_above.bind(shadow_[this->position(r - 1, c)]);
    } else {
      this->bind_column_top(pe->north, c);
      pe->shadow_above.bind(no_result_);
    }
    pe->drain.bind(drain[c]);
    pe->south.bind(south_[this->position(r, c)]);
    if (r + 1 == this->rows_) {
      pe->shadow.bind(result[c]);
    } else {
      pe->shadow.bind(shadow_[this->position(r, c)]);
    }
    this->pes_.push_back(std::move(pe));
  }

  void place_drain(std::size_t c) {
    const std::string name = "column_drain_" + std::to_string(c);
    auto unit = std::make_unique<ColumnDrain<Operand>>(name.c_str(), this->rows_);
    unit->clk.bind(this->clk);
    if (this->rows_ > 1) {
      unit->bottom_operand.bind(south_[this->position(this->rows_ - 2, c)]);
    } else {
      this->bind_column_top(unit->bottom_operand, c);
    }
    unit->drain.bind(drain[c]);
    drains_.push_back(std::move(unit));
  }

  sc_core::sc_vector<sc_core::sc_signal<Column>> south_;
  sc_core::sc_vector<sc_core::sc_signal<Result>> shadow_;
  sc_core::sc_signal<Result> no_result_{"no_result"};
  std::vector<std::unique_ptr<ColumnDrain<Operand>>> drains_;
};

}  // namespace potomac::rtl
