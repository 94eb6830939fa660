#include "sim/studies/verify.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "sim/engines/engines.hpp"
#include "sim/engines/interface/multiplied_layer.hpp"
#include "sim/plan/pass_plans.hpp"
#include "support/error.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {
namespace {

// A memory that is not always ready; it decides by the cycle alone, the same for every engine.
class RandomPace : public Pace {
 public:
  explicit RandomPace(std::uint64_t seed) : seed_(seed) {}
  bool may_step(const ArrayStep& step) override {
    std::uint64_t x = seed_ ^ (step.cycle * 0x9E3779B97F4A7C15U);
    x = (x ^ (x >> 29U)) * 0xBF58476D1CE4E5B9U;
    return (x >> 61U) != 0;  // seven times in eight
  }

 private:
  std::uint64_t seed_;
};

// All results of a pass, in the order of GEMM, m and n.
template <typename Value>
class Results {
 public:
  explicit Results(const workloads::LoweredPass& pass) {
    std::int64_t size = 0;
    for (std::int64_t i = 0; i < pass.count(); ++i) {
      const workloads::Gemm gemm = pass.gemm(i);
      begins_.push_back(size);
      cols_.push_back(gemm.n);
      size += gemm.m * gemm.n;
    }
    values_.resize(static_cast<std::size_t>(size));
    delivered_.resize(static_cast<std::size_t>(size));
  }

  std::function<void(const ResultTile<Value>&)> sink() {
    return [this](const ResultTile<Value>& tile) {
      const auto gemm = static_cast<std::size_t>(tile.gemm);
      const std::lock_guard lock(mutex_);
      for (std::int64_t i = 0; i < tile.rows; ++i) {
        for (std::int64_t j = 0; j < tile.cols; ++j) {
          const auto at = static_cast<std::size_t>(
              begins_.at(gemm) + (tile.m_begin + i) * cols_.at(gemm) + tile.n_begin + j);
          values_.at(at) = tile.values[i * tile.row_stride + j];
          delivered_.at(at) += 1;
        }
      }
    };
  }

  // Empty, or the first element in which the other's results differ.
  std::string difference(const Results& other) const {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (delivered_[i] != 1 || other.delivered_[i] != 1) {
        return fmt::format("result {} is delivered {} and {} times", i, delivered_[i],
                           other.delivered_[i]);
      }
      if (!same(values_[i], other.values_[i])) {
        return fmt::format("result {} is {} and {}", i, values_[i], other.values_[i]);
      }
    }
    return "";
  }

 private:
  static bool same(std::int64_t a, std::int64_t b) { return a == b; }
  static bool same(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
  }

  std::mutex mutex_;
  std::vector<std::int64_t> begins_, cols_;
  std::vector<Value> values_;
  std::vector<int> delivered_;
};

std::string count_text(const Count& count) {
  return count.known() ? fmt::format("{}", count.value()) : std::string("unknown");
}

std::string difference(const PassCounts& one, const PassCounts& other) {
  const auto differs = [](const char* what, std::uint64_t a, std::uint64_t b) {
    return a == b ? std::string() : fmt::format("{} is {} and {}", what, a, b);
  };
  for (const std::string& text :
       {differs("folds", one.folds, other.folds),
        differs("cycles.preload", one.cycles.preload, other.cycles.preload),
        differs("cycles.stream", one.cycles.stream, other.cycles.stream),
        differs("cycles.drain", one.cycles.drain, other.cycles.drain),
        differs("cycles.stall", one.cycles.stall, other.cycles.stall)}) {
    if (!text.empty()) {
      return text;
    }
  }
  const auto counts_differ = [](const std::string& what, const Count& a, const Count& b) {
    return a == b ? std::string()
                  : fmt::format("{} is {} and {}", what, count_text(a), count_text(b));
  };
  for (const energy::ActionInfo& action : energy::kActions) {
    std::string text = counts_differ(std::string(action.name), one.actions.*action.member,
                                     other.actions.*action.member);
    if (!text.empty()) {
      return text;
    }
  }
  for (const energy::RegisterClass& registers : energy::kRegisterClasses) {
    std::string text =
        counts_differ(fmt::format("toggles.{}", registers.name), one.toggles.*registers.member,
                      other.toggles.*registers.member);
    if (!text.empty()) {
      return text;
    }
  }
  return one.zeros == other.zeros ? "" : "zero_operand_macs differ";
}

// What an engine without sums leaves open, from another's: toggles, and overflow where no bound
// proved that there is none.
PassCounts filled_in(PassCounts counted, const PassCounts& other) {
  counted.toggles = other.toggles;
  if (!counted.actions.overflow.known()) {
    counted.actions.overflow = other.actions.overflow;
    counted.actions.overflowed_result = other.actions.overflowed_result;
  }
  return counted;
}

