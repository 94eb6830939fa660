// One pass of a run, PE by PE: pe_map.csv, and a page's heat map.
#pragma once

#include <string>
#include <vector>

#include "sim/machine/pe_map.hpp"
#include "workloads/layers/layer.hpp"

namespace potomac::sim {

struct PassPeMap {
  struct OfMachine {
    std::string machine;  // its id
    PeMap map;
  };

  std::string layer;
  workloads::Pass pass = workloads::Pass::kForward;
  bool gated_known = false;
  bool toggles_known = false;
  std::vector<OfMachine> machines;
};

// A row a PE: row, col, and of each machine MACs, those that were gated, and bits that changed;
// empty where it is not known.
std::string pe_map_csv(const PassPeMap& map);

}  // namespace potomac::sim
