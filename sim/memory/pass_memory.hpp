// What a memory means for one pass, on one machine: the tiles, what moves, how long the array
// waits.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "energy/counts/memory_accesses.hpp"
#include "sim/engines/interface/pace.hpp"
#include "sim/machine/unit.hpp"
#include "sim/memory/known_tiles.hpp"
#include "sim/memory/memory_pace.hpp"
#include "sim/memory/tiler.hpp"

namespace potomac::sim {

// What tiles cost by themselves, each of a pass's GEMMs judged alone (tiler.hpp), added up.
struct TilesCost {
  std::uint64_t cycles = 0;
  std::uint64_t dram_bits = 0;

  TilesCost& operator+=(const JudgedBlocking& judged);
};

struct PassMemory {
  ElementBits bits;
  std::vector<Blocking> tiles;  // of each of the pass's GEMMs (an entry of gemms_of())
  energy::MemoryAccesses accesses;
  StallCycles stalls;  // none if DRAM is ideal
  // The tiles that it has, and those that either objective would have; nothing if nobody asked.
  struct Costs {
    TilesCost own, time, traffic;
  };
  std::optional<Costs> costs = std::nullopt;
  bool is_mapped = false;  // by the user
  // That a DRAM device is judged to serve for it; 0 if there is none.
  std::uint64_t device_bursts = 0;
};

// Whose memory, and of what.
struct MemoryUser {
  Unit unit = Unit::kMfMac;
  std::string layer;
  workloads::Pass pass = workloads::Pass::kForward;
};

// The tiles of a pass; what it takes of the memory is left to take_memory(). Throws InputError if a
// scratchpad is too small or too narrow for the machine, or the user's tiles cannot be.
// `with_costs`: what the objectives' tiles cost is of interest. Precondition: the architecture has
// a memory.
PassMemory plan_tiles(std::span<GemmOperands> operands, const Architecture& architecture,
                      const ElementBits& bits, const MemoryUser& user, bool with_costs = false);
// The same with what is known of the pass's tiles, which the caller has locked.
PassMemory plan_tiles(KnownTilesOfPass& known, const Architecture& architecture,
                      const ElementBits& bits, const MemoryUser& user);

// What a pass whose tiles are planned takes of the memory: accesses and stalls. `told`: hears of
// the bursts that a DRAM device has served, again and again; what it throws ends it. A device's
// bursts are taken one by one: some ten million a second.
using BurstsTold = std::function<void(std::uint64_t bursts)>;
void take_memory(PassMemory& plan, std::span<GemmOperands> operands,
                 const Architecture& architecture, const BurstsTold& told = {});

// A pass that a memory feeds. What it points at must outlive it.
struct MemoryJob {
  const Architecture* architecture = nullptr;
  const Schedule* schedule = nullptr;
  std::span<GemmOperands> operands;
  ElementBits bits;
  const StallCycles* planned = nullptr;  // what the plan says that the array waits
};

// The plan as what holds an array back. An engine that has closed forms is told the stalls, which
// are known; one that steps is held back step by step.
class PlannedPace : public Pace {
 public:
  // All that it is given must outlive it.
  PlannedPace(const workloads::LayerShape& layer, workloads::Pass pass,
              const Architecture& architecture, const Schedule& schedule, const PassMemory& plan)
      : layer_(layer), pass_(pass), architecture_(architecture), schedule_(schedule), plan_(plan) {}

  bool may_step(const ArrayStep& step) override;
  bool may_end(std::uint64_t cycle) override;
  std::uint64_t total_stalls(const Schedule& /*schedule*/, Issue /*issue*/) override {
    return plan_.stalls.total();
  }

  const MemoryJob* memory() override;  // null if DRAM is ideal

 private:
  MemoryPace* by_step();

  const workloads::LayerShape& layer_;
  workloads::Pass pass_;
  const Architecture& architecture_;
  const Schedule& schedule_;
  const PassMemory& plan_;
  // Made when it is asked for.
  std::vector<GemmOperands> operands_;
  std::optional<MemoryJob> job_;
  std::optional<MemoryPace> by_step_;
};

}  // namespace potomac::sim
