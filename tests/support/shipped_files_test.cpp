// Finding shipped files: names, paths, the order of folders, and the message for a name that is not
// known.
#include "support/shipped_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/input_error.hpp"

namespace potomac {
namespace {

namespace fs = std::filesystem;
using test::input_error_of;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class ShippedFilesTest : public testing::Test {
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
    files_ = {"table", {root_ / "none", root_ / "first", root_ / "second"}};
  }
  void TearDown() override { fs::remove_all(root_); }

  void touch(const std::string& name) {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << "name\n";
  }

  fs::path root_;
  ShippedFiles files_;
};

TEST_F(ShippedFilesTest, a_name_is_looked_up_in_the_folders_in_order) {
  EXPECT_EQ(files_.find("alpha"), root_ / "first" / "alpha.yaml");
  EXPECT_EQ(files_.find("beta"), root_ / "second" / "beta.yaml");
}

TEST_F(ShippedFilesTest, a_path_is_used_as_it_is) {
  EXPECT_EQ(files_.find("./alpha"), "./alpha");
  EXPECT_EQ(files_.find("/tables/mine"), "/tables/mine");
  EXPECT_EQ(files_.find("alpha.yaml"), "alpha.yaml");
  EXPECT_EQ((ShippedFiles{"table", {}}.find("mine.yml")), "mine.yml");
}

TEST_F(ShippedFilesTest, an_unknown_name_is_answered_with_the_known_ones) {
  EXPECT_EQ(input_error_of([&] { files_.find("gamma"); }),
            "table 'gamma': is not known; use one of alpha, beta, or give the path of one");
  EXPECT_THAT(input_error_of([&] { files_.find("alhpa"); }), HasSubstr("did you mean 'alpha'?"));
  EXPECT_THAT(input_error_of([&] { files_.find(""); }), HasSubstr("alpha"));
  EXPECT_THAT(input_error_of([&] { files_.find("folder"); }), HasSubstr("alpha"));
  EXPECT_THAT(input_error_of([] {
                ShippedFiles{"table", {}}.find("gamma");
              }),
              AllOf(HasSubstr("'gamma'"), HasSubstr("no table is installed")));
}

TEST_F(ShippedFilesTest, names_are_sorted_and_named_once) {
  EXPECT_THAT(files_.names(), ElementsAre("alpha", "beta"));
}

}  // namespace
}  // namespace potomac
