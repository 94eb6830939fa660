// The SystemC system of a stationary array with an observer in it, who writes down what every PE
// does at every edge, and what leaves the columns. Cycle 0 is the edge at which the first row of
// the first tile enters.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <systemc>
#include <vector>

#include "rtl_models/systemc/mac_units.hpp"
#include "rtl_models/systemc/simulation_context.hpp"
#include "sim/engines/interface/widening.hpp"
#include "sim/engines/systemc/operand_source.hpp"
#include "sim/engines/systemc/stationary_system.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::test {

// What one PE, or the bottom of one column, does in one cycle.
struct StationaryEvent {
  enum class Kind { kLoad, kMac, kLeaves };
  Kind kind;
  std::int64_t cycle;
  std::int64_t row, col;
  rtl::PotCode streaming = 0;  // kMac
  rtl::PotCode kept = 0;       // kLoad, kMac
  std::int64_t value = 0;      // kLeaves
};

struct StationaryObservation {
  sim::Cycles cycles;  // as the system itself counts
  std::vector<StationaryEvent> events;
  std::vector<std::int64_t> results;  // in the order in which they came
};

class ObservedStationaryArray {
 public:
  ObservedStationaryArray(sim::ArrayShape shape, sim::Dataflow dataflow, sim::Issue issue)
      : shape_(shape), dataflow_(dataflow) {
    const rtl::SimulationContext::Use use(context_);
    system_ = std::make_unique<System>("system", shape, dataflow, issue, period());
    observer_ = std::make_unique<Observer>("observer", shape, issue == sim::Issue::kPipelined);
  }
  ~ObservedStationaryArray() {
    const rtl::SimulationContext::Use use(context_);
    observer_.reset();
    system_.reset();
  }
  ObservedStationaryArray(const ObservedStationaryArray&) = delete;
  ObservedStationaryArray& operator=(const ObservedStationaryArray&) = delete;

  StationaryObservation run(const workloads::LoweredPass& pass,
                            const rtl::MfMacUnit::Config& config) {
    const rtl::SimulationContext::Use use(context_);
    const sim::Schedule schedule(pass.shapes(), shape_, dataflow_);
    observer_->events.clear();
    StationaryObservation seen;
    system_->start({.schedule = schedule,
                    .config = config,
                    .first = {pass, sim::WhichOperand::kFirst,
                              sim::widening(pass.first().format(), config.format)},
                    .second = {pass, sim::WhichOperand::kSecond,
                               sim::widening(pass.second().format(), config.format)},
                    .take = [&](const sim::ResultPlace& /*place*/, std::int64_t value) {
                      seen.results.push_back(value);
                    }});
    sc_core::sc_start();
    seen.cycles = system_->cycles();
    seen.events = observer_->events;
    const std::int64_t begin = seen.events.front().cycle;
    for (StationaryEvent& event : seen.events) {
      event.cycle -= begin;
    }
    return seen;
  }

 private:
  using System = sim::StationarySystem<rtl::MfMacUnit>;
  using Pe = rtl::StationaryPe<rtl::MfMacUnit>;

  static sc_core::sc_time period() { return {2.0, sc_core::SC_NS}; }
  static std::int64_t edge() {
    return static_cast<std::int64_t>(sc_core::sc_time_stamp() / period());
  }

  // Reads the PEs' ports at the edges at which they do.
  class Observer : public sc_core::sc_module {
   public:
    Observer(const sc_core::sc_module_name& name, sim::ArrayShape shape, bool double_buffered)
        : sc_module(name), shape_(shape), double_buffered_(double_buffered) {
      for (std::int64_t r = 0; r < shape.rows; ++r) {
        for (std::int64_t c = 0; c < shape.cols; ++c) {
          pes_.push_back(find<Pe>(fmt::format("system.array.pe_{}_{}", r, c)));
        }
      }
      active_.resize(pes_.size());
      SC_HAS_PROCESS(Observer);
      SC_METHOD(on_clock);
      sensitive << find<sc_core::sc_clock>("system.clock")->posedge_event();
      dont_initialize();
    }

    std::vector<StationaryEvent> events;

   private:
    using Kind = StationaryEvent::Kind;

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
        const auto at = static_cast<std::int64_t>(i);
        observe(*pes_[i], active_[i], at / shape_.cols, at % shape_.cols);
      }
    }

    void observe(Pe& pe, rtl::TileSlot<rtl::PotCode>& active, std::int64_t r, std::int64_t c) {
      const auto& stream = pe.west.read();
      const auto loaded = pe.below.read();
      if (stream.valid && stream.first) {
        active = loaded;
      }
      const auto& kept = double_buffered_ ? active : loaded;
      if (stream.valid && pe.north.read().valid && kept.valid) {
        events.push_back({Kind::kMac, edge(), r, c, stream.operand, kept.operand});
      }
      if (pe.column.read().moving && pe.above.read().moving && pe.above.read().valid) {
        events.push_back({Kind::kLoad, edge(), r, c, 0, pe.above.read().operand});
      }
      // The register holds what it took at the edge before.
      if (r + 1 == shape_.rows && pe.south.read().valid) {
        events.push_back({Kind::kLeaves, edge() - 1, r, c, 0, 0, pe.south.read().value});
      }
    }

    sim::ArrayShape shape_;
    bool double_buffered_;
    std::vector<Pe*> pes_;
    std::vector<rtl::TileSlot<rtl::PotCode>> active_;
  };

  rtl::SimulationContext context_;
  sim::ArrayShape shape_;
  sim::Dataflow dataflow_;
  std::unique_ptr<System> system_;
  std::unique_ptr<Observer> observer_;
};

}  // namespace potomac::test
