// Output files: whole or not there, nothing left behind, and errors that name the target. Tests may
// run as root, whom no permission stops, so what cannot be written is a missing parent or a file in
// a folder's place.
#include "support/atomic_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <stdexcept>
#include <string>

#include "support/cleanup_on_signals.hpp"
#include "support/error.hpp"
#include "support/output_files.hpp"
#include "tests/support/temporary_folder.hpp"

namespace potomac {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

template <typename Kind, typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Kind& error) {
    return error.what();
  }
  ADD_FAILURE() << "no error of that kind";
  return "";
}

// While it lives, no file of this process grows beyond `bytes`: a disk that is full.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_limit_);
    const rlimit limit{bytes, old_limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*old_handler_)(int);
  rlimit old_limit_{};
};

using AtomicFileTest = TemporaryFolder;

TEST_F(AtomicFileTest, is_there_whole_once_committed) {
  write_file_atomically(path("report.json"), "{}");
  EXPECT_EQ(content_of("report.json"), "{}");
  EXPECT_THAT(names(), ElementsAre("report.json"));
}

TEST_F(AtomicFileTest, may_be_empty_or_hold_any_byte) {
  write_file_atomically(path("empty"), "");
  EXPECT_EQ(content_of("empty"), "");
  const std::string bytes("a\0\n\xff", 4);
  write_file_atomically(path("bytes"), bytes);
  EXPECT_EQ(content_of("bytes"), bytes);
}

TEST_F(AtomicFileTest, replaces_what_was_there) {
  put("report.json", "something old and long");
  write_file_atomically(path("report.json"), "new");
  EXPECT_EQ(content_of("report.json"), "new");
  EXPECT_THAT(names(), ElementsAre("report.json"));
}

