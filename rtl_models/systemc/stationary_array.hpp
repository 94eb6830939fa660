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
#include <memory>
#include <systemc>
#include <utility>

#include "rtl_models/systemc/array_frame.hpp"
#include "rtl_models/systemc/stationary_pe.hpp"

namespace potomac::rtl {

template <typename Unit>
class StationaryArray : public ArrayFrame<StationaryPe<Unit>, StreamSlot<typename Unit::Operand>,
                                          TileSlot<typename Unit::Operand>> {
 public:
  using Operand = typename Unit::Operand;
  using Value = typename Unit::Value;
  using Stream = StreamSlot<Operand>;
  using Tile = TileSlot<Operand>;
  using Sum = PartialSum<Value>;

  sc_core::sc_vector<sc_core::sc_in<Sum>> top;
  sc_core::sc_vector<sc_core::sc_out<Sum>> bottom;  // the bottom row's partial-sum registers

  // Every register of the array, in a scope for each PE, and the sums that enter.
  void trace_registers(Waveform& waveform) const {
    Frame::trace_registers(waveform);
    this->add_edge(waveform, top, std::string(this->name()) + ".top");
  }

  // Precondition: rows >= 1, cols >= 1. `config` outlives the array.
  StationaryArray(const sc_core::sc_module_name& name, std::size_t rows, std::size_t cols,
                  const typename Unit::Config& config, bool double_buffered)
      : Frame(name, rows, cols),
        top("top", cols),
        bottom("bottom", cols),
        loaded_("loaded", rows * cols),
        sum_("sum", rows * cols) {
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < cols; ++c) {
        place_pe(r, c, config, double_buffered);
      }
    }
  }

 private:
  using Pe = StationaryPe<Unit>;
  using Frame = ArrayFrame<Pe, Stream, Tile>;

  void place_pe(std::size_t r, std::size_t c, const typename Unit::Config& config,
                bool double_buffered) {
    auto pe = std::make_unique<Pe>(this->pe_name(r, c).c_str(), config, double_buffered);
    this->bind_row(*pe, r, c);
    this->bind_column_top(pe->column, c);
    if (r > 0) {
      pe->above.bind(loaded_[this->position(r - 1, c)]);
      pe->north.bind(sum_[this->position(r - 1, c)]);
    } else {
      this->bind_column_top(pe->above, c);
      pe->north.bind(top[c]);
    }
    pe->below.bind(loaded_[this->position(r, c)]);
    if (r + 1 == this->rows_) {
      pe->south.bind(bottom[c]);
    } else {
      pe->south.bind(sum_[this->position(r, c)]);
    }
    this->pes_.push_back(std::move(pe));
  }

  sc_core::sc_vector<sc_core::sc_signal<Tile>> loaded_;
  sc_core::sc_vector<sc_core::sc_signal<Sum>> sum_;
};

}  // namespace potomac::rtl
