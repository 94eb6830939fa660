// Takes results from under the columns of an output-stationary array.
#pragma once

#include <cstdint>
#include <functional>
#include <systemc>
#include <utility>

#include "rtl_models/systemc/waveform.hpp"
#include "sim/engines/stepping/result_places.hpp"
#include "sim/engines/systemc/array_system.hpp"

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
    places_.start(schedule, result.size());
  }

  std::int64_t received() const { return received_; }

 private:
  void on_clock() {
    for (std::size_t c = 0; c < result.size(); ++c) {
      if (drain[c]->read().shift && result[c]->read().valid) {
        take_(places_.next(c), result[c]->read().value);
        received_ += 1;
      }
    }
  }

  Take take_;
  DrainedResults places_;
  std::int64_t received_ = 0;
};

}  // namespace potomac::sim
