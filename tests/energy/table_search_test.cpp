// Finding tables: names, paths, the order of folders, and the message for a name that is not known.
#include "energy/table_search.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/energy/test_tables.hpp"

namespace potomac::energy {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class TableSearch : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "potomac-tables-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    touch("first/alpha.yaml");
    touch("first/readme.md");
    touch("second/alpha.yaml");
    touch("second/beta.yaml");
    fs::create_directory(root_ / "second" / "folder.yaml");
    folders_ = {root_ / "none", root_ / "first", root_ / "second"};
  }
  void TearDown() override { fs::remove_all(root_); }

  void touch(const std::string& name) {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << "name\n";
  }

  fs::path root_;
  std::vector<fs::path> folders_;
};

TEST_F(TableSearch, a_name_is_looked_up_in_the_folders_in_order) {
  EXPECT_EQ(find_unit_energy_table("alpha", folders_), root_ / "first" / "alpha.yaml");
  EXPECT_EQ(find_unit_energy_table("beta", folders_), root_ / "second" / "beta.yaml");
}

TEST_F(TableSearch, a_path_is_used_as_it_is) {
  EXPECT_EQ(find_unit_energy_table("./alpha", folders_), "./alpha");
  EXPECT_EQ(find_unit_energy_table("/tables/mine", folders_), "/tables/mine");
  EXPECT_EQ(find_unit_energy_table("alpha.yaml", folders_), "alpha.yaml");
  EXPECT_EQ(find_unit_energy_table("mine.yml", {}), "mine.yml");
}

TEST_F(TableSearch, an_unknown_name_is_answered_with_the_known_ones) {
  EXPECT_EQ(input_error_of([&] { find_unit_energy_table("gamma", folders_); }),
            "energy table 'gamma': is not known; use one of alpha, beta, or give the path of a "
            "table");
  EXPECT_THAT(input_error_of([&] { find_unit_energy_table("", folders_); }), HasSubstr("alpha"));
  EXPECT_THAT(input_error_of([&] { find_unit_energy_table("folder", folders_); }),
              HasSubstr("alpha"));
  EXPECT_THAT(input_error_of([] { find_unit_energy_table("gamma", {}); }),
              AllOf(HasSubstr("'gamma'"), HasSubstr("no table is installed")));
}

TEST_F(TableSearch, names_are_sorted_and_named_once) {
  EXPECT_THAT(unit_energy_table_names(folders_), ElementsAre("alpha", "beta"));
}

TEST(ShippedTableSearch, the_shipped_tables_have_names) {
  const std::vector<fs::path> folders = {POTOMAC_ENERGY_TABLES};
  EXPECT_THAT(unit_energy_table_names(folders),
              ElementsAre("horowitz-45nm", "paper-2302.14458", "tpuv4i-7nm"));
}

}  // namespace
}  // namespace potomac::energy
