// Puts the slots that the controller asks for on one edge of an output-stationary array.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <systemc>
#include <utility>
#include <vector>

#include "sim/engines/systemc/fold_controller.hpp"
#include "sim/engines/systemc/operand_source.hpp"

namespace potomac::sim {

// Operands are fetched in blocks of depth, so that a feeder's memory does not grow with k.
template <typename Operand, typename Slot>
class OperandFeeder : public sc_core::sc_module {
 public:
  enum class Edge { kWest, kNorth };  // fed by the first operand, by the second

  sc_core::sc_in<FeedCommand> command{"command"};
  sc_core::sc_vector<sc_core::sc_out<Slot>> out;

  OperandFeeder(const sc_core::sc_module_name& name, Edge edge, std::size_t lanes)
      : sc_module(name), out("out", lanes), edge_(edge) {
    SC_HAS_PROCESS(OperandFeeder);
    SC_METHOD(on_command);
    sensitive << command;
    dont_initialize();
  }

  void start(OperandSource<Operand> source) {
    source_.emplace(std::move(source));
    block_number_ = -1;
  }

 private:
  static constexpr std::int64_t kBlockDepth = 1024;

  void on_command() {
    const FeedCommand& now = command->read();
    if (!now.valid) {
      for (std::size_t lane = 0; lane < lanes_driven_; ++lane) {
        out[lane]->write(Slot{});
      }
      lanes_driven_ = 0;
      return;
    }
    if (now.number != block_number_ || now.slot < block_begin_ ||
        now.slot >= block_begin_ + block_depth_) {
      load_block(now);
    }
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      Slot slot;
      slot.operand = source_->translate(block_[lane * static_cast<std::size_t>(block_depth_) +
                                               static_cast<std::size_t>(now.slot - block_begin_)]);
      slot.valid = true;
      if constexpr (requires { slot.first; }) {
        slot.first = now.slot == 0;
        slot.last = now.slot == now.fold.k.size() - 1;
      }
      out[lane]->write(slot);
    }
    for (std::size_t lane = lanes_; lane < lanes_driven_; ++lane) {
      out[lane]->write(Slot{});
    }
    lanes_driven_ = lanes_;
  }

  void load_block(const FeedCommand& now) {
    block_number_ = now.number;
    block_begin_ = now.slot;
    block_depth_ = std::min(kBlockDepth, now.fold.k.size() - now.slot);
    const Range& range = edge_ == Edge::kWest ? now.fold.m : now.fold.n;
    lanes_ = static_cast<std::size_t>(range.size());
    const auto depth = static_cast<std::size_t>(block_depth_);
    block_.resize(lanes_ * depth);
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      source_->fetch(now.fold.gemm, range.begin + static_cast<std::int64_t>(lane),
                     now.fold.k.begin + block_begin_, {block_.data() + lane * depth, depth});
    }
  }

  Edge edge_;
  std::optional<OperandSource<Operand>> source_;
  std::vector<rtl::PotCode> block_;  // [lane][depth] from block_begin_ on
  std::int64_t block_number_ = -1;   // of its fold
  std::int64_t block_begin_ = 0;
  std::int64_t block_depth_ = 0;
  std::size_t lanes_ = 0;         // occupied by the fold in hand
  std::size_t lanes_driven_ = 0;  // whose wire holds a valid slot
};

}  // namespace potomac::sim