TEST_F(AtomicFileTest, can_be_read_by_others) {
  write_file_atomically(path("report.json"), "{}");
  struct stat status {};
  ASSERT_EQ(::stat(path("report.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0644U);
}

TEST_F(AtomicFileTest, leaves_nothing_behind_without_commit) {
  {
    const AtomicFile file(path("report.json"));
    EXPECT_EQ(file.temporary_path().parent_path(), folder_);
    EXPECT_EQ(names().size(), 1U);
    EXPECT_FALSE(std::filesystem::exists(path("report.json")));
  }
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(AtomicFileTest, an_exception_on_the_way_leaves_the_old_content) {
  put("report.json", "old");
  try {
    const AtomicFile file(path("report.json"));
    std::ofstream(file.temporary_path()) << "half of the n";
    throw std::runtime_error("on the way");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(content_of("report.json"), "old");
  EXPECT_THAT(names(), ElementsAre("report.json"));
}

TEST_F(AtomicFileTest, two_at_once_do_not_meet) {
  AtomicFile first(path("report.json"));
  AtomicFile second(path("report.json"));
  EXPECT_NE(first.temporary_path(), second.temporary_path());
  std::ofstream(first.temporary_path()) << "first";
  std::ofstream(second.temporary_path()) << "second";
  second.commit();
  first.commit();
  EXPECT_EQ(content_of("report.json"), "first");
  EXPECT_THAT(names(), ElementsAre("report.json"));
}

TEST_F(AtomicFileTest, a_missing_parent_is_bad_input) {
  const std::string message =
      error_of<InputError>([&] { write_file_atomically(path("none/report.json"), "{}"); });
  EXPECT_THAT(message, StartsWith(path("none/report.json").string() + ": cannot be written (No "));
  EXPECT_THAT(message, HasSubstr("; name a folder that exists"));
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(AtomicFileTest, a_file_in_the_folders_place_is_bad_input) {
  put("out", "I am a file");
  EXPECT_THAT(error_of<InputError>([&] { write_file_atomically(path("out/report.json"), "{}"); }),
              StartsWith(path("out/report.json").string() + ": cannot be written (Not a dir"));
  EXPECT_EQ(content_of("out"), "I am a file");
  EXPECT_THAT(names(), ElementsAre("out"));
}

TEST_F(AtomicFileTest, a_folder_in_the_files_place_is_reported_and_left_alone) {
  std::filesystem::create_directory(path("report.json"));
  EXPECT_THAT(error_of<InputError>([&] { write_file_atomically(path("report.json"), "{}"); }),
              StartsWith(path("report.json").string() + ": is a folder, not a file"));
  EXPECT_TRUE(std::filesystem::is_directory(path("report.json")));
  EXPECT_THAT(names(), ElementsAre("report.json"));
}

TEST_F(AtomicFileTest, a_full_disk_leaves_the_old_content_and_nothing_else) {
  put("report.json", "old");
  std::string message;
  {
    const FileSizeLimit limit(1000);
    message = error_of<MachineError>(
        [&] { write_file_atomically(path("report.json"), std::string(5000, 'x')); });
  }
  EXPECT_THAT(message,
              StartsWith(path("report.json").string() + ": write failed (File too large)"));
  EXPECT_EQ(content_of("report.json"), "old");
  EXPECT_THAT(names(), ElementsAre("report.json"));
}

TEST_F(AtomicFileTest, what_is_no_regular_file_is_not_replaced) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(error_of<InputError>([&] { write_file_atomically(path("pipe"), "{}"); }),
              HasSubstr("is not a regular file"));
  EXPECT_TRUE(std::filesystem::is_fifo(path("pipe")));
  EXPECT_THAT(error_of<InputError>([] { write_file_atomically("/dev/null", "{}"); }),
              HasSubstr("is not a regular file"));
  EXPECT_THAT(names(), ElementsAre("pipe"));
}

TEST_F(AtomicFileTest, has_the_mode_that_the_umask_leaves) {
  const mode_t before = ::umask(0027);
  write_file_atomically(path("report.json"), "{}");
  ::umask(before);
  EXPECT_EQ(std::filesystem::status(path("report.json")).permissions(),
            static_cast<std::filesystem::perms>(0640));
}

TEST_F(AtomicFileTest, a_temporary_name_keeps_the_extension) {
  EXPECT_EQ(AtomicFile(path("wave.vcd")).temporary_path().extension(), ".vcd");
}

TEST_F(AtomicFileTest, several_files_are_all_there_or_none) {
  write_files_atomically(std::vector<NamedContent>{{path("a"), "1"}, {path("b"), "2"}});
  EXPECT_EQ(content_of("a"), "1");
  EXPECT_EQ(content_of("b"), "2");
  {
    const FileSizeLimit limit(1000);
    error_of<MachineError>([&] {
      write_files_atomically(
          std::vector<NamedContent>{{path("a"), "new"}, {path("b"), std::string(5000, 'x')}});
    });
  }
  EXPECT_EQ(content_of("a"), "1");
  EXPECT_THAT(names(), ElementsAre("a", "b"));
}

TEST_F(AtomicFileTest, a_signal_removes_the_temporary_file_and_still_kills) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EXIT(
        {
          remove_temporary_files_on_signals();
          const AtomicFile file(path("report.json"));
          ::raise(signal);
        },
        testing::KilledBySignal(signal), "");
    EXPECT_THAT(names(), IsEmpty());
  }
}

using Outputs = TemporaryFolder;

TEST_F(Outputs, are_no_inputs_by_whatever_name) {
  put("trace.h5", "data");
  std::filesystem::create_symlink(path("trace.h5"), path("link.h5"));
  std::filesystem::create_hard_link(path("trace.h5"), path("hard.h5"));
  const std::vector<std::filesystem::path> inputs{path("trace.h5")};
  for (const char* name : {"trace.h5", "link.h5", "hard.h5", "./trace.h5", "x/../trace.h5"}) {
    EXPECT_THAT(error_of<InputError>([&] {
                  check_outputs(std::vector<Output>{{path(name), "--dump-outputs"}}, inputs);
                }),
                HasSubstr("--dump-outputs: is an input of this run"));
  }
  check_outputs(std::vector<Output>{{path("other.h5"), "--dump-outputs"}}, inputs);
}

TEST_F(Outputs, have_different_names_though_none_is_there_yet) {
  std::filesystem::create_directory(path("folder"));
  std::filesystem::create_symlink(path("folder"), path("link"));
  const std::vector<std::pair<std::string, std::string>> names_of_one_file = {
      {"a.h5", "a.h5"}, {"a.h5", "./a.h5"}, {"folder/a", "link/a"}, {"new/a", "new/../new/a"}};
  for (const auto& [first, second] : names_of_one_file) {
    const std::vector<Output> outputs = {{path(first), "--vcd"}, {path(second), "--out"}};
    EXPECT_THAT(error_of<InputError>([&] { check_outputs(outputs, {}); }),
                HasSubstr("--out: is written by --vcd too"));
  }
  check_outputs(std::vector<Output>{{path("new/a"), "--vcd"}, {path("new/b"), "--out"}}, {});
}

TEST_F(Outputs, of_a_folder_are_checked_before_it_is_made) {
  check_outputs(outputs_in(path("a/b"), "--out", {"report.json"}), {});
  EXPECT_THAT(names(), IsEmpty());
  std::filesystem::create_directories(path("a/report.json"));
  EXPECT_THAT(error_of<InputError>(
                  [&] { check_outputs(outputs_in(path("a"), "--out", {"report.json"}), {}); }),
              HasSubstr("is a folder, not a file"));
  put("file", "");
  EXPECT_THAT(error_of<InputError>([&] {
                check_outputs(outputs_in(path("file/below"), "--out", {"report.json"}), {});
              }),
              HasSubstr("cannot be made a folder"));
  EXPECT_THAT(error_of<InputError>([] { outputs_in("", "--out", {"report.json"}); }),
              HasSubstr("--out: names no folder"));
}

using OutputDirectory = TemporaryFolder;

TEST_F(OutputDirectory, is_that_of_a_file_to_be_made) {
  make_folder_of(path("a/b/report.json"));
  EXPECT_TRUE(std::filesystem::is_empty(path("a/b")));
  make_folder_of("report.json");
}

TEST_F(OutputDirectory, is_made_with_its_parents_and_is_empty) {
  make_output_directory(path("a/b/c"));
  EXPECT_TRUE(std::filesystem::is_empty(path("a/b/c")));
}

TEST_F(OutputDirectory, may_be_there_already_and_keeps_what_it_holds) {
  put("old.txt", "old");
  make_output_directory(folder_);
  EXPECT_EQ(content_of("old.txt"), "old");
  EXPECT_THAT(names(), ElementsAre("old.txt"));
}

TEST_F(OutputDirectory, may_be_named_with_a_slash_at_its_end) {
  make_output_directory(path("out/"));
  EXPECT_TRUE(std::filesystem::is_empty(path("out")));
}

TEST_F(OutputDirectory, a_file_in_its_place_is_bad_input) {
  put("out", "I am a file");
  EXPECT_THAT(error_of<InputError>([&] { make_output_directory(path("out")); }),
              StartsWith(path("out").string() + ": cannot be made a folder"));
  EXPECT_THAT(error_of<InputError>([&] { make_output_directory(path("out/below")); }),
              HasSubstr("; name another output folder"));
  EXPECT_EQ(content_of("out"), "I am a file");
}

}  // namespace
}  // namespace potomac
