#include "sim/memory/pass_memory.hpp"

#include "sim/machine/cycles.hpp"
#include "sim/memory/accesses.hpp"
#include "sim/memory/tile_mapping.hpp"

namespace potomac::sim {
TilesCost& TilesCost::operator+=(const JudgedBlocking& judged) {
  cycles += judged.cycles;
  dram_bits += static_cast<std::uint64_t>(judged.traffic_bits);
  return *this;
}

namespace {

std::uint64_t bursts_of(const JudgedBlocking& judged, const MemoryConfig& memory) {
  return memory.dram && memory.dram->device
             ? static_cast<std::uint64_t>(
                   ceil_div(judged.device_bits, memory.dram->device->burst_bits()))
             : 0;
}

// `best`: makes the tiles of an entry where they are chosen.
template <typename Best>
PassMemory tiles_with(std::span<GemmOperands> operands, const Architecture& architecture,
                      const ElementBits& bits, const MemoryUser& user, bool with_costs,
                      const Best& best_of) {
  PassMemory plan;
  plan.bits = bits;
  if (with_costs) {
    plan.costs.emplace();
  }
  const MemoryConfig& memory = *architecture.memory;
  const auto mapping = mapping_for(memory, user.layer, user.pass, user.unit);
  plan.is_mapped = mapping.has_value();
  if (user.unit == Unit::kMfMac && !operands.empty()) {
    require_memory(architecture, bits, user.layer);
  }
  for (std::size_t i = 0; i < operands.size(); ++i) {
    GemmOperands& one = operands[i];
    require_room(architecture, one.gemm(), bits, std::string(info_of(user.unit).label), user.layer);
    const JudgedBlocking own = mapping
                                   ? Tiler(one, architecture, bits)
                                         .judge(mapped_blocks(architecture, *mapping, one.gemm(),
                                                              bits, user.unit, user.layer))
                                   : best_of(i);
    plan.tiles.push_back(own.blocking);
    plan.stalls = own.stalls;  // if it is the only one, of a bandwidth
    plan.device_bursts += bursts_of(own, memory);
    if (plan.costs) {
      Tiler tiler(one, architecture, bits);
      plan.costs->own += own;
      const auto best = [&](TileObjective objective) {
        return !mapping && objective == memory.objective ? own : tiler.best(objective);
      };
      plan.costs->time += best(TileObjective::kTime);
      plan.costs->traffic += best(TileObjective::kTraffic);
    }
  }
  return plan;
}

}  // namespace

PassMemory plan_tiles(std::span<GemmOperands> operands, const Architecture& architecture,
                      const ElementBits& bits, const MemoryUser& user, bool with_costs) {
  return tiles_with(operands, architecture, bits, user, with_costs, [&](std::size_t i) {
    return Tiler(operands[i], architecture, bits).best(architecture.memory->objective);
  });
}

PassMemory plan_tiles(KnownTilesOfPass& known, const Architecture& architecture,
                      const ElementBits& bits, const MemoryUser& user) {
  return tiles_with(known.operands(), architecture, bits, user, false,
                    [&](std::size_t i) { return known.best(i, architecture, bits); });
}

void take_memory(PassMemory& plan, std::span<GemmOperands> operands,
                 const Architecture& architecture, const BurstsTold& told) {
  const MemoryConfig& memory = *architecture.memory;
  const DramConfig* const dram = memory.dram ? &*memory.dram : nullptr;
  const bool has_device = dram != nullptr && dram->device;
  if (!has_device) {
    plan.accesses.forget_dram_device();
  }
  std::vector<workloads::GemmShape> gemms;
  for (const GemmOperands& one : operands) {
    gemms.push_back(one.gemm());
  }
  const Schedule schedule(gemms, architecture.array, architecture.dataflow, plan.tiles);
  for (std::size_t i = 0; i < operands.size(); ++i) {
    add_accesses(plan.accesses, schedule, i, memory, operands[i], plan.bits);
  }
  const bool is_known = dram == nullptr || (!has_device && operands.size() == 1);
  if (is_known || operands.empty()) {
    return;
  }
  MemoryPace pace(architecture, schedule, operands, plan.bits);
  if (has_device && told) {
    pace.tell_bursts(told);
  }
  pace.total_stalls(schedule, architecture.issue);
  plan.stalls = pace.stalls();
  if (has_device) {
    const DramCounts counts = pace.dram_counts();
    const auto burst_bits = static_cast<std::uint64_t>(dram->device->burst_bits());
    plan.accesses.moved_bits = counts.bursts() * burst_bits;
    plan.accesses.row_hits = counts.row_hits;
    plan.accesses.row_misses = counts.row_misses;
  }
}

const MemoryJob* PlannedPace::memory() {
  if (!job_ && architecture_.memory->dram) {
    operands_ = operands_of(layer_, pass_, architecture_.lowering);
    job_ = MemoryJob{&architecture_, &schedule_, operands_, plan_.bits, &plan_.stalls};
  }
  return job_ ? &*job_ : nullptr;
}

// Null if nothing holds the array back.
MemoryPace* PlannedPace::by_step() {
  if (!by_step_) {
    if (const MemoryJob* const job = memory()) {
      by_step_.emplace(*job->architecture, *job->schedule, job->operands, job->bits);
    }
  }
  return by_step_ ? &*by_step_ : nullptr;
}

bool PlannedPace::may_step(const ArrayStep& step) {
  MemoryPace* const pace = by_step();
  return pace == nullptr || pace->may_step(step);
}

bool PlannedPace::may_end(std::uint64_t cycle) {
  MemoryPace* const pace = by_step();
  return pace == nullptr || pace->may_end(cycle);
}

}  // namespace potomac::sim
