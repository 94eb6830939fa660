// Takes results from under the columns of an output-stationary array. Each column delivers its
// folds in order, the bottom row of a fold first, so that a count per column says which element of
// which output a result is.
#pragma once

#include <cstdint>
#include <functional>
#include <systemc>
#include <utility>
#include <vector>

#include "rtl_models/systemc/waveform.hpp"
#include "sim/engines/systemc/array_system.hpp"
#include "sim/machine/schedule.hpp"

namespace potomac::sim {

template <typename Value>
class ResultCollector : public sc_core::sc_module {
 public:
  using Take = std::function<void(const ResultPlace& place, Value value)>;

  sc_core::sc_in<bool> clk{"clk"};
  sc_core::sc_vector<sc_core::sc_in<rtl::ResultSlot<Value>>> result;
  sc_core::sc_vector<sc_core::sc_in<rtl::DrainCommand>> drain;

  ResultCollector(const sc_core::sc_module_name& name, std::size_t cols)
      : sc_module(name), result("result", cols), drain("drain", cols) {
    SC_HAS_PROCESS(ResultCollector);
    SC_METHOD(on_clock);
    sensitive << clk.pos();
    dont_initialize();
  }

  void start(const Schedule& schedule, Take take) {
    take_ = std::move(take);
    received_ = 0;
    columns_.assign(result.size(), Column{Schedule::Walk(schedule), {}, 0});
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      find_fold(c);
    }
  }

  std::int64_t received() const { return received_; }

 private:
  struct Column {
    Schedule::Walk walk;
    Fold fold;
    std::int64_t rows_left = 0;
  };

  void on_clock() {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (!drain[c]->read().shift || !result[c]->read().valid) {
        continue;
      }
      Column& column = columns_[c];
      column.rows_left -= 1;
      take_({column.walk.number(), &column.fold, column.fold.m.begin + column.rows_left,
             column.fold.n.begin + static_cast<std::int64_t>(c)},
            result[c]->read().value);
      received_ += 1;
      if (column.rows_left == 0) {
        column.walk.next_fold();
        find_fold(c);
      }
    }
  }

  // The next fold, from the one in hand on, that occupies this column.
  void find_fold(std::size_t c) {
    Column& column = columns_[c];
    for (; !column.walk.done(); column.walk.next_fold()) {
      column.fold = column.walk.fold();
      if (static_cast<std::int64_t>(c) < column.fold.n.size()) {
        column.rows_left = column.fold.m.size();
        return;
      }
    }
  }

  Take take_;
  std::vector<Column> columns_;
  std::int64_t received_ = 0;
};

}  // namespace potomac::sim
