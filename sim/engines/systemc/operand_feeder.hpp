// Puts the slots that the controller asks for on one edge of an output-stationary array.
#pragma once

#include <cstddef>
#include <optional>
#include <systemc>
#include <utility>

#include "sim/engines/systemc/fold_controller.hpp"
#include "sim/engines/systemc/operand_source.hpp"

namespace potomac::sim {

template <typename Operand, typename Slot>
class OperandFeeder : public sc_core::sc_module {
 public:
  sc_core::sc_in<FeedCommand> command{"command"};
  sc_core::sc_vector<sc_core::sc_out<Slot>> out;

  OperandFeeder(const sc_core::sc_module_name& name, Edge edge, std::size_t lanes)
      : sc_module(name), out("out", lanes), stream_(edge) {
    SC_HAS_PROCESS(OperandFeeder);
    SC_METHOD(on_command);
    sensitive << command;
    dont_initialize();
  }

  void start(OperandSource<Operand> source) {
    stream_.start(source.elements);
    source_.emplace(std::move(source));
  }

 private:
  void on_command() {
    const FeedCommand& now = command->read();
    const std::size_t lanes = now.valid ? stream_.seek(now) : 0;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      Slot slot;
      slot.operand = source_->translate(stream_.at(lane));
      slot.valid = true;
      if constexpr (requires { slot.first; }) {
        slot.first = now.slot == 0;
        slot.last = now.slot == now.fold.k.size() - 1;
      }
      out[lane]->write(slot);
    }
    for (std::size_t lane = lanes; lane < lanes_driven_; ++lane) {
      out[lane]->write(Slot{});
    }
    lanes_driven_ = lanes;
  }

  DepthStream<typename OperandSource<Operand>::Element> stream_;
  std::optional<OperandSource<Operand>> source_;
  std::size_t lanes_driven_ = 0;  // whose wire holds a valid slot
};

}  // namespace potomac::sim