// What the tensors of a drawn layer are stored as.
workloads::LayerFormats formats_of(const workloads::Layer& layer) {
  workloads::LayerFormats formats;
  formats.w.bits = layer.w.bits;
  formats.a.bits = layer.a.bits;
  formats.g.bits = layer.g.bits;
  return formats;
}

// What holds an array back in a run, made anew for each; null if nothing does.
std::unique_ptr<Pace> pace_of(const DrawnCase& drawn, const PlannedPass& planned) {
  if (planned.memory) {
    return std::make_unique<PlannedPace>(*planned.plan.layer, planned.plan.pass, drawn.architecture,
                                         *planned.plan.schedule, *planned.memory);
  }
  return drawn.stalls ? std::make_unique<RandomPace>(*drawn.stalls) : nullptr;
}

}  // namespace

const EngineInfo& stepping_engine(const std::string& name) {
  std::vector<std::string_view> names;
  for (const EngineInfo& engine : engines()) {
    if (!engine.steps) {
      continue;
    }
    if (engine.name == name) {
      return engine;
    }
    names.push_back(engine.name);
  }
  throw InputError({"", "engine", fmt::format("'{}' does not step through every PE", name),
                    fmt::format("choose from {}", fmt::join(names, ", "))});
}

std::string difference_between(const DrawnCase& drawn, const VerifiedEngines& engines) {
  const Architecture& architecture = drawn.architecture;
  const workloads::LoweredPass operands(drawn.layer, drawn.pass, architecture.lowering);
  const std::vector<Machine> machines = machines_of(architecture, {});
  const std::vector<PlannedPass> plans = plan_pass(
      shape_of(drawn.layer.shape, formats_of(drawn.layer), drawn.pass, architecture.lowering),
      architecture, machines);
  Job job{.architecture = &architecture,
          .operands = &operands,
          .accumulator = plans[kMfMacMachine].plan.accumulator};
  const auto run = [&](Engine& engine, const Detail& detail) {
    const PlannedPass& planned = plans[job.unit == Unit::kMfMac ? kMfMacMachine : kFp32Machine];
    const std::unique_ptr<Pace> pace = pace_of(drawn, planned);
    job.schedule = planned.plan.schedule.get();
    job.pace = pace.get();
    return engine.run(job, detail);
  };
  const auto compare = [&](auto& results_one, auto& results_other, const Detail& detail_one,
                           const Detail& detail_other) {
    const PassCounts counts_one = run(engines.one, detail_one);
    const PassCounts counts_other = run(engines.other, detail_other);
    std::string text = results_one.difference(results_other);
    if (text.empty()) {
      text = difference(counts_one, counts_other);
    }
    if (text.empty()) {
      text = difference(filled_in(run(engines.counting, {}), counts_other), counts_other);
      text = text.empty() ? text : "counted without sums, " + text;
    }
    return text;
  };
  Results<std::int64_t> sums_one(operands);
  Results<std::int64_t> sums_other(operands);
  std::string text =
      compare(sums_one, sums_other, {.accumulators = sums_one.sink(), .toggles = true},
              {.accumulators = sums_other.sink(), .toggles = true});
  if (!text.empty()) {
    return "MF-MAC: " + text;
  }
  job.unit = Unit::kFp32Mac;
  const MultipliedLayer multiplied(drawn.layer);
  const workloads::LoweredPass values = multiplied.pass(drawn.pass, architecture.lowering);
  job.operands = &values;
  Results<float> floats_one(operands);
  Results<float> floats_other(operands);
  text = compare(floats_one, floats_other, {.fp32 = floats_one.sink(), .toggles = true},
                 {.fp32 = floats_other.sink(), .toggles = true});
  return text.empty() ? text : "FP32 MAC: " + text;
}

namespace {

// The machine of a case; nothing: it draws its own.
std::optional<Architecture> machine_of(const VerifyOptions& options, std::uint64_t index) {
  if (options.architecture || options.cases_per_machine <= 1) {
    return options.architecture;
  }
  return draw_machine(options.seed, index / options.cases_per_machine);
}

}  // namespace

std::optional<VerifyFailure> verify(const VerifyOptions& options, const VerifiedEngines& engines,
                                    const std::function<void(const DrawnCase&)>& done) {
  const std::uint64_t begin = options.only.value_or(0);
  const std::uint64_t end = options.only ? begin + 1 : options.cases;
  for (std::uint64_t index = begin; index < end; ++index) {
    const DrawnCase drawn = draw_case(options.seed, index, machine_of(options, index));
    std::string text;
    try {
      text = difference_between(drawn, engines);
    } catch (const std::logic_error& error) {  // a memory whose modules and model differ
      text = error.what();
    }
    if (!text.empty()) {
      return VerifyFailure{index, describe(drawn), text};
    }
    done(drawn);
  }
  return std::nullopt;
}

}  // namespace potomac::sim
