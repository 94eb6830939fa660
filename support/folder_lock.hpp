// One process at a time writes into a folder.
#pragma once

#include <filesystem>
#include <vector>

#include "support/cleanup_on_signals.hpp"

namespace potomac {

// Held as long as it lives, and no longer than its process does. Makes the folder (and its parents)
// if it is not there; those that it made, and that are still empty in the end, it removes.
class FolderLock {
 public:
  // Throws InputError: another process holds it (and which), or the folder cannot be made or
  // written.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  std::filesystem::path file_;
  std::vector<std::filesystem::path> made_;  // the innermost first
  std::vector<CleanupOnSignals> cleanups_;
  int descriptor_ = -1;
};

}  // namespace potomac
