#include "support/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>

#include "support/error.hpp"

namespace potomac {
namespace fs = std::filesystem;
namespace {

constexpr mode_t kNewFileMode = 0666;  // less what the user's umask takes away
constexpr int kNameAttempts = 10000;

std::string message_of(int cause) {
  return std::generic_category().message(cause);
}

// The temporary files that are there now, in a form that a signal handler may read: fixed storage,
// and a flag that is set last and cleared first.
struct CleanupSlot {
  std::array<char, 4096> path{};
  std::atomic<bool> used = false;
};
constexpr std::size_t kCleanupSlots = 16;
static_assert(std::atomic<bool>::is_always_lock_free);
// A signal handler gets no argument of ours: this must be a global.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): see above.
std::array<CleanupSlot, kCleanupSlots> cleanup_slots;

// Nothing when all slots are taken or the path is too long: then a signal leaves the file behind.
std::optional<std::size_t> remember_for_cleanup(const std::string& path) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  for (std::size_t i = 0; i < cleanup_slots.size(); ++i) {
    CleanupSlot& slot = cleanup_slots[i];
    if (!slot.used && path.size() < slot.path.size()) {
      std::memcpy(slot.path.data(), path.c_str(), path.size() + 1);
      slot.used = true;
      return i;
    }
  }
  return std::nullopt;
}

extern "C" void remove_temporary_files_and_die(int signal) {
  for (CleanupSlot& slot : cleanup_slots) {
    if (slot.used) {
      ::unlink(slot.path.data());
    }
  }
  // Installed with SA_RESETHAND: this time the signal does what it always does.
  ::raise(signal);
}

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
    cleanup_slots[*cleanup_slot_].used = false;
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

void remove_temporary_files_on_signals() {
  struct sigaction action {};
  action.sa_handler = remove_temporary_files_and_die;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  ::sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    // What the parent process chose to ignore (nohup) stays ignored.
    if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) {
      ::sigaction(signal, &action, nullptr);
    }
  }
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

void refuse_to_overwrite(const fs::path& output, std::string_view option,
                         std::span<const fs::path> inputs) {
  for (const fs::path& input : inputs) {
    std::error_code error;
    if (fs::equivalent(output, input, error)) {
      throw InputError({output.string(), std::string(option),
                        fmt::format("is an input of this run ({})", input.string()),
                        "name another file"});
    }
  }
}

void check_output_directory(const fs::path& directory, std::span<const std::string_view> names) {
  if (directory.empty()) {
    throw InputError({"", "--out", "names no folder", "name an output folder"});
  }
  fs::path existing = fs::absolute(directory).lexically_normal();
  std::error_code error;
  while (!fs::exists(existing, error) && existing.has_relative_path()) {
    existing = existing.parent_path();
  }
  if (!fs::is_directory(existing, error)) {
    throw InputError({directory.string(), "",
                      fmt::format("cannot be made a folder ({} is not one)", existing.string()),
                      "name another output folder"});
  }
  const AtomicFile probe(existing / "potomac-probe");
  for (const std::string_view name : names) {
    refuse_if_not_regular(directory / name);
  }
}

void make_output_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error || !fs::is_directory(directory)) {
    throw InputError({directory.string(), "",
                      fmt::format("cannot be made a folder ({})",
                                  error ? error.message() : "a file has that name"),
                      "name another output folder"});
  }
  // Probes for write permission by reserving (and dropping) a temporary name.
  const AtomicFile probe(directory / "potomac-probe");
}

}  // namespace potomac
