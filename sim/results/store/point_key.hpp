// What decides a point of a study, and the digest by which the store knows it again.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "sim/machine/architecture.hpp"
#include "sim/results/selection.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

// All that decides the counts of a point besides its machine. Texts are as reports have them.
struct StudyContext {
  std::string workload;    // as the user knows it: no part of what decides
  std::string content;     // digest_of() the workload
  std::string dimensions;  // that a description's were bound to
  std::string density;     // that is assumed where there are no values
  std::string engine;
  std::string selection;
  std::string against;  // the machines' units, in their order
  std::string step;     // the optimizer of a whole training step
  bool toggles = false;
  std::string build;  // of the program

  friend bool operator==(const StudyContext&, const StudyContext&) = default;
};

// Of a study of that workload: what sweeps and runs have alike. Reads the workload's values.
// `machines`: their ids.
StudyContext context_of(const workloads::Workload& workload, std::string_view engine,
                        const Selection& selection, std::span<const std::string> machines);

using PointKey = std::array<unsigned char, 16>;  // the first half of a SHA-256

// The keys of points that share a context.
class PointKeys {
 public:
  explicit PointKeys(const StudyContext& context);

  // Of the machine: every key of its architecture, and what its DRAM preset holds. From any thread.
  PointKey of(const Architecture& architecture) const;

 private:
  std::string context_;
};

// SHA-256, in hexadecimal digits, of what decides the points of a context besides their machines.
std::string digest_of(const StudyContext& context);

// Every key of the machine and its value, a line a key, and what its DRAM preset holds.
std::string identity_text(const Architecture& architecture);

}  // namespace potomac::sim
