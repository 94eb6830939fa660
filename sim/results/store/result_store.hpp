// The store of results, as those see it who write: points that were computed, by the digest of what
// decides them, and sweeps over them (docs/store.md). One process writes at a time, one thread of
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/results/store/point_key.hpp"
#include "sim/results/store/stored_point.hpp"

namespace potomac::sim {

// The store of a folder: DIR/results.sqlite.
inline constexpr const char* kStoreFile = "results.sqlite";
inline std::filesystem::path store_in(const std::filesystem::path& folder) {
  return folder / kStoreFile;
}

// A sweep as the store tells it from others.
struct SweepIdentity {
  std::string file;                     // the name of its spec: no part of what decides
  std::vector<StudyContext> contexts;   // one for each workload
  std::vector<std::string> parameters;  // the keys that vary
  std::vector<StoredPrice> prices;
  std::string points;     // a text from which its points follow: base machine, values, choice
  std::size_t count = 0;  // of the points of each workload: one workload's lie behind the other's
};

// SHA-256, in hexadecimal digits, of all that decides the sweep.
std::string digest_of(const SweepIdentity& sweep);

struct BegunSweep {
  std::int64_t id = 0;
  // Of one that is new: in what it differs from the last one of the same spec; empty if there is
  // none.
  std::vector<std::string> changes;
};

class ResultStore {
 public:
  // Opens the store of a folder, which must be there; makes it if there is none, for good with the
  // first commit(). Throws InputError as StoreFile does.
  explicit ResultStore(const std::filesystem::path& folder);
  ~ResultStore();  // what is not committed is lost
  ResultStore(const ResultStore&) = delete;
  ResultStore& operator=(const ResultStore&) = delete;

  // All below throw MachineError if the disk does not take it, InputError if the store is damaged.

  std::int64_t context(const StudyContext& context);
  // A sweep that is there already goes on.
  BegunSweep begin_sweep(const SweepIdentity& sweep);
  // Of the places [begin, end) of a sweep those that have their point.
  std::vector<bool> places_done(std::int64_t sweep, std::size_t begin, std::size_t end);
  std::size_t places_done(std::int64_t sweep);

  // Whether a point is there, refused or with energies by all of these prices and, if they are
  // asked for, its passes.
  bool has(const PointKey& key, std::span<const StoredPrice> prices, bool passes);
  // Adds what of the point is not there; its number.
  std::int64_t add(std::int64_t context, const StoredPoint& point,
                   std::span<const StoredPrice> prices);
  // Precondition: it is there.
  std::int64_t point(const PointKey& key);
  void put_into(std::int64_t sweep, std::size_t place, std::int64_t point);

  // Adds what another folder's store has: points, sweeps, their places. What both have stays as it
  // is here. Commits. Throws InputError besides of that one as StoreFile does of its own.
  void merge(const std::filesystem::path& folder);

  // What was written is on disk when this returns.
  void commit();
  // The same, if the last commit is so long ago that another one costs little beside it: at most a
  // second.
  void commit_if_due();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace potomac::sim
