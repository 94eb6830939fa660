#include "sim/engines/stepping/fold_sequencer.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <vector>

#include "sim/machine/blocking.hpp"
#include "sim/machine/schedule.hpp"

namespace potomac::sim {
namespace {

Schedule drawn_schedule() {
  const auto extent = [](std::int64_t most) { return *rc::gen::inRange<std::int64_t>(1, most); };
  std::vector<workloads::GemmShape> gemms;
  std::vector<Blocking> blockings;
  for (std::int64_t i = extent(4); i > 0; --i) {
    gemms.push_back({extent(3), extent(12), extent(12), extent(12)});
    blockings.push_back(uncut(gemms.back()));
  }
  const auto dataflow = *rc::gen::element(Dataflow::kOutputStationary, Dataflow::kWeightStationary,
                                          Dataflow::kInputStationary);
  return {gemms, ArrayShape{extent(6), extent(6)}, dataflow, blockings};
}

RC_GTEST_PROP(FoldSequencer, TakesWhatTheScheduleHasInTheCyclesOfTheClosedForm, ()) {
  const Schedule schedule = drawn_schedule();
  const auto issue = *rc::gen::element(Issue::kSerial, Issue::kPipelined);
  const bool os = keeps_sums(schedule.dataflow());
  FoldSequencer sequencer;
  sequencer.start(schedule, issue);
  std::uint64_t slots = 0;
  std::uint64_t rows = 0;
  while (!sequencer.finished()) {
    const FeedCommand command =
        sequencer.next([](const ArrayStep&) { return true; }, [](std::uint64_t) { return true; });
    slots += command.valid ? 1 : 0;
    rows += command.loads ? 1 : 0;
  }
  std::uint64_t expected_slots = 0;
  std::uint64_t folds = 0;
  for (FoldWalk walk(schedule, issue); !walk.done(); walk.next()) {
    expected_slots += static_cast<std::uint64_t>(walk.now().slots);
    folds += 1;
  }
  RC_ASSERT(slots == expected_slots);
  RC_ASSERT(rows == (os ? 0 : folds * static_cast<std::uint64_t>(schedule.array().rows)));
  RC_ASSERT(sequencer.cycles() == cycles_of(schedule, issue));
  const PeCycles& pes = sequencer.pe_cycles();
  RC_ASSERT(pes.used + pes.edge + pes.preload + pes.drain ==
            static_cast<std::uint64_t>(schedule.array().pes()) * sequencer.cycles().total());
}

RC_GTEST_PROP(FoldSequencer, AsksAgainWhatWasHeldBackAndCountsTheCycle, ()) {
  const Schedule schedule = drawn_schedule();
  FoldSequencer held;
  FoldSequencer free;
  held.start(schedule, Issue::kSerial);
  free.start(schedule, Issue::kSerial);
  std::uint64_t stalls = 0;
  const auto at_random = [&] {
    const bool may = *rc::gen::weightedElement<bool>({{7, true}, {1, false}});
    stalls += may ? 0 : 1;
    return may;
  };
  while (!held.finished()) {
    bool stalled = false;
    const FeedCommand command =
        held.next([&](const ArrayStep&) { return !(stalled = !at_random()); },
                  [&](std::uint64_t) { return !(stalled = !at_random()); });
    if (stalled) {
      RC_ASSERT(command == FeedCommand{});
      continue;
    }
    RC_ASSERT(command ==
              free.next([](const ArrayStep&) { return true; }, [](std::uint64_t) { return true; }));
  }
  RC_ASSERT(free.finished());
  RC_ASSERT(held.cycles().stall == stalls);
  RC_ASSERT(held.cycles().total() == free.cycles().total() + stalls);
}

}  // namespace
}  // namespace potomac::sim
