#include "support/child_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "support/error.hpp"

namespace potomac {
namespace {

[[noreturn]] void fail(const std::string& program, int error) {
  throw MachineError({program, "", std::strerror(error),  // NOLINT(concurrency-mt-unsafe)
                      "try again when the machine has room for a process"});
}

// A pipe whose ends are closed in the end.
class Pipe {
 public:
  explicit Pipe(const std::string& program) {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) {
      fail(program, errno);
    }
  }
  ~Pipe() {
    close_write_end();
    ::close(ends_[0]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int write_end() const { return ends_[1]; }
  void close_write_end() {
    if (ends_[1] >= 0) {
      ::close(ends_[1]);
      ends_[1] = -1;
    }
  }
  std::string read_all() const {
    std::string text;
    std::array<char, 4096> block{};
    for (;;) {
      const ssize_t size = ::read(ends_[0], block.data(), block.size());
      if (size > 0) {
        text.append(block.data(), static_cast<std::size_t>(size));
      } else if (size == 0 || errno != EINTR) {
        return text;
      }
    }
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ::posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  ::posix_spawn_file_actions_t actions_{};
};

int exit_status(::pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::optional<ChildResult> run_child(const std::string& program,
                                     const std::vector<std::string>& arguments,
                                     const std::filesystem::path& folder) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  Pipe pipe(program);
  FileActions actions;
  ::posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(actions.get(), pipe.write_end(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(actions.get(), pipe.write_end(), STDERR_FILENO);
  ::posix_spawn_file_actions_addchdir_np(actions.get(), folder.c_str());
  ::pid_t child = 0;
  const int error =
      ::posix_spawnp(&child, program.c_str(), actions.get(), nullptr, argv.data(), environ);
  if (error == ENOENT || error == EACCES) {
    return std::nullopt;
  }
  if (error != 0) {
    fail(program, error);
  }
  pipe.close_write_end();
  ChildResult result;
  result.output = pipe.read_all();
  result.status = exit_status(child);
  return result;
}

}  // namespace potomac
