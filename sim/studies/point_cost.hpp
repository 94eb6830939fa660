// How long a point of a sweep will take, about: so that long ones are begun first.
#pragma once

#include "sim/engines/interface/engine.hpp"
#include "sim/plan/pass_list.hpp"
#include "sim/studies/sweep_spec.hpp"

namespace potomac::sim {

class PointCosts {
 public:
  // The workload and the spec must outlive it.
  PointCosts(const workloads::Workload& workload, const SweepSpec& spec);

  // Seconds of one thread. An engine that steps takes the PE cycles of the closed forms; where
  // tiles are chosen, a part of a second; else next to nothing.
  double seconds(const Architecture& architecture) const;

 private:
  PassList list_;
  const EngineInfo& engine_;
};

}  // namespace potomac::sim
