// What a sweep is to do: a workload, a base machine, and the architecture keys that vary. Points
// are never stored: each follows from its number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/machine/architecture_keys.hpp"
#include "sim/results/condition.hpp"
#include "sim/results/pricing.hpp"
#include "sim/results/selection.hpp"
#include "sim/studies/run.hpp"
#include "support/shipped_files.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

inline constexpr std::size_t kMostSweepPoints = 10'000'000;
inline constexpr std::size_t kMostSweepValues = 100'000;  // of one parameter
// Combinations that a condition is asked of one by one; of more a sample is drawn.
inline constexpr std::uint64_t kMostCombinations = kMostSweepPoints;

struct SweepParameter {
  const ArchitectureKey* key = nullptr;
  std::vector<KeyValue> values;
};

struct SweepSpec {
  std::filesystem::path file;
  std::vector<std::filesystem::path> workloads;  // each goes through all points
  workloads::Dimensions dimensions;              // of model descriptions
  std::string engine;                            // by name; empty: engine_for()
  Selection selection;
  Prices prices;
  Rivals rivals;
  Architecture base;
  std::vector<SweepParameter> parameters;
  std::optional<Condition> where;       // only combinations of which it holds
  std::optional<std::uint64_t> sample;  // only so many of these, drawn with the seed
  std::uint64_t seed = 1;
  // Every file that the sweep reads, itself included: none may be one of its outputs.
  std::vector<std::filesystem::path> inputs;

  // Adds a parameter: an architecture key, and its values: a list, {from, to, step} or
  // {powers_of_two: [from, to]}. Throws InputError: no such key, no value, a value that an
  // architecture cannot have, too many points (unless some are chosen of them).
  void add(std::string_view key, const YamlValue& values);
  void add(std::string_view key, const std::string& values);  // "[8, 16]"

  // Only combinations that fulfil this condition over architecture keys; `place` is where it was
  // written. Throws InputError: it is none, a key that is not there.
  void set_where(const std::string& condition, const std::string& place);

  // Chooses the points, by `where` and `sample`, once all parameters are there. Throws InputError:
  // too many combinations to be asked; a condition that no combination fulfils.
  void choose(const YamlValue& at);

  // What each parameter varies.
  std::vector<const ArchitectureKey*> keys() const;
  // The combinations of the values that were chosen, in their order: the last parameter varies
  // fastest.
  std::size_t points() const;
  // The value of each parameter at a point, and the machine that they make of the base.
  std::vector<KeyValue> values_at(std::size_t point) const;
  Architecture architecture_of(const std::vector<KeyValue>& values) const;
  Architecture architecture_at(std::size_t point) const {
    return architecture_of(values_at(point));
  }

 private:
  // All combinations; as many as can be counted at most.
  std::uint64_t combinations() const;
  std::vector<KeyValue> values_of(std::uint64_t combination) const;
  // Whether `where` holds for a combination.
  std::function<bool(std::uint64_t)> asked() const;

  std::optional<std::vector<std::uint64_t>> chosen_;  // of the combinations; nothing: all
};

// What a sweep file may name instead of a path.
struct ShippedInputs {
  ShippedFiles models;
  ShippedFiles architectures;
  ShippedFiles tables;
};

// Reads a sweep file (docs/sweep-file.md); paths in it are relative to its own folder. `workload`,
// if it is not empty, stands for the file's, which may then be left out; `dimensions` are bound
// over the file's. Throws InputError: unknown keys, no parameters, a value that an architecture
// cannot have, too many points.
SweepSpec load_sweep(const std::filesystem::path& path, const ShippedInputs& shipped,
                     const std::string& workload = {},
                     const workloads::Dimensions& dimensions = {});

}  // namespace potomac::sim
