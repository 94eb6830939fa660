// Makes the plans of passes on machines: formats, accumulator, tiles, schedule, and what a memory
// makes of them. Nothing below derives any of it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "sim/engines/interface/worker_pool.hpp"
#include "sim/machine/machine.hpp"
#include "sim/machine/pass_plan.hpp"
#include "sim/memory/pass_memory.hpp"
#include "sim/plan/listener.hpp"
#include "sim/plan/pass_list.hpp"

namespace potomac::sim {

struct PlannedPass {
  PassPlan plan;
  // The machine's memory; null if it has none, or does not run the pass.
  std::shared_ptr<const PassMemory> memory;
};

struct PlanningOptions {
  // Called again and again while passes are planned, from any thread: what it throws ends it.
  std::function<void()> check_stop = {};
  bool with_costs = false;       // what the tiles of either objective cost is of interest
  Listener* listener = nullptr;  // hears of tiles and bursts
  // What plans of the same list on other machines found; none: nobody asks again. Nobody hears of
  // bursts then.
  KnownTiles* known = nullptr;
};

// The plans of one pass on some machines, in their order. The layer, the machines and the
// architecture must outlive them. Throws InputError, naming what would work, if the PE cannot hold
// the pass's operands, or a scratchpad not even one fold.
std::vector<PlannedPass> plan_pass(const PassShape& shape, const Architecture& architecture,
                                   std::span<const Machine> machines);

// The plans of all passes of a list on one architecture and its machines.
class PassPlans {
 public:
  // Plans those that are alike once; where there is a memory, side by side on the pool. The list
  // must outlive it. Throws InputError as plan_pass() does, with the workload's file; of a
  // scratchpad that is too small it asks for what is enough for all passes; of an override of the
  // accumulator, or tiles, that no pass of the workload has.
  PassPlans(const PassList& list, const Architecture& architecture, std::span<const Unit> rivals,
            WorkerPool& pool, const PlanningOptions& options = {});
  ~PassPlans() = default;
  PassPlans(const PassPlans&) = delete;
  PassPlans& operator=(const PassPlans&) = delete;

  const PassList& list() const { return *list_; }
  const Architecture& architecture() const { return architecture_; }
  const std::vector<Machine>& machines() const { return machines_; }
  // The pass's plans, by machine.
  std::span<const PlannedPass> of(const PassItem& item) const {
    const std::size_t shape = shape_of_item_.empty() ? item.distinct : shape_of_item_[item.number];
    return std::span(plans_).subspan(shape * machines_.size(), machines_.size());
  }

 private:
  std::span<PlannedPass> plans_of(std::size_t shape) {
    return std::span(plans_).subspan(shape * machines_.size(), machines_.size());
  }
  void take_memory_of_all(std::span<const PassShape> shapes, WorkerPool& pool,
                          const PlanningOptions& options);

  const PassList* list_;
  Architecture architecture_;
  std::vector<Machine> machines_;
  // Which of the shapes that are planned an item has; empty: each of the list's distinct ones is.
  std::vector<std::size_t> shape_of_item_;
  std::vector<PlannedPass> plans_;  // of each of these shapes, by machine
};

// Throws InputError as making the plans does, without the work of making them.
void require_fit(const PassList& list, const Architecture& architecture,
                 std::span<const Unit> rivals);

}  // namespace potomac::sim
