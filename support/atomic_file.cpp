#include "support/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "support/digest.hpp"
#include "support/error.hpp"

namespace potomac {
namespace fs = std::filesystem;
namespace {

constexpr mode_t kNewFileMode = 0666;  // less what the user's umask takes away
constexpr int kNameAttempts = 10000;
constexpr std::size_t kTokenDigits = 8;

std::string message_of(int cause) {
  return std::generic_category().message(cause);
}

fs::path folder_of(const fs::path& target) {
  return target.has_parent_path() ? target.parent_path() : fs::path(".");
}

// Names this machine, or container: process numbers are its own.
std::string machine_token() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return sha256_of(name.data()).substr(0, kTokenDigits);
}

// Of a temporary file, ".STEM.MACHINE-PROCESS-NUMBER.EXTENSION".
struct Writer {
  std::string machine;
  pid_t process = 0;
};

std::optional<Writer> writer_of(std::string_view name, const fs::path& target) {
  const std::string before = fmt::format(".{}.", target.stem().string());
  const std::string behind = target.extension().string();
  if (name.size() <= before.size() + behind.size() || !name.starts_with(before) ||
      !name.ends_with(behind)) {
    return std::nullopt;
  }
  name.remove_prefix(before.size());
  name.remove_suffix(behind.size());
  const std::size_t dash = name.find('-');
  const std::size_t second = name.find('-', dash + 1);
  if (dash != kTokenDigits || second == std::string_view::npos) {
    return std::nullopt;
  }
  const auto number_in = [](std::string_view text) -> std::optional<pid_t> {
    pid_t value = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    return bad == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                  : std::nullopt;
  };
  const auto process = number_in(name.substr(dash + 1, second - dash - 1));
  if (!process || *process <= 0 || !number_in(name.substr(second + 1))) {
    return std::nullopt;
  }
  return Writer{std::string(name.substr(0, dash)), *process};
}

// Removes what processes that are no more have left of this target: of this machine those that do
// not run, of others those that were not written to for a week.
void sweep_up(const fs::path& target) {
  constexpr auto kLongAgo = std::chrono::hours(24 * 7);
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder_of(target), error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const auto writer = writer_of(entry->path().filename().string(), target);
    std::error_code ignored;
    if (!writer || entry->symlink_status(ignored).type() != fs::file_type::regular) {
      continue;
    }
    const bool is_dead =
        writer->machine == machine_token() && ::kill(writer->process, 0) != 0 && errno == ESRCH;
    const auto written = fs::last_write_time(entry->path(), ignored);
    if (is_dead || (!ignored && fs::file_time_type::clock::now() - written > kLongAgo)) {
      fs::remove(entry->path(), ignored);
    }
  }
}

// Makes a file that was not there. mkstemp() would not do: its files ignore the umask. The name is
// remembered before there is a file: a signal between the two leaves none. It is ours alone.
std::pair<fs::path, CleanupOnSignals> make_temporary_beside(const fs::path& target) {
  static std::atomic<unsigned> serial = 0;
  const fs::path folder = folder_of(target);
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    fs::path path = folder / fmt::format(".{}.{}-{}-{}{}", target.stem().string(), machine_token(),
                                         ::getpid(), ++serial, target.extension().string());
    CleanupOnSignals cleanup(path.string());
    const int descriptor =
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kNewFileMode);
    if (descriptor >= 0) {
      ::close(descriptor);
      return {std::move(path), std::move(cleanup)};
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
  sweep_up(target_);
  auto [path, cleanup] = make_temporary_beside(target_);
  temporary_ = std::move(path);
  cleanup_.emplace(std::move(cleanup));
}

AtomicFile::~AtomicFile() {
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
