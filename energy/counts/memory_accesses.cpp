#include "energy/counts/memory_accesses.hpp"

namespace potomac::energy {

Accesses& Accesses::add(const Accesses& other, std::uint64_t times) {
  for (const AccessInfo& info : kAccesses) {
    this->*info.member += other.*info.member * times;
  }
  return *this;
}

MemoryAccesses MemoryAccesses::unknown() {
  MemoryAccesses accesses;
  for (const MemoryInfo& memory : kMemories) {
    for (const AccessInfo& info : kAccesses) {
      accesses.*memory.member.*info.member = Count::unknown();
    }
  }
  for (const TrafficInfo& traffic : kTraffic) {
    accesses.*traffic.member = Count::unknown();
  }
  return accesses;
}

MemoryAccesses& MemoryAccesses::add(const MemoryAccesses& other, std::uint64_t times) {
  if (!known() && !other.known()) {
    return *this;  // all is unknown, and stays so
  }
  for (const MemoryInfo& memory : kMemories) {
    (this->*memory.member).add(other.*memory.member, times);
  }
  for (const TrafficInfo& traffic : kTraffic) {
    this->*traffic.member += other.*traffic.member * times;
  }
  return *this;
}

}  // namespace potomac::energy
