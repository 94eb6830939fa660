#include "energy/counts/memory_accesses.hpp"

namespace potomac::energy {

Accesses& Accesses::operator+=(const Accesses& other) {
  for (const AccessInfo& info : kAccesses) {
    this->*info.member += other.*info.member;
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

MemoryAccesses& MemoryAccesses::operator+=(const MemoryAccesses& other) {
  for (const MemoryInfo& memory : kMemories) {
    this->*memory.member += other.*memory.member;
  }
  for (const TrafficInfo& traffic : kTraffic) {
    this->*traffic.member += other.*traffic.member;
  }
  return *this;
}

}  // namespace potomac::energy
