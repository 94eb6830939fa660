// What puts operands on the edges of a stationary array: the rows of a tile at its top, the
// streaming operand at its west.
#pragma once

#include <cstdint>
#include <optional>
#include <systemc>
#include <utility>
#include <vector>

#include "rtl_models/systemc/slots.hpp"
#include "sim/engines/systemc/fold_controller.hpp"
#include "sim/engines/systemc/operand_source.hpp"

namespace potomac::sim {

// In weight stationary the second operand stays and lies along the columns by n, the first streams
// by m; in input stationary the other way round. Both have k along the rows.
inline const Range& kept_range(const Fold& fold, Dataflow dataflow) {
  return dataflow == Dataflow::kWeightStationary ? fold.n : fold.m;
}

inline const Range& streamed_range(const Fold& fold, Dataflow dataflow) {
  return dataflow == Dataflow::kWeightStationary ? fold.m : fold.n;
}

// Element (slot, k) of the streaming operand enters row k of the array.
template <typename Operand>
class StreamFeeder : public sc_core::sc_module {
 public:
  using Slot = rtl::StreamSlot<Operand>;

  sc_core::sc_in<FeedCommand> command{"command"};
  sc_core::sc_vector<sc_core::sc_out<Slot>> out;

  StreamFeeder(const sc_core::sc_module_name& name, Dataflow dataflow, std::size_t lanes)
      : sc_module(name), out("out", lanes), dataflow_(dataflow) {
    SC_HAS_PROCESS(StreamFeeder);
    SC_METHOD(on_command);
    sensitive << command;
    dont_initialize();
  }

  void start(OperandSource<Operand> source) { source_.emplace(std::move(source)); }

 private:
  void on_command() {
    const FeedCommand& now = command->read();
    const std::size_t lanes =
        now.valid ? static_cast<std::size_t>(now.fold.k.size()) : std::size_t{0};
    if (now.valid) {
      codes_.resize(lanes);
      source_->fetch(now.fold.gemm, streamed_range(now.fold, dataflow_).begin + now.slot,
                     now.fold.k.begin, codes_);
    }
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      out[lane]->write({source_->translate(codes_[lane]), true, now.slot == 0});
    }
    for (std::size_t lane = lanes; lane < lanes_driven_; ++lane) {
      out[lane]->write(Slot{});
    }
    lanes_driven_ = lanes;
  }

  Dataflow dataflow_;
  std::optional<OperandSource<Operand>> source_;
  std::vector<rtl::PotCode> codes_;
  std::size_t lanes_driven_ = 0;  // whose wire holds a valid slot
};

// Row k of a tile enters all columns at once; where the tile has no element, a slot that clears.
template <typename Operand>
class TileFeeder : public sc_core::sc_module {
 public:
  using Slot = rtl::TileSlot<Operand>;

  sc_core::sc_in<FeedCommand> command{"command"};
  sc_core::sc_vector<sc_core::sc_out<Slot>> out;

  TileFeeder(const sc_core::sc_module_name& name, Dataflow dataflow, std::size_t lanes)
      : sc_module(name), out("out", lanes), dataflow_(dataflow) {
    SC_HAS_PROCESS(TileFeeder);
    SC_METHOD(on_command);
    sensitive << command;
    dont_initialize();
  }

  void start(OperandSource<Operand> source) {
    source_.emplace(std::move(source));
    tile_number_ = -1;
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
    if (now.load_number != tile_number_) {
      fetch_tile(now);
    }
    const auto depth = static_cast<std::size_t>(now.load.k.size());
    const auto row = static_cast<std::size_t>(now.row);
    for (std::size_t lane = 0; lane < out.size(); ++lane) {
      Slot slot{.moving = true, .settle = now.row == 0};
      if (row < depth && lane < lanes_) {
        slot.operand = source_->translate(tile_[lane * depth + row]);
        slot.valid = true;
      }
      out[lane]->write(slot);
    }
    driven_ = true;
  }

  void fetch_tile(const FeedCommand& now) {
    tile_number_ = now.load_number;
    const Range& kept = kept_range(now.load, dataflow_);
    const auto depth = static_cast<std::size_t>(now.load.k.size());
    lanes_ = static_cast<std::size_t>(kept.size());
    tile_.resize(lanes_ * depth);
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      source_->fetch(now.load.gemm, kept.begin + static_cast<std::int64_t>(lane), now.load.k.begin,
                     {tile_.data() + lane * depth, depth});
    }
  }

  Dataflow dataflow_;
  std::optional<OperandSource<Operand>> source_;
  std::vector<rtl::PotCode> tile_;  // [column][k]
  std::int64_t tile_number_ = -1;   // of its fold
  std::size_t lanes_ = 0;           // columns that the tile has
  bool driven_ = false;
};

}  // namespace potomac::sim
