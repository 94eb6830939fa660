// What fuzzers once found, and what they begin with: read again, or refused in a line.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/fuzz/fuzz_targets.hpp"

namespace potomac {
namespace {

const std::filesystem::path kCorpora =
    std::filesystem::path(POTOMAC_SOURCE_DIR) / "tests/fuzz/corpora";

TEST(FuzzCorpora, AreReadOrRefusedInALine) {
  int files = 0;
  for (const FuzzTarget& target : fuzz_targets()) {
    for (const auto& entry : std::filesystem::directory_iterator(kCorpora / target.name)) {
      SCOPED_TRACE(entry.path());
      fuzz(target, entry.path());
      files += 1;
    }
  }
  EXPECT_GE(files, 20);
}

}  // namespace
}  // namespace potomac
