// The tables of counts name every member of their struct once, so that what walks a table misses
// none.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string_view>

#include "energy/counts/actions.hpp"
#include "energy/counts/memory_accesses.hpp"
#include "energy/counts/register_toggles.hpp"

namespace potomac::energy {
namespace {

// How many members a table points at.
template <typename Struct, typename Table>
std::size_t members_in(const Table& table) {
  const Struct object{};
  std::set<const Count*> members;
  for (const auto& info : table) {
    members.insert(&(object.*info.member));
  }
  return members.size();
}

template <typename Table>
std::size_t names_of(const Table& table) {
  std::set<std::string_view> names;
  for (const auto& info : table) {
    names.insert(info.name);
  }
  return names.size();
}

TEST(Counts, EachMemberStandsInItsTableOnce) {
  EXPECT_EQ(members_in<ActionCounts>(kActions), sizeof(ActionCounts) / sizeof(Count));
  EXPECT_EQ(kActions.size(), sizeof(ActionCounts) / sizeof(Count));
  EXPECT_EQ(names_of(kActions), kActions.size());
  EXPECT_EQ(members_in<RegisterToggles>(kRegisterClasses), sizeof(RegisterToggles) / sizeof(Count));
  EXPECT_EQ(names_of(kRegisterClasses), kRegisterClasses.size());
  EXPECT_EQ(members_in<Accesses>(kAccesses), sizeof(Accesses) / sizeof(Count));
  EXPECT_EQ(kMemories.size() * sizeof(Accesses) + kTraffic.size() * sizeof(Count),
            sizeof(MemoryAccesses));
  EXPECT_EQ(members_in<MemoryAccesses>(kTraffic), kTraffic.size());
}

TEST(Counts, IdleCausesAreActions) {
  for (const IdleCause& cause : kIdleCauses) {
    EXPECT_EQ(std::ranges::count(kActions, cause.member, &ActionInfo::member), 1) << cause.name;
  }
}

TEST(Counts, AddSoManyTimesTheSameWork) {
  ActionCounts work;
  work.exponent_add = 3;
  work.overflow = Count::unknown();
  ActionCounts sum;
  sum.exponent_add = 1;
  sum.add(work, 4);
  EXPECT_EQ(sum.exponent_add, Count(13));
  EXPECT_FALSE(sum.overflow.known());
  EXPECT_EQ(sum.fp32_add, Count(0));
}

TEST(Counts, OfAMachineWithoutAMemoryStayUnknown) {
  MemoryAccesses sum = MemoryAccesses::unknown();
  sum += MemoryAccesses::unknown();
  EXPECT_EQ(sum, MemoryAccesses::unknown());
  EXPECT_FALSE(sum.known());
}

TEST(Counts, BusBitsAreWholeBurstsWhereThereAreBursts) {
  MemoryAccesses accesses;
  accesses.dram.read_bits = 100;
  accesses.dram.written_bits = 28;
  accesses.moved_bits = 1024;
  EXPECT_EQ(accesses.bus_bits(), Count(1024));
  accesses.forget_dram_device();
  EXPECT_EQ(accesses.bus_bits(), Count(128));
}

}  // namespace
}  // namespace potomac::energy
