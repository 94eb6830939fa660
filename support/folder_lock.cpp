#include "support/folder_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "support/error.hpp"
#include "support/output_files.hpp"
#include "support/plain_text.hpp"

namespace potomac {
namespace fs = std::filesystem;
namespace {

constexpr const char* kName = ".potomac-lock";
constexpr mode_t kMode = 0666;

// What the holder has written: its process.
std::string holder_of(int descriptor) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
  const std::string process(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return process.empty() ? "another process" : fmt::format("process {}", printable(process));
}

// Whether the name still leads to the file: whoever held it before has removed it.
bool is_there(const fs::path& file, int descriptor) {
  struct stat by_name {};
  struct stat by_descriptor {};
  return ::lstat(file.c_str(), &by_name) == 0 && ::fstat(descriptor, &by_descriptor) == 0 &&
         by_name.st_ino == by_descriptor.st_ino && by_name.st_dev == by_descriptor.st_dev;
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder) : file_(folder / kName) {
  std::error_code error;
  for (fs::path missing = fs::absolute(folder).lexically_normal();
       !missing.empty() && !fs::exists(missing, error); missing = missing.parent_path()) {
    made_.push_back(missing);
    cleanups_.emplace_back(missing.string());
  }
  make_output_directory(folder);
  const SignalsHeld until_remembered;
  for (;;) {
    descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode);
    if (descriptor_ < 0) {
      throw InputError(
          {folder.string(), "",
           fmt::format("cannot be written ({})", std::generic_category().message(errno)),
           "name another output folder"});
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const std::string holder = holder_of(descriptor_);
      const bool held = errno == EWOULDBLOCK;
      ::close(descriptor_);
      if (!held) {  // a file system without locks
        descriptor_ = -1;
        fs::remove(file_, error);
        return;
      }
      throw InputError({folder.string(), "", fmt::format("{} is writing there", holder),
                        "wait for it, or name another output folder"});
    }
    if (is_there(file_, descriptor_)) {
      break;
    }
    ::close(descriptor_);
  }
  cleanups_.emplace_back(file_.string());
  const std::string process = fmt::format("{}", ::getpid());
  const bool noted = ::ftruncate(descriptor_, 0) == 0 &&
                     ::pwrite(descriptor_, process.data(), process.size(), 0) > 0;
  static_cast<void>(noted);  // a disk that is full says so to who writes the results
}

FolderLock::~FolderLock() {
  std::error_code ignored;
  if (descriptor_ >= 0) {
    fs::remove(file_, ignored);
    ::close(descriptor_);
  }
  for (const fs::path& folder : made_) {
    if (!fs::is_empty(folder, ignored) || ignored) {
      break;
    }
    fs::remove(folder, ignored);
  }
}

}  // namespace potomac
