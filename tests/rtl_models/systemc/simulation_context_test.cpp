// Several SystemC worlds in one process.
#include "rtl_models/systemc/simulation_context.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace potomac::rtl {
namespace {

// Counts its own time.
class Ticker : public sc_core::sc_module {
 public:
  explicit Ticker(const sc_core::sc_module_name& name) : sc_module(name) {
    SC_HAS_PROCESS(Ticker);
    SC_METHOD(tick);
    sensitive << clock_.posedge_event();
    dont_initialize();
  }
  int ticks() const { return ticks_; }

 private:
  void tick() { ++ticks_; }

  sc_core::sc_clock clock_{"clock", sc_core::sc_time(2, sc_core::SC_NS)};
  int ticks_ = 0;
};

int run(SimulationContext& context, const Ticker& ticker, int cycles) {
  const SimulationContext::Use use(context);
  const int before = ticker.ticks();
  sc_core::sc_start(2.0 * cycles, sc_core::SC_NS);
  return ticker.ticks() - before;
}

TEST(SimulationContext, WorldsElaborateAndRunIndependently) {
  SimulationContext first;
  SimulationContext second;
  std::unique_ptr<Ticker> in_first;
  std::unique_ptr<Ticker> in_second;
  {
    const SimulationContext::Use use(first);
    in_first = std::make_unique<Ticker>("ticker");
  }
  EXPECT_EQ(run(first, *in_first, 3), 3);
  {  // elaborates after the first has run, under the same name
    const SimulationContext::Use use(second);
    in_second = std::make_unique<Ticker>("ticker");
  }
  EXPECT_EQ(run(second, *in_second, 5), 5);
  EXPECT_EQ(in_first->ticks(), 3);
  EXPECT_EQ(run(first, *in_first, 4), 4);
  EXPECT_EQ(run(second, *in_second, 1), 1);
  EXPECT_EQ(in_first->ticks(), 7);
  EXPECT_EQ(in_second->ticks(), 6);
  {
    const SimulationContext::Use use(first);
    in_first.reset();
  }
  EXPECT_EQ(run(second, *in_second, 2), 2) << "the other world is gone";
  const SimulationContext::Use use(second);
  in_second.reset();
}

TEST(SimulationContext, UseNestsAndRestores) {
  SimulationContext outer;
  SimulationContext inner;
  const auto* before = sc_core::sc_curr_simcontext;
  {
    const SimulationContext::Use use_outer(outer);
    const auto* of_outer = sc_core::sc_curr_simcontext;
    EXPECT_NE(of_outer, before);
    {
      const SimulationContext::Use use_inner(inner);
      EXPECT_NE(sc_core::sc_curr_simcontext, of_outer);
    }
    EXPECT_EQ(sc_core::sc_curr_simcontext, of_outer);
  }
  EXPECT_EQ(sc_core::sc_curr_simcontext, before);
}

TEST(SimulationContext, ManyWorldsComeAndGo) {
  for (int i = 0; i < 50; ++i) {
    SimulationContext context;
    std::unique_ptr<Ticker> ticker;
    {
      const SimulationContext::Use use(context);
      ticker = std::make_unique<Ticker>("ticker");
    }
    ASSERT_EQ(run(context, *ticker, i), i);
    const SimulationContext::Use use(context);
    ticker.reset();
  }
}

}  // namespace
}  // namespace potomac::rtl
