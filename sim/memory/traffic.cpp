#include "sim/memory/traffic.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace potomac::sim {
namespace {

// How often the blocks of a tensor that lacks index `lacks` are taken up.
std::int64_t visits(const ByIndex<std::int64_t>& trips, const LoopOrder& order, Index lacks) {
  for (auto index = order.rbegin(); index != order.rend(); ++index) {
    if (*index == lacks) {
      continue;
    }
    if (trips[*index] > 1) {
      // The innermost loop of its own.
      return std::find(order.begin(), index.base(), lacks) != index.base() ? trips[lacks] : 1;
    }
  }
  return 1;
}

// The sum over all of an entry's GEMMs of a count that is the same in all GEMMs of a part.
template <typename CountOf>
std::int64_t sum_over_parts(std::vector<GemmOperands::Part>& parts, const CountOf& count_of) {
  std::int64_t sum = 0;
  for (GemmOperands::Part& part : parts) {
    sum += part.count * count_of(part);
  }
  return sum;
}

}  // namespace

Visits visits_of(const workloads::GemmShape& gemm, const Blocking& blocking) {
  ByIndex<std::int64_t> trips;
  for (const Index index : blocking.order) {
    trips[index] = ceil_div(extents_of(gemm)[index], blocking.extents[index]);
  }
  return {visits(trips, blocking.order, Index::kN), visits(trips, blocking.order, Index::kM),
          visits(trips, blocking.order, Index::kK)};
}

GemmOperands::Part::Part(const workloads::MappingRun& run)
    : count(run.count),
      first(run.mappings.first),
      second(run.mappings.second),
      first_runs(run.mappings.first),
      second_runs(run.mappings.second),
      result_runs(run.mappings.result),
      first_step(run.first_step),
      second_step(run.second_step),
      result_step(run.result_step) {}

void GemmOperands::add(Part part) {
  part.first_copy = parts_.empty() ? 0 : parts_.back().first_copy + parts_.back().count;
  parts_.push_back(std::move(part));
}

GemmOperands::Part& GemmOperands::part_of(std::int64_t copy) {
  for (Part& part : parts_) {
    if (copy < part.count) {
      return part;
    }
    copy -= part.count;
  }
  assert(false);
  return parts_.back();
}

std::int64_t GemmOperands::first_elements(const ByIndex<std::int64_t>& blocks) {
  return sum_over_parts(parts_, [&](Part& part) {
    return part.first.of_blocks(blocks[Index::kM], blocks[Index::kK]);
  });
}

std::int64_t GemmOperands::second_elements(const ByIndex<std::int64_t>& blocks) {
  return sum_over_parts(parts_, [&](Part& part) {
    return part.second.of_blocks(blocks[Index::kN], blocks[Index::kK]);
  });
}

bool GemmOperands::first_overlaps() const {
  return std::ranges::any_of(parts_, [](const Part& part) { return !part.first.dense(); });
}

bool GemmOperands::second_overlaps() const {
  return std::ranges::any_of(parts_, [](const Part& part) { return !part.second.dense(); });
}

std::vector<GemmOperands> operands_of(const workloads::LayerShape& layer, workloads::Pass pass,
                                      const workloads::Lowering& lowering) {
  const workloads::PassTensors tensors = workloads::tensors_of(layer.kind, pass);
  const TensorExtents extents{tensors, workloads::element_count(layer.of(tensors.first)),
                              workloads::element_count(layer.of(tensors.second))};
  std::vector<GemmOperands> operands;
  const auto runs = workloads::mapping_runs(layer, pass, lowering);
  auto run = runs.begin();
  for (const workloads::GemmShape& gemm : workloads::gemms_of(layer, pass, lowering)) {
    GemmOperands& made = operands.emplace_back(gemm, extents);
    for (std::int64_t count = 0; count < gemm.count; ++run) {
      made.add(GemmOperands::Part(*run));
      count += run->count;
    }
  }
  return operands;
}

Traffic traffic_of(GemmOperands& operands, const Blocking& blocking, const ElementBits& bits) {
  const workloads::GemmShape& gemm = operands.gemm();
  const Visits visits = visits_of(gemm, blocking);
  const std::int64_t results = gemm.count * gemm.m * gemm.n * bits.result;
  return {.first = visits.first * operands.first_elements(blocking.extents) * bits.first,
          .second = visits.second * operands.second_elements(blocking.extents) * bits.second,
          .sums = (visits.results - 1) * results,
          .results = visits.results * results};
}

}  // namespace potomac::sim
