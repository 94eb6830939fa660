#include "support/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <deque>
#include <string>
#include <system_error>
#include <utility>

#include "support/cleanup_on_signals.hpp"
#include "support/error.hpp"

namespace potomac {
namespace fs = std::filesystem;
namespace {

constexpr mode_t kNewFileMode = 0666;  // less what the user's umask takes away
constexpr int kNameAttempts = 10000;

std::string message_of(int cause) {
  return std::generic_category().message(cause);
}

// Makes a file that was not there. mkstemp() would not do: its files ignore the umask.
fs::path make_temporary_beside(const fs::path& target) {
  static std::atomic<unsigned> serial = 0;
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    fs::path path = folder / fmt::format(".{}.{}-{}{}", target.stem().string(), ::getpid(),
                                         ++serial, target.extension().string());
    const int descriptor =
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kNewFileMode);
    if (descriptor >= 0) {
      ::close(descriptor);
      return path;
    }
    if (errno != EEXIST) {
      break;
    }
  }
  throw InputError({target.string(), "", fmt::format("cannot be written ({})", message_of(errno)),
                    "name a folder that exists and that you may write to"});
}

}  // namespace

void refuse_if_not_regular(const fs::path& target) {
  std::error_code error;
  const fs::file_status status = fs::status(target, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw InputError({target.string(), "",
                      fs::is_directory(status) ? "is a folder, not a file"
                                               : "is not a regular file, and would be replaced",
                      "name another file"});
  }
}

AtomicFile::AtomicFile(fs::path target) : target_(std::move(target)) {
  if (!target_.has_filename()) {
    throw InputError({target_.string(), "", "is not the name of a file", "name a file"});
  }
  refuse_if_not_regular(target_);
  temporary_ = make_temporary_beside(target_);
  cleanup_slot_ = remember_for_cleanup(temporary_.string());
}

AtomicFile::~AtomicFile() {
  if (cleanup_slot_) {
    forget_cleanup(*cleanup_slot_);
  }
  if (!committed_) {
    std::error_code ignored;
    fs::remove(temporary_, ignored);
  }
}

void AtomicFile::write(std::string_view content) {
  const int descriptor = ::open(temporary_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  bool good = descriptor >= 0;
  while (good && !content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    good = written > 0;
    if (good) {
      content.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  int cause = errno;
  // close() is where a full network disk may first say so.
  if (descriptor >= 0 && ::close(descriptor) != 0 && good) {
    good = false;
    cause = errno;
  }
  if (!good) {
    throw MachineError({target_.string(), "", fmt::format("write failed ({})", message_of(cause)),
                        "free some disk space and run again"});
  }
}

void AtomicFile::commit() {
  std::error_code error;
  fs::rename(temporary_, target_, error);
  if (error) {
    throw MachineError({target_.string(), "",
                        fmt::format("cannot be put in place ({})", error.message()),
                        "check the folder and the disk"});
  }
  committed_ = true;
}

void write_file_atomically(const fs::path& target, std::string_view content) {
  AtomicFile file(target);
  file.write(content);
  file.commit();
}

void write_files_atomically(std::span<const NamedContent> files) {
  std::deque<AtomicFile> waiting;
  for (const NamedContent& file : files) {
    waiting.emplace_back(file.target).write(file.content);
  }
  for (AtomicFile& file : waiting) {
    file.commit();
  }
}

}  // namespace potomac
