// An array written as loops is the array of modules: with drawn inputs, whether a schedule would
// ever send them or not, they agree at every edge.
#include <Voutput_stationary_pair.h>
#include <Vstationary_pair.h>
#include <gtest/gtest.h>
#include <verilated.h>

#include <cstdint>
#include <random>

namespace potomac::rtl {
namespace {

constexpr int kEdges = 100'000;

// Fields of ports, drawn.
class DrawnBits {
 public:
  template <typename Port>
  void fill(Port& port, int bits) {
    port = static_cast<Port>(random_() >> (64 - bits));
  }
  // One in `count`.
  bool one_in(unsigned count) { return random_() % count == 0; }

 private:
  std::mt19937_64 random_{1};
};

template <typename Module>
void do_edge(Module& module) {
  module.clk = 0;
  module.eval();
  module.clk = 1;
  module.eval();
}

TEST(VerilogArrays, OfLoopsAndOfModulesAreOneOutputStationaryArray) {
  VerilatedContext context;
  Voutput_stationary_pair module(&context);
  DrawnBits drawn;
  module.reset = 1;
  do_edge(module);
  int shifts = 0;
  for (int edge = 0; edge < kEdges; ++edge) {
    module.reset = drawn.one_in(1000) ? 1 : 0;
    drawn.fill(module.lsb, 12);
    drawn.fill(module.west_valid, 3);
    drawn.fill(module.west, 21);
    drawn.fill(module.north_valid, 5);
    drawn.fill(module.north_first, 1);
    module.north_last = drawn.one_in(4) ? 1 : 0;
    drawn.fill(module.north, 25);
    do_edge(module);
    ASSERT_EQ(module.differs, 0) << "at edge " << edge;
    shifts += module.pair_shifts != 0 ? 1 : 0;
  }
  EXPECT_GT(shifts, kEdges / 10);
}

TEST(VerilogArrays, OfLoopsAndOfModulesAreOneStationaryArray) {
  VerilatedContext context;
  Vstationary_pair module(&context);
  DrawnBits drawn;
  module.reset = 1;
  do_edge(module);
  int leaving = 0;
  for (int edge = 0; edge < kEdges; ++edge) {
    module.reset = drawn.one_in(1000) ? 1 : 0;
    drawn.fill(module.lsb, 10);
    drawn.fill(module.west_valid, 5);
    drawn.fill(module.west_first, 1);
    drawn.fill(module.west, 25);
    drawn.fill(module.tile_moves, 1);
    module.tile_settles = drawn.one_in(3) ? 1 : 0;
    drawn.fill(module.tile_valid, 3);
    drawn.fill(module.tile, 18);
    drawn.fill(module.top_valid, 3);
    drawn.fill(module.top, 60);
    do_edge(module);
    ASSERT_EQ(module.differs, 0) << "at edge " << edge;
    leaving += module.bottom_valid != 0 ? 1 : 0;
  }
  EXPECT_GT(leaving, kEdges / 10);
}

}  // namespace
}  // namespace potomac::rtl
