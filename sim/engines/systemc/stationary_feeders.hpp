// What puts operands on the edges of a stationary array: the rows of a tile at its top, the
// streaming operand at its west.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <systemc>
#include <utility>

#include "rtl_models/systemc/slots.hpp"
#include "sim/engines/systemc/fold_controller.hpp"
#include "sim/engines/systemc/operand_source.hpp"

namespace potomac::sim {

template <typename Operand>
class StreamFeeder : public sc_core::sc_module {
 public:
  using Slot = rtl::StreamSlot<Operand>;

  sc_core::sc_in<FeedCommand> command{"command"};
  sc_core::sc_vector<sc_core::sc_out<Slot>> out;

  StreamFeeder(const sc_core::sc_module_name& name, Dataflow dataflow, std::size_t lanes)
      : sc_module(name), out("out", lanes), stream_(dataflow) {
    SC_HAS_PROCESS(StreamFeeder);
    SC_METHOD(on_command);
    sensitive << command;
    dont_initialize();
  }

  void start(OperandSource<Operand> source) {
    stream_.start(source.elements);
    source_.emplace(std::move(source));
  }

 private:
  using Element = typename OperandSource<Operand>::Element;

  void on_command() {
    const FeedCommand& now = command->read();
    std::span<const Element> row;
    if (now.valid) {
      row = stream_.row(now);
    }
    for (std::size_t lane = 0; lane < row.size(); ++lane) {
      out[lane]->write({source_->translate(row[lane]), true, now.slot == 0});
    }
    for (std::size_t lane = row.size(); lane < lanes_driven_; ++lane) {
      out[lane]->write(Slot{});
    }
    lanes_driven_ = row.size();
  }

  RowStream<Element> stream_;
  std::optional<OperandSource<Operand>> source_;
  std::size_t lanes_driven_ = 0;  // whose wire holds a valid slot
};

// Where a tile has no element, a slot that clears enters.
template <typename Operand>
class TileFeeder : public sc_core::sc_module {
 public:
  using Slot = rtl::TileSlot<Operand>;

  sc_core::sc_in<FeedCommand> command{"command"};
  sc_core::sc_vector<sc_core::sc_out<Slot>> out;

  TileFeeder(const sc_core::sc_module_name& name, Dataflow dataflow, std::size_t lanes)
      : sc_module(name), out("out", lanes), tile_(dataflow) {
    SC_HAS_PROCESS(TileFeeder);
    SC_METHOD(on_command);
    sensitive << command;
    dont_initialize();
  }

  void start(OperandSource<Operand> source) {
    tile_.start(source.elements);
    source_.emplace(std::move(source));
  }

 private:
  void on_command() {
    const FeedCommand& now = command->read();
    if (!now.loads) {
      for (std::size_t lane = 0; driven_ && lane < out.size(); ++lane) {
        out[lane]->write(Slot{});
      }
      driven_ = false;
      return;
    }
    tile_.seek(now);
    const auto row = static_cast<std::size_t>(now.row);
    for (std::size_t lane = 0; lane < out.size(); ++lane) {
      Slot slot{.moving = true, .settle = now.row == 0};
      if (tile_.has(row, lane)) {
        slot.operand = source_->translate(tile_.at(row, lane));
        slot.valid = true;
      }
      out[lane]->write(slot);
    }
    driven_ = true;
  }

  TileRows<typename OperandSource<Operand>::Element> tile_;
  std::optional<OperandSource<Operand>> source_;
  bool driven_ = false;
};

}  // namespace potomac::sim
