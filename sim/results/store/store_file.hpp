// A store's file, opened: what SQLite says becomes Potomac's errors. For this room alone.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <optional>
#include <vector>

#include "sim/results/columns.hpp"
#include "support/cleanup_on_signals.hpp"

namespace potomac::sim {

class StoreFile {
 public:
  enum class Use { kRead, kWrite };

  // For writing it is made if it is not there, and is there to stay with the first commit. Throws
  // InputError: it is not there, cannot be read or written, is no store, or one of another schema.
  StoreFile(std::filesystem::path file, Use use);
  ~StoreFile();
  StoreFile(const StoreFile&) = delete;
  StoreFile& operator=(const StoreFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  SQLite::Database& database() { return *database_; }
  // What was written since the last one is on disk then.
  void commit();
  void begin_if_none();
  // Runs what calls SQLite. Throws InputError of a damaged store, MachineError of a disk that takes
  // no more.
  template <typename Body>
  auto guarded(const Body& body) const {
    try {
      return body();
    } catch (const SQLite::Exception& error) {
      fail(error);
    }
  }

 private:
  [[noreturn]] void fail(const SQLite::Exception& error) const;
  // SQLite ends one by itself where the disk is full.
  bool in_transaction() const;
  void require_schema();

  std::filesystem::path path_;
  Use use_;
  bool is_new_ = false;                     // no commit made it a store yet
  std::vector<CleanupOnSignals> cleanups_;  // while it is new
  std::optional<SQLite::Database> database_;
};

// A cell as SQLite keeps it: an integer, a real, a text or NULL.
void bind(SQLite::Statement& statement, int place, const Cell& cell);
Cell cell_at(SQLite::Statement& statement, int column);

}  // namespace potomac::sim
