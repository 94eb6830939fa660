// A pass the slow and plain way: every slot in order through the one definition of the MAC. What
// engines are compared with, written without any of their code.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "rtl_models/arithmetic/fp32_mac.hpp"
#include "rtl_models/arithmetic/mf_mac.hpp"
#include "sim/engines/interface/engine.hpp"
#include "sim/engines/interface/multiplied_layer.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/machine/operand_fit.hpp"
#include "tests/rtl_models/arithmetic/exact_integers.hpp"

namespace potomac::test {

// The GEMMs of one pass, what its array needs to know of them, and what an engine is to be told.
struct TestedPass {
  TestedPass(const sim::Architecture& machine, const workloads::Layer& layer, workloads::Pass pass)
      : TestedPass(machine, layer, pass,
                   [](const workloads::GemmShape& gemm) { return sim::uncut(gemm); }) {}

  // `blocking_of` says how each of the GEMMs is cut.
  template <typename BlockingOf>
  TestedPass(const sim::Architecture& machine, const workloads::Layer& layer, workloads::Pass pass,
             const BlockingOf& blocking_of)
      : architecture(machine),
        operands(layer, pass, machine.lowering),
        multiplied(std::make_shared<sim::MultipliedLayer>(layer)),
        multiplied_operands(multiplied->pass(pass, machine.lowering)),
        schedule(operands.shapes(), machine.array, machine.dataflow,
                 blockings(operands.shapes(), blocking_of)),
        accumulator(sim::require_fit(machine, layer.shape, pass, operands.first().format(),
                                     operands.second().format())) {}

  sim::Job job(sim::Unit unit) const {
    return {.unit = unit,
            .architecture = &architecture,
            .schedule = &schedule,
            .operands = unit == sim::Unit::kMfMac ? &operands : &multiplied_operands,
            .accumulator = accumulator};
  }

  template <typename BlockingOf>
  static std::vector<sim::Blocking> blockings(const std::vector<workloads::GemmShape>& gemms,
                                              const BlockingOf& blocking_of) {
    std::vector<sim::Blocking> list;
    std::ranges::transform(gemms, std::back_inserter(list), blocking_of);
    return list;
  }

  sim::Architecture architecture;
  workloads::LoweredPass operands;
  std::shared_ptr<sim::MultipliedLayer> multiplied;
  workloads::LoweredPass multiplied_operands;
  sim::Schedule schedule;
  rtl::Accumulator accumulator;
};

template <typename Value>
struct Output {
  sim::PassCounts result;
  std::vector<Value> values;  // of each GEMM, m x n
  std::vector<int> times_delivered;
};

// The place of a GEMM's results among those of its pass.
struct Place {
  std::int64_t begin = 0;
  std::int64_t cols = 0;
};

// A sink that stores what it is given, one GEMM behind the other.
template <typename Value>
std::function<void(const sim::ResultTile<Value>&)> sink_into(Output<Value>& output,
                                                             const TestedPass& machine) {
  std::vector<Place> places;
  std::int64_t begin = 0;
  for (const workloads::GemmShape& shape : machine.operands.shapes()) {
    for (std::int64_t copy = 0; copy < shape.count; ++copy) {
      places.push_back({begin, shape.n});
      begin += shape.m * shape.n;
    }
  }
  output.values.resize(static_cast<std::size_t>(begin));
  output.times_delivered.resize(output.values.size());
  return [&output, places](const sim::ResultTile<Value>& tile) {
    const Place& place = places.at(static_cast<std::size_t>(tile.gemm));
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      for (std::int64_t j = 0; j < tile.cols; ++j) {
        const auto at = static_cast<std::size_t>(place.begin + (tile.m_begin + i) * place.cols +
                                                 tile.n_begin + j);
        output.values[at] = tile.values[i * tile.row_stride + j];
        output.times_delivered[at] += 1;
      }
    }
  };
}

// The idle PE cycles of every cause.
inline std::uint64_t idle_of(const energy::ActionCounts& actions) {
  Count sum;
  for (const energy::IdleCause& cause : energy::kIdleCauses) {
    sum += actions.*cause.member;
  }
  return sum.value();
}

// A pass's results, given GEMM by GEMM, as the matrices that they make.
template <typename Value>
std::vector<Value> in_place(const std::vector<Value>& values,
                            const workloads::LoweredPass& operands) {
  const workloads::ResultShape shape = operands.result_shape();
  std::vector<Value> result(static_cast<std::size_t>(shape.matrices * shape.rows * shape.cols));
  auto from = values.begin();
  for (std::int64_t index = 0; index < operands.count(); ++index) {
    const std::int64_t rows = operands.gemm(index).m;
    for (std::int64_t m = 0; m < rows; ++m) {
      const workloads::ResultRows place = operands.result_rows(index, m);
      std::copy_n(from, shape.cols,
                  result.begin() + (place.matrix * shape.rows + place.row) * shape.cols);
      from += shape.cols;
    }
  }
  return result;
}

