// What the systolic arrays share: R x C PEs, the edges that are fed from the west and the north,
// the skew behind these edges, counters and waveforms. An array adds what is between its PEs.
//
//            north[0]   north[1]
//               |          |  (skew 1)
//   west[0] -- PE00 ----- PE01
//               |          |
//   west[1] -- PE10 ----- PE11
//  (skew 1)     |          |
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "rtl_models/arithmetic/pe_counters.hpp"
#include "rtl_models/systemc/skew_line.hpp"

namespace potomac::rtl {

// `WestSlot` travels east along a row, `NorthSlot` enters the columns.
template <typename Pe, typename WestSlot, typename NorthSlot>
class ArrayFrame : public sc_core::sc_module {
 public:
  sc_core::sc_in<bool> clk{"clk"};
  sc_core::sc_vector<sc_core::sc_in<WestSlot>> west;
  sc_core::sc_vector<sc_core::sc_in<NorthSlot>> north;

  PeCounters counters() const {
    PeCounters sum;
    for (const auto& pe : pes_) {
      sum += pe->counters();
    }
    return sum;
  }

  // Of each PE, row by row.
  std::vector<PeCounters> counters_of_pes() const {
    std::vector<PeCounters> counters;
    counters.reserve(pes_.size());
    for (const auto& pe : pes_) {
      counters.push_back(pe->counters());
    }
    return counters;
  }

  std::uint64_t skew_register_writes() const {
    std::uint64_t sum = 0;
    for_each_skew_line([&sum](const auto& line) { sum += line.register_writes(); });
    return sum;
  }

  std::uint64_t row_skew_register_writes() const {
    std::uint64_t sum = 0;
    for (const auto& line : row_skew_) {
      sum += line->register_writes();
    }
    return sum;
  }

  std::uint64_t skew_register_toggles() const {
    std::uint64_t sum = 0;
    for_each_skew_line([&sum](const auto& line) { sum += line.register_toggles(); });
    return sum;
  }

  // Makes it as a pass finds it: see the PEs' and the skew lines' own.
  void reset() {
    for (auto& pe : pes_) {
      pe->reset();
    }
    for_each_skew_line([](auto& line) { line.reset(); });
  }

  // What enters at the frame's edges, and its every register, in a scope for each PE.
  void trace_registers(Waveform& waveform) const {
    const std::string prefix = name();
    waveform.add(clk->read(), prefix + ".clk");
    add_edge(waveform, west, prefix + ".west");
    add_edge(waveform, north, prefix + ".north");
    for_each_skew_line([&waveform](const auto& line) { line.trace_registers(waveform); });
    for (const auto& pe : pes_) {
      pe->trace_registers(waveform);
    }
  }

 protected:
  // Precondition: rows >= 1, cols >= 1.
  ArrayFrame(const sc_core::sc_module_name& name, std::size_t rows, std::size_t cols)
      : sc_module(name),
        west("west", rows),
        north("north", cols),
        rows_(rows),
        cols_(cols),
        east_("east", rows * cols),
        row_skewed_("row_skewed", rows),
        column_skewed_("column_skewed", cols) {
    for (std::size_t r = 1; r < rows; ++r) {
      row_skew_.push_back(make_skew<WestSlot>("row_skew", r, west[r], row_skewed_[r]));
    }
    for (std::size_t c = 1; c < cols; ++c) {
      column_skew_.push_back(make_skew<NorthSlot>("column_skew", c, north[c], column_skewed_[c]));
    }
  }

  // Wires of an edge: prefix_0, prefix_1 ...
  template <typename Ports>
  static void add_edge(Waveform& waveform, const Ports& ports, const std::string& prefix) {
    for (std::size_t i = 0; i < ports.size(); ++i) {
      waveform.add(ports[i]->read(), prefix + "_" + std::to_string(i));
    }
  }

  std::size_t position(std::size_t r, std::size_t c) const { return r * cols_ + c; }
  static std::string pe_name(std::size_t r, std::size_t c) {
    return "pe_" + std::to_string(r) + "_" + std::to_string(c);
  }

  // Binds a PE's clock and the wires along its row.
  void bind_row(Pe& pe, std::size_t r, std::size_t c) {
    pe.clk.bind(clk);
    if (c > 0) {
      pe.west.bind(east_[position(r, c - 1)]);
    } else if (r > 0) {
      pe.west.bind(row_skewed_[r]);
    } else {
      pe.west.bind(west[0]);
    }
    pe.east.bind(east_[position(r, c)]);
  }

  // Binds a port to what enters the top of column c: skewed, or in column 0 as it came.
  template <typename Port>
  void bind_column_top(Port& port, std::size_t c) {
    if (c > 0) {
      port.bind(column_skewed_[c]);
    } else {
      port.bind(north[0]);
    }
  }

  std::size_t rows_;
  std::size_t cols_;
  std::vector<std::unique_ptr<Pe>> pes_;  // row-major

 private:
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

  template <typename Visit>
  void for_each_skew_line(const Visit& visit) const {
    for (const auto& line : row_skew_) {
      visit(*line);
    }
    for (const auto& line : column_skew_) {
      visit(*line);
    }
  }

  sc_core::sc_vector<sc_core::sc_signal<WestSlot>> east_;
  sc_core::sc_vector<sc_core::sc_signal<WestSlot>> row_skewed_;
  sc_core::sc_vector<sc_core::sc_signal<NorthSlot>> column_skewed_;
  std::vector<std::unique_ptr<SkewLine<WestSlot>>> row_skew_;
  std::vector<std::unique_ptr<SkewLine<NorthSlot>>> column_skew_;
};

}  // namespace potomac::rtl
