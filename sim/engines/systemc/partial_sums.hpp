// The results scratchpad of a stationary array, between the bottom of its columns and their top
// (stepping/result_places.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <systemc>
#include <utility>
#include <vector>

#include "rtl_models/systemc/slots.hpp"
#include "sim/engines/stepping/result_places.hpp"
#include "sim/engines/systemc/array_system.hpp"

namespace potomac::sim {

template <typename Unit>
class PartialSums : public sc_core::sc_module {
 public:
  using Value = typename Unit::Value;
  using Sum = rtl::PartialSum<Value>;
  using Take = typename ArraySystem<Unit>::Take;

  sc_core::sc_in<bool> clk{"clk"};
  sc_core::sc_in<FeedCommand> command{"command"};
  sc_core::sc_vector<sc_core::sc_in<Sum>> bottom;
  sc_core::sc_vector<sc_core::sc_out<Sum>> top;

  PartialSums(const sc_core::sc_module_name& name, std::size_t cols)
      : sc_module(name), bottom("bottom", cols), top("top", cols) {
    SC_HAS_PROCESS(PartialSums);
    SC_METHOD(on_clock);
    // It works between the array's edges: it sees what the bottom registers took at the one before,
    // and has the top's wires ready for the next.
    sensitive << clk.neg();
    dont_initialize();
  }

  void start(const Schedule& schedule, Take take) {
    take_ = std::move(take);
    received_ = 0;
    overflowed_ = 0;
    commands_.assign(bottom.size(), {});
    newest_ = 0;
    banks_.start(schedule, bottom.size());
  }

  std::int64_t received() const { return received_; }
  // Of the results received, those with turns.
  std::uint64_t overflowed() const { return overflowed_; }

 private:
  void on_clock() {
    if (banks_.columns() == 0) {
      return;
    }
    newest_ = (newest_ + 1) % commands_.size();
    commands_[newest_] = command->read();
    for (std::size_t c = 0; c < banks_.columns(); ++c) {
      const Sum& sum = bottom[c]->read();
      if (!sum.valid) {
        continue;
      }
      if (const auto place = banks_.take_in(c, {sum.value, sum.turns})) {
        take_(*place, sum.value);
        received_ += 1;
        overflowed_ += sum.turns != 0 ? 1 : 0;
      }
    }
    for (std::size_t c = 0; c < banks_.columns(); ++c) {
      // Column c is c cycles behind the array's corner.
      const FeedCommand& now = commands_[(newest_ + commands_.size() - c) % commands_.size()];
      const auto kept = banks_.give_out(c, now);
      top[c]->write(kept ? Sum{kept->value, true, kept->turns} : Sum{});
    }
  }

  struct Kept {
    Value value{};
    std::int32_t turns = 0;
  };

  Take take_;
  PartialSumBanks<Kept> banks_;
  std::vector<FeedCommand> commands_;  // of the last C cycles
  std::size_t newest_ = 0;
  std::int64_t received_ = 0;
  std::uint64_t overflowed_ = 0;
};

}  // namespace potomac::sim