// Runs a pass on an engine and stores what it delivers.
inline Output<std::int64_t> run_mf_mac(sim::Engine& engine, const TestedPass& machine,
                                       sim::Pace* pace = nullptr) {
  Output<std::int64_t> output;
  sim::Job job = machine.job(sim::Unit::kMfMac);
  job.pace = pace;
  output.result = engine.run(job, {.accumulators = sink_into(output, machine), .toggles = true});
  return output;
}

inline Output<float> run_fp32(sim::Engine& engine, const TestedPass& machine) {
  Output<float> output;
  output.result = engine.run(machine.job(sim::Unit::kFp32Mac),
                             {.fp32 = sink_into(output, machine), .toggles = true});
  return output;
}

// What the values alone tell: results and arithmetic events, no registers and no cycles.
struct Reference {
  std::vector<std::int64_t> values;
  std::uint64_t exponent_add = 0;
  std::uint64_t accumulate = 0;
  std::uint64_t gated = 0;
  std::uint64_t overflow = 0;
  std::uint64_t overflowed_result = 0;
  std::uint64_t dropped = 0;
  std::uint64_t accumulator_write = 0;
  std::uint64_t zero_operand = 0;
};

// The slots of output element (i, j): returns their sum, and adds their events to `reference`.
inline std::int64_t reference_element(const sim::Architecture& architecture,
                                      const rtl::Accumulator& accumulator,
                                      const workloads::Gemm& gemm, std::int64_t i, std::int64_t j,
                                      Reference& reference) {
  const rtl::PotFormat format(architecture.pe.operand_bits);
  std::int64_t sum = 0;
  Int128 exact = 0;  // of the products that are kept, in whatever order
  bool clamped = false;
  for (std::int64_t k = 0; k < gemm.k; ++k) {
    const auto a = gemm.first.format().widen(gemm.first.code(i, k), format);
    const auto b = gemm.second.format().widen(gemm.second.code(j, k), format);
    const auto step = rtl::mf_mac(accumulator, format, architecture.pe.zero_gating, sum, a, b);
    sum = step.value;
    if (step.multiplied && !step.dropped && !format.is_zero(a) && !format.is_zero(b)) {
      const Int128 magnitude = Int128{1}
                               << (format.exponent(a) + format.exponent(b) - accumulator.lsb);
      exact += format.is_negative(a) == format.is_negative(b) ? magnitude : -magnitude;
    }
    clamped = clamped || step.overflowed;
    reference.exponent_add += step.multiplied ? 1 : 0;
    reference.accumulate += step.accumulated ? 1 : 0;
    reference.gated += step.gated ? 1 : 0;
    reference.overflow += step.overflowed ? 1 : 0;
    reference.dropped += step.dropped ? 1 : 0;
    reference.accumulator_write += step.accumulated || k == 0 ? 1 : 0;
    reference.zero_operand += format.is_zero(a) || format.is_zero(b) ? 1 : 0;
  }
  const bool outside = exact < accumulator.min() || exact > accumulator.max();
  reference.overflowed_result +=
      (accumulator.overflow == rtl::Overflow::kWrap ? outside : clamped) ? 1 : 0;
  return sum;
}

inline Reference reference_pass(const TestedPass& machine) {
  Reference reference;
  for (std::int64_t index = 0; index < machine.operands.count(); ++index) {
    const workloads::Gemm gemm = machine.operands.gemm(index);
    for (std::int64_t i = 0; i < gemm.m; ++i) {
      for (std::int64_t j = 0; j < gemm.n; ++j) {
        reference.values.push_back(
            reference_element(machine.architecture, machine.accumulator, gemm, i, j, reference));
      }
    }
  }
  return reference;
}

struct Fp32Reference {
  std::vector<float> values;
  std::uint64_t zero_operand = 0;
};

inline Fp32Reference reference_fp32(const TestedPass& machine) {
  Fp32Reference reference;
  for (std::int64_t index = 0; index < machine.operands.count(); ++index) {
    const auto gemm = machine.multiplied_operands.gemm_of<workloads::Fp32Operand>(index);
    for (std::int64_t i = 0; i < gemm.m; ++i) {
      for (std::int64_t j = 0; j < gemm.n; ++j) {
        float sum = 0.0F;
        for (std::int64_t k = 0; k < gemm.k; ++k) {
          const float a = gemm.first.at(i, k);
          const float b = gemm.second.at(j, k);
          sum = rtl::fp32_mac(sum, a, b);
          reference.zero_operand += a == 0.0F || b == 0.0F ? 1 : 0;
        }
        reference.values.push_back(sum);
      }
    }
  }
  return reference;
}

inline std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits;
  bits.reserve(values.size());
  for (const float value : values) {
    bits.push_back(std::bit_cast<std::uint32_t>(value));
  }
  return bits;
}

}  // namespace potomac::test
