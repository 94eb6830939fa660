// Output files that are there whole or not at all: written under a temporary name beside the
// target, renamed when complete, removed when anything went wrong.
#pragma once

#include <filesystem>
#include <string_view>

namespace potomac {

// Reserves a temporary name in the target's folder. The caller writes to `temporary_path()` and
// calls `commit()`; a destructor that runs without it removes the temporary file.
class AtomicFile {
 public:
  // Throws InputError if the target's folder does not exist or cannot be written.
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& temporary_path() const { return temporary_; }

  // Renames the temporary file to the target. Throws MachineError if that fails.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

// Writes `content` to `target` through an AtomicFile. Throws InputError or MachineError.
void write_file_atomically(const std::filesystem::path& target, std::string_view content);

// Proves, without leaving anything behind, that `directory` is or can become a folder to write to:
// before long work, not after it. Throws InputError.
void check_output_directory(const std::filesystem::path& directory);

// Makes `directory` (and its parents) and proves that a file can be made in it. Throws InputError.
void make_output_directory(const std::filesystem::path& directory);

}  // namespace potomac
