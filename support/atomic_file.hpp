// Output files that are there whole or not at all: written under a temporary name beside the
// target, renamed when complete, removed when anything went wrong.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace potomac {

// Reserves a temporary name in the target's folder: hidden, with the target's extension. The caller
// writes to `temporary_path()` and calls `commit()`; a destructor that runs without it removes the
// temporary file.
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
  std::optional<std::size_t> cleanup_slot_;
  bool committed_ = false;
};

// Makes SIGINT, SIGTERM and SIGHUP remove the temporary files that are there before they end the
// program as they always do. Called once, by main().
void remove_temporary_files_on_signals();

// Writes `content` to `target` through an AtomicFile. Throws InputError or MachineError.
void write_file_atomically(const std::filesystem::path& target, std::string_view content);

struct NamedContent {
  std::filesystem::path target;
  std::string content;
};

// Writes all files, then renames them in order: a disk that fills leaves none of them behind.
// Throws InputError or MachineError.
void write_files_atomically(std::span<const NamedContent> files);

// Refuses an output that is one of the program's inputs, whatever name or link leads to it. Throws
// InputError; `option` says where the output was named.
void refuse_to_overwrite(const std::filesystem::path& output, std::string_view option,
                         std::span<const std::filesystem::path> inputs);

// Proves, without leaving anything behind, that `directory` is or can become a folder in which
// files of these names can be written: before long work, not after it. Throws InputError.
void check_output_directory(const std::filesystem::path& directory,
                            std::span<const std::string_view> names);

// Makes `directory` (and its parents) and proves that a file can be made in it. Throws InputError.
void make_output_directory(const std::filesystem::path& directory);

}  // namespace potomac
