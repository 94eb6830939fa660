// Output files that are there whole or not at all: written under a temporary name beside the
// target, renamed when complete, removed when anything went wrong.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/cleanup_on_signals.hpp"

namespace potomac {

// Reserves a temporary name in the target's folder: hidden, with the target's extension. What a
// process that was killed has left there of the same target is removed. The caller writes to
// `temporary_path()` and calls `commit()`; a destructor that runs without it removes the temporary
// file.
class AtomicFile {
 public:
  // Throws InputError if the target's folder does not exist or cannot be written, or if the target
  // is there and is no regular file (a folder, a device, a pipe), which a rename would replace.
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& temporary_path() const { return temporary_; }

  // Replaces the temporary file's content. Throws MachineError if the disk does not take it.
  void write(std::string_view content);

  // Renames the temporary file to the target. Throws MachineError if that fails.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  std::optional<CleanupOnSignals> cleanup_;
  bool committed_ = false;
};

// Writes `content` to `target` through an AtomicFile. Throws InputError or MachineError.
void write_file_atomically(const std::filesystem::path& target, std::string_view content);

struct NamedContent {
  std::filesystem::path target;
  std::string content;
};

// Writes all files, then renames them in order: a disk that fills leaves none of them behind.
// Throws InputError or MachineError.
void write_files_atomically(std::span<const NamedContent> files);

// Throws InputError if `target` is there and is no regular file, which a rename would replace.
void refuse_if_not_regular(const std::filesystem::path& target);

}  // namespace potomac
