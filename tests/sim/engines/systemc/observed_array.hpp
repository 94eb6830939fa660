// The SystemC system with an observer in it, who writes down in which cycle each PE sees which
// operands and each result leaves. Cycle 0 is the first edge at which an operand enters the array.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <systemc>
#include <vector>

#include "rtl_models/systemc/mac_units.hpp"
#include "rtl_models/systemc/output_stationary_array.hpp"
#include "rtl_models/systemc/simulation_context.hpp"
#include "sim/engines/interface/widening.hpp"
#include "sim/engines/systemc/operand_source.hpp"
#include "sim/engines/systemc/output_stationary_system.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::test {

// One MAC slot of a PE.
struct Slot {
  std::int64_t cycle;
  std::int64_t row, col;
  rtl::PotCode first, second;  // in the PE's format
  bool starts, ends;           // the sum
};

struct Departure {
  std::int64_t cycle;
  std::int64_t gemm;
  std::int64_t m, n;
  std::int64_t value;
};

struct Observation {
  sim::Cycles cycles;  // as the system itself counts
  std::vector<Slot> slots;
  std::vector<Departure> departures;
  rtl::PeCounters counters;
  std::uint64_t skew_register_writes = 0;
};

class ObservedArray {
 public:
  explicit ObservedArray(sim::ArrayShape shape, sim::Issue issue = sim::Issue::kSerial)
      : shape_(shape) {
    const rtl::SimulationContext::Use use(context_);
    system_ = std::make_unique<System>("system", shape, issue, period());
    observer_ = std::make_unique<Observer>("observer", shape);
  }
  ~ObservedArray() {
    const rtl::SimulationContext::Use use(context_);
    observer_.reset();
    system_.reset();
  }
  ObservedArray(const ObservedArray&) = delete;
  ObservedArray& operator=(const ObservedArray&) = delete;

  Observation run(const workloads::LoweredPass& pass, const rtl::MfMacUnit::Config& config) {
    const rtl::SimulationContext::Use use(context_);
    const sim::Schedule schedule(pass.shapes(), shape_, sim::Dataflow::kOutputStationary);
    observer_->slots.clear();
    Observation seen;
    system_->start(
        {.schedule = schedule,
         .config = config,
         .first = {pass, sim::WhichOperand::kFirst,
                   sim::widening(pass.first().format(), config.format)},
         .second = {pass, sim::WhichOperand::kSecond,
                    sim::widening(pass.second().format(), config.format)},
         .take = [&](const sim::ResultPlace& place, std::int64_t value) {
           seen.departures.push_back({edge(), place.fold->gemm, place.m, place.n, value});
         }});
    sc_core::sc_start();
    seen.cycles = system_->cycles();
    seen.slots = observer_->slots;
    seen.counters = system_->counters();
    seen.skew_register_writes = system_->skew_register_writes();
    // The first operand pair meets in PE (0, 0), at the edge at which it enters.
    const std::int64_t begin = seen.slots.front().cycle;
    for (Slot& slot : seen.slots) {
      slot.cycle -= begin;
    }
    for (Departure& departure : seen.departures) {
      departure.cycle -= begin;
    }
    return seen;
  }

 private:
  using System = sim::OutputStationarySystem<rtl::MfMacUnit>;
  using Pe = rtl::OutputStationaryPe<rtl::MfMacUnit>;

  static sc_core::sc_time period() { return {2.0, sc_core::SC_NS}; }
  static std::int64_t edge() {
    return static_cast<std::int64_t>(sc_core::sc_time_stamp() / period());
  }

  // Reads the PEs' inputs at the edges at which they do.
  class Observer : public sc_core::sc_module {
   public:
    Observer(const sc_core::sc_module_name& name, sim::ArrayShape shape)
        : sc_module(name), shape_(shape) {
      for (std::int64_t r = 0; r < shape.rows; ++r) {
        for (std::int64_t c = 0; c < shape.cols; ++c) {
          pes_.push_back(find<Pe>(fmt::format("system.array.pe_{}_{}", r, c)));
        }
      }
      SC_HAS_PROCESS(Observer);
      SC_METHOD(on_clock);
      sensitive << find<sc_core::sc_clock>("system.clock")->posedge_event();
      dont_initialize();
    }

    std::vector<Slot> slots;

   private:
    template <typename Object>
    static Object* find(const std::string& name) {
      auto* object = dynamic_cast<Object*>(sc_core::sc_find_object(name.c_str()));
      if (object == nullptr) {
        throw std::logic_error("no " + name);
      }
      return object;
    }

    void on_clock() {
      for (std::size_t i = 0; i < pes_.size(); ++i) {
        const auto& row = pes_[i]->west.read();
        const auto& column = pes_[i]->north.read();
        if (row.valid && column.valid) {
          const auto at = static_cast<std::int64_t>(i);
          slots.push_back({edge(), at / shape_.cols, at % shape_.cols, row.operand, column.operand,
                           column.first, column.last});
        }
      }
    }

    sim::ArrayShape shape_;
    std::vector<Pe*> pes_;
  };

  rtl::SimulationContext context_;
  sim::ArrayShape shape_;
  std::unique_ptr<System> system_;
  std::unique_ptr<Observer> observer_;
};

}  // namespace potomac::test
