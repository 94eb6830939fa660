#include "sim/engines/interface/value_facts.hpp"

namespace potomac::sim {

ProductCounts& ProductCounts::operator+=(const ProductCounts& other) {
  macs += other.macs;
  nonzero += other.nonzero;
  dropped += other.dropped;
  first_nonzero += other.first_nonzero;
  first_kept += other.first_kept;
  return *this;
}

}  // namespace potomac::sim
