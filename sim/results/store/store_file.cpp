#include "sim/results/store/store_file.hpp"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#include "sim/results/gemm_text.hpp"
#include "sim/results/store/store_schema.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace fs = std::filesystem;
namespace {

constexpr int kBusyMs = 5000;
constexpr std::array<const char*, 3> kBeside = {"-wal", "-shm", "-journal"};

// File systems over a network, and those whose memory maps nobody vouches for: a write-ahead log
// needs memory that all processes share.
bool is_local(const fs::path& folder) {
  constexpr std::array<std::uint32_t, 11> kOthers = {
      0x6969,      // NFS
      0x517b,      // SMB
      0xfe534d42,  // SMB 2
      0xff534d42,  // CIFS
      0x65735546,  // FUSE
      0x01021997,  // 9P
      0x0bd00bd0,  // Lustre
      0x47504653,  // GPFS
      0x19830326,  // BeeGFS
      0x00c36400,  // Ceph
      0x5346414f,  // AFS
  };
  struct statfs about {};
  return ::statfs(folder.c_str(), &about) == 0 &&
         std::ranges::find(kOthers, static_cast<std::uint32_t>(about.f_type)) == kOthers.end();
}

struct Binder {
  SQLite::Statement& statement;
  int place;

  void operator()(std::monostate /*unknown*/) const { statement.bind(place); }
  void operator()(std::uint64_t count) const {
    if (count > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      throw MachineError({"", "", fmt::format("a count of {} is more than a store holds", count),
                          "run less at a time"});
    }
    statement.bind(place, static_cast<std::int64_t>(count));
  }
  void operator()(Share share) const { statement.bind(place, share.value); }
  void operator()(const std::vector<workloads::GemmShape>& gemms) const {
    statement.bind(place, gemm_text(gemms));
  }
  void operator()(const std::vector<Blocking>& tiles) const {
    statement.bind(place, tile_text(tiles));
  }
  void operator()(const auto& value) const { statement.bind(place, value); }
};

}  // namespace

void bind(SQLite::Statement& statement, int place, const Cell& cell) {
  std::visit(Binder{statement, place}, cell);
}

Cell cell_at(SQLite::Statement& statement, int column) {
  const SQLite::Column cell = statement.getColumn(column);
  switch (cell.getType()) {
    case SQLITE_INTEGER:
      return std::int64_t{cell.getInt64()};
    case SQLITE_FLOAT:
      return cell.getDouble();
    case SQLITE_TEXT:
      return cell.getString();
    default:
      return {};
  }
}

StoreFile::StoreFile(fs::path file, Use use) : path_(std::move(file)), use_(use) {
  std::error_code unknown;
  const bool is_there = fs::exists(path_, unknown);
  if (use == Use::kWrite && fs::is_symlink(path_, unknown)) {
    throw InputError({path_.string(), "", "is a link, through which nothing is written",
                      "name the folder that it leads to"});
  }
  if (use == Use::kRead && !is_there) {
    throw InputError({path_.string(), "", "is not there", "name a folder that holds a store"});
  }
  is_new_ = !is_there;
  if (is_new_) {
    cleanups_.emplace_back(path_.string());
    for (const char* const beside : kBeside) {
      cleanups_.emplace_back(path_.string() + beside);
    }
  }
  guarded([&] {
    const int for_writing = SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE;
    database_.emplace(
        path_.string(),
        (use == Use::kRead ? SQLite::OPEN_READONLY : for_writing) | SQLITE_OPEN_NOMUTEX, kBusyMs);
    database_->exec("PRAGMA cache_size = -49152");  // KiB: an index of a million keys stays there
    const int tables = database_->execAndGet("SELECT count(*) FROM sqlite_master").getInt();
    is_new_ = use == Use::kWrite && tables == 0;
    if (!is_new_) {
      require_schema();
    }
    if (use == Use::kWrite) {
      const fs::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
      database_->exec(is_local(folder) ? "PRAGMA journal_mode = WAL"
                                       : "PRAGMA journal_mode = TRUNCATE");
      database_->exec("PRAGMA synchronous = FULL");
      database_->exec("PRAGMA wal_autocheckpoint = 20000");
    }
  });
}

StoreFile::~StoreFile() {
  try {
    if (in_transaction()) {
      database_->exec("ROLLBACK");
    } else if (use_ == Use::kWrite && !is_new_) {
      // So that it can be read where nobody may write.
      database_->exec("PRAGMA journal_mode = DELETE");
    }
  } catch (const SQLite::Exception& /*nothing is lost*/) {
  }
  database_.reset();
  if (is_new_ && !cleanups_.empty()) {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
}

void StoreFile::require_schema() {
  const bool is_store = database_->tableExists("store") && database_->tableExists("sweeps");
  const std::string schema =
      is_store ? database_->execAndGet("SELECT value FROM store WHERE name = 'schema'").getString()
               : "";
  if (!is_store) {
    throw InputError({path_.string(), "", "is no store of results", "name another folder"});
  }
  if (schema != schema_digest()) {
    throw InputError({path_.string(), "",
                      fmt::format("is a store of another schema, {}; this Potomac's is {}", schema,
                                  schema_digest()),
                      "ask the Potomac that wrote it, or name another folder"});
  }
}

bool StoreFile::in_transaction() const {
  return ::sqlite3_get_autocommit(database_->getHandle()) == 0;
}

void StoreFile::begin_if_none() {
  if (in_transaction()) {
    return;
  }
  guarded([&] {
    database_->exec("BEGIN IMMEDIATE");
    if (is_new_) {
      for (const std::string& statement : schema_statements()) {
        database_->exec(statement);
      }
    }
  });
}

void StoreFile::commit() {
  if (in_transaction()) {
    guarded([&] { database_->exec("COMMIT"); });
    is_new_ = false;
    cleanups_.clear();
  }
}

void StoreFile::fail(const SQLite::Exception& error) const {
  const int code = error.getErrorCode();
  const std::string file = path_.string();
  switch (code) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw InputError({file, "", fmt::format("is damaged, or no store ({})", error.what()),
                        "name another folder, or remove it and sweep again"});
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw InputError({file, "", "is being written by another process", "wait for it"});
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      throw InputError({file, "", fmt::format("cannot be opened ({})", error.what()),
                        "name a folder that you may write to"});
    case SQLITE_FULL:
    case SQLITE_IOERR:
      throw MachineError({file, "", fmt::format("write failed ({})", error.what()),
                          "free some disk space and run again: what was committed is kept"});
    default:
      throw MachineError({file, "", fmt::format("SQLite failed: {}", error.what()),
                          "check the disk; if it is sound, this is a fault in Potomac"});
  }
}

}  // namespace potomac::sim
