#include "sim/results/store/result_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <tuple>
#include <utility>

#include "sim/machine/architecture_keys.hpp"
#include "sim/results/store/store_file.hpp"
#include "sim/results/store/store_schema.hpp"
#include "support/digest.hpp"

namespace potomac::sim {
namespace {

using Clock = std::chrono::steady_clock;
// A commit waits for the disk: it is worth so many times what the last one took, within bounds.
constexpr int kWorkOfCommit = 20;
constexpr Clock::duration kCommitSoonest = std::chrono::milliseconds(10);
constexpr Clock::duration kCommitLatest = std::chrono::seconds(1);

// "INSERT OR IGNORE INTO points VALUES(?,?,...)".
std::string insert_into(std::string_view table, std::size_t columns) {
  std::string text = fmt::format("INSERT OR IGNORE INTO {} VALUES(?", table);
  for (std::size_t i = 1; i < columns; ++i) {
    text += ",?";
  }
  return text + ")";
}

void bind_key(SQLite::Statement& statement, int place, const PointKey& key) {
  statement.bind(place, key.data(), static_cast<int>(key.size()));
}

// Binds cells from a place on; the place behind them.
int bind_cells(SQLite::Statement& statement, int place, std::span<const Cell> cells) {
  for (const Cell& cell : cells) {
    bind(statement, place++, cell);
  }
  return place;
}

void run(SQLite::Statement& statement) {
  statement.exec();
  statement.reset();
}

// What makes another store's rows this one's, where that one is `other`. Numbers are a store's own:
// rows are known again by digests, keys and names.
std::vector<std::string> merge_statements() {
  const auto other_point = [](std::string_view row) {
    return fmt::format("JOIN other.points o ON o.id = {} JOIN main.points p ON p.key = o.key", row);
  };
  const std::string of_point = other_point(fmt::format("r.id % {}", kStoreStride));
  return {
      ("INSERT OR IGNORE INTO main.contexts SELECT NULL, digest, workload, content, dimensions, "
       "density, engine, selection, against, step, toggles, build FROM other.contexts ORDER BY id"),
      "INSERT OR IGNORE INTO main.machines SELECT NULL, name FROM other.machines ORDER BY id",
      ("INSERT OR IGNORE INTO main.reports SELECT NULL, machine, \"table\", digest, accounting, "
       "unit, node, has_areas FROM other.reports ORDER BY id"),
      fmt::format(
          "INSERT OR IGNORE INTO main.points SELECT NULL, r.key, c.id, {} FROM other.points "
          "r JOIN other.contexts o ON o.id = r.context JOIN main.contexts c ON c.digest = "
          "o.digest ORDER BY r.id",
          fmt::join(columns_of_points("r."), ", ")),
      fmt::format(
          "INSERT OR IGNORE INTO main.refusals SELECT p.id, r.message FROM other.refusals r "
          "{}",
          other_point("r.point")),
      fmt::format("INSERT OR IGNORE INTO main.totals SELECT m.id * {0} + p.id, {1} FROM "
                  "other.totals r JOIN other.machines n ON n.id = r.id / {0} JOIN main.machines m "
                  "ON m.name = n.name {2} ORDER BY 1",
                  kStoreStride, fmt::join(columns_of_totals("r."), ", "), of_point),
      fmt::format("INSERT OR IGNORE INTO main.energy SELECT m.id * {0} + p.id, {1} FROM "
                  "other.energy r JOIN other.reports n ON n.id = r.id / {0} JOIN main.reports m ON "
                  "m.machine = n.machine AND m.digest = n.digest AND m.accounting = n.accounting "
                  "{2} ORDER BY 1",
                  kStoreStride, fmt::join(columns_of_energy("r."), ", "), of_point),
      fmt::format(
          "INSERT OR IGNORE INTO main.passes SELECT p.id, r.number, m.id, {} FROM "
          "other.passes r JOIN other.machines n ON n.id = r.machine JOIN main.machines m ON "
          "m.name = n.name {}",
          fmt::join(columns_of_passes("r."), ", "), other_point("r.point")),
      ("CREATE TEMP TABLE sweeps_new AS SELECT r.id AS other FROM other.sweeps r WHERE r.digest "
       "NOT "
       "IN (SELECT digest FROM main.sweeps)"),
      ("INSERT INTO main.sweeps SELECT NULL, digest, file, points FROM other.sweeps WHERE id IN "
       "(SELECT other FROM sweeps_new) ORDER BY id"),
      ("INSERT INTO main.sweep_workloads SELECT s.id, r.number, r.name, c.id FROM "
       "other.sweep_workloads r JOIN other.contexts o ON o.id = r.context JOIN main.contexts c ON "
       "c.digest = o.digest JOIN other.sweeps t ON t.id = r.sweep JOIN main.sweeps s ON s.digest = "
       "t.digest WHERE r.sweep IN (SELECT other FROM sweeps_new)"),
      ("INSERT INTO main.sweep_parameters SELECT s.id, r.number, r.name FROM "
       "other.sweep_parameters "
       "r JOIN other.sweeps o ON o.id = r.sweep JOIN main.sweeps s ON s.digest = o.digest WHERE "
       "r.sweep IN (SELECT other FROM sweeps_new)"),
      ("INSERT INTO main.sweep_prices SELECT s.id, r.number, r.\"table\", r.digest, r.accounting "
       "FROM other.sweep_prices r JOIN other.sweeps o ON o.id = r.sweep JOIN main.sweeps s ON "
       "s.digest = o.digest WHERE r.sweep IN (SELECT other FROM sweeps_new)"),
      "DROP TABLE sweeps_new",
      fmt::format(
          "INSERT OR IGNORE INTO main.sweep_points SELECT s.id * {0} + r.id % {0}, p.id FROM "
          "other.sweep_points r JOIN other.sweeps t ON t.id = r.id / {0} JOIN main.sweeps s "
          "ON s.digest = t.digest {1} ORDER BY 1",
          kStoreStride, other_point("r.point")),
      ("REPLACE INTO main.store SELECT 'last sweep', s.id FROM other.store r JOIN other.sweeps o "
       "ON "
       "o.id = r.value JOIN main.sweeps s ON s.digest = o.digest WHERE r.name = 'last sweep'"),
  };
}

std::vector<std::string> differences(const StudyContext& before, const StudyContext& now) {
  std::vector<std::string> changes;
  const auto compare = [&changes](std::string_view what, const std::string& one,
                                  const std::string& other) {
    if (one != other) {
      constexpr std::size_t kLong = 40;  // what is longer, as a digest, tells nobody anything
      changes.push_back(std::max(one.size(), other.size()) > kLong || one.empty()
                            ? fmt::format("the {} is another", what)
                            : fmt::format("the {} was {}", what, one));
    }
  };
  compare("workload", before.content, now.content);
  compare("binding of dimensions", before.dimensions, now.dimensions);
  compare("engine", before.engine, now.engine);
  compare("selection", before.selection, now.selection);
  compare("list of machines", before.against, now.against);
  compare("build of Potomac", before.build, now.build);
  return changes;
}

}  // namespace

std::string digest_of(const SweepIdentity& sweep) {
  std::string decides = sweep.points + "\n";
  for (const StudyContext& context : sweep.contexts) {
    decides += fmt::format("{} {}\n", context.workload, digest_of(context));
  }
  for (const StoredPrice& price : sweep.prices) {
    decides += fmt::format("{} {}\n", price.digest, price.accounting);
  }
  return sha256_of(decides);
}

class ResultStore::Impl {
 public:
  explicit Impl(const std::filesystem::path& folder)
      : file_(store_in(folder), StoreFile::Use::kWrite) {}

  std::int64_t context(const StudyContext& context) {
    begin();
    return file_.guarded([&] {
      const std::string digest = digest_of(context);
      SQLite::Statement& find = statement("SELECT id FROM contexts WHERE digest = ?");
      find.bind(1, digest);
      if (const auto id = one_integer(find)) {
        return *id;
      }
      SQLite::Statement& insert = statement(
          "INSERT INTO contexts(digest, workload, content, dimensions, density, engine, selection, "
          "against, step, toggles, build) VALUES(?,?,?,?,?,?,?,?,?,?,?)");
      int place = 1;
      for (const std::string* const text :
           {&digest, &context.workload, &context.content, &context.dimensions, &context.density,
            &context.engine, &context.selection, &context.against, &context.step}) {
        insert.bind(place++, *text);
      }
      insert.bind(place++, context.toggles ? 1 : 0);
      insert.bind(place, context.build);
      run(insert);
      return std::int64_t{file_.database().getLastInsertRowid()};
    });
  }

  BegunSweep begin_sweep(const SweepIdentity& sweep) {
    begin();
    std::vector<std::int64_t> contexts;
    for (const StudyContext& one : sweep.contexts) {
      contexts.push_back(context(one));
    }
    return file_.guarded([&] {
      const std::string digest = digest_of(sweep);
      SQLite::Statement& find = statement("SELECT id FROM sweeps WHERE digest = ?");
      find.bind(1, digest);
      BegunSweep begun;
      if (const auto id = one_integer(find)) {
        begun.id = *id;
      } else {
        begun.changes = changes_since_last(sweep);
        insert_sweep(sweep, digest);
        begun.id = file_.database().getLastInsertRowid();
        insert_lists(sweep, begun.id, contexts);
      }
      SQLite::Statement& last = statement("REPLACE INTO store VALUES('last sweep', ?)");
      last.bind(1, begun.id);
      run(last);
      return begun;
    });
  }

  std::vector<bool> places_done(std::int64_t sweep, std::size_t begin, std::size_t end) {
    return file_.guarded([&] {
      std::vector<bool> done(end - begin);
      if (!file_.database().tableExists("sweep_points")) {
        return done;
      }
      const std::int64_t first = sweep * kStoreStride + static_cast<std::int64_t>(begin);
      SQLite::Statement& find = statement("SELECT id FROM sweep_points WHERE id >= ? AND id < ?");
      find.bind(1, first);
      find.bind(2, sweep * kStoreStride + static_cast<std::int64_t>(end));
      while (find.executeStep()) {
        done[static_cast<std::size_t>(find.getColumn(0).getInt64() - first)] = true;
      }
      find.reset();
      return done;
    });
  }

  std::size_t places_done(std::int64_t sweep) {
    return file_.guarded([&] {
      SQLite::Statement& count =
          statement("SELECT count(*) FROM sweep_points WHERE id >= ? AND id < ?");
      count.bind(1, sweep * kStoreStride);
      count.bind(2, (sweep + 1) * kStoreStride);
      return static_cast<std::size_t>(one_integer(count).value_or(0));
    });
  }

  std::optional<std::int64_t> find(const PointKey& key) {
    return file_.guarded([&] {
      SQLite::Statement& find = statement("SELECT id FROM points WHERE key = ?");
      bind_key(find, 1, key);
      return one_integer(find);
    });
  }

  bool has(const PointKey& key, std::span<const StoredPrice> prices, bool passes) {
    const auto point = find(key);
    if (!point) {
      return false;
    }
    return file_.guarded([&] {
      SQLite::Statement& refused = statement("SELECT 1 FROM refusals WHERE point = ?");
      refused.bind(1, *point);
      if (one_integer(refused)) {
        return true;
      }
      SQLite::Statement& energy = statement("SELECT 1 FROM energy WHERE id = ?");
      for (const StoredPrice& price : prices) {
        energy.bind(1,
                    report(std::string(info_of(Unit::kMfMac).name), price) * kStoreStride + *point);
        if (!one_integer(energy)) {
          return false;
        }
      }
      SQLite::Statement& kept = statement("SELECT 1 FROM passes WHERE point = ? LIMIT 1");
      kept.bind(1, *point);
      return !passes || one_integer(kept).has_value();
    });
  }

  std::int64_t add(std::int64_t context, const StoredPoint& point,
                   std::span<const StoredPrice> prices) {
    begin();
    if (!next_point_) {
      next_point_ = file_.guarded([&] {
        return one_integer(statement("SELECT coalesce(max(id), 0) + 1 FROM points")).value_or(1);
      });
    }
    const auto known = find(point.key);
    const std::int64_t id = known ? *known : *next_point_;
    file_.guarded([&] {
      if (!known) {
        *next_point_ += 1;
        SQLite::Statement& insert = insertion(points_, "points", point.architecture.size() + 3);
        insert.bind(1, id);
        bind_key(insert, 2, point.key);
        insert.bind(3, context);
        bind_cells(insert, 4, point.architecture);
        run(insert);
      }
      if (!point.refusal.empty()) {
        SQLite::Statement& insert = statement("INSERT OR IGNORE INTO refusals VALUES(?,?)");
        insert.bind(1, id);
        insert.bind(2, point.refusal);
        run(insert);
      }
      for (const StoredPoint::OfMachine& totals : point.totals) {
        SQLite::Statement& insert = insertion(totals_, "totals", totals.cells.size() + 1);
        insert.bind(1, machine(totals.machine) * kStoreStride + id);
        bind_cells(insert, 2, totals.cells);
        run(insert);
      }
      for (const StoredPoint::Energy& energy : point.energy) {
        SQLite::Statement& insert = insertion(energy_, "energy", energy.cells.size() + 1);
        insert.bind(1, report(energy.machine, prices[energy.price]) * kStoreStride + id);
        bind_cells(insert, 2, energy.cells);
        run(insert);
      }
      add_passes(id, point);
    });
    return id;
  }

  void put_into(std::int64_t sweep, std::size_t place, std::int64_t point) {
    begin();
    file_.guarded([&] {
      SQLite::Statement& insert = insertion(places_, "sweep_points", 2);
      insert.bind(1, sweep * kStoreStride + static_cast<std::int64_t>(place));
      insert.bind(2, point);
      run(insert);
    });
  }

  void merge(const std::filesystem::path& folder) {
    { const StoreFile other(store_in(folder), StoreFile::Use::kRead); }
    begin();
    commit();
    file_.guarded([&] {
      SQLite::Statement attach(file_.database(), "ATTACH ? AS other");
      attach.bind(1, store_in(folder).string());
      attach.exec();
    });
    begin();
    file_.guarded([&] {
      for (const std::string& statement : merge_statements()) {
        file_.database().exec(statement);
      }
    });
    commit();
    file_.guarded([&] { file_.database().exec("DETACH other"); });
    next_point_.reset();
  }

  void commit() {
    const Clock::time_point begun = Clock::now();
    file_.commit();
    committed_ = Clock::now();
    due_after_ = std::clamp(kWorkOfCommit * (committed_ - begun), kCommitSoonest, kCommitLatest);
  }

  void commit_if_due() {
    if (Clock::now() - committed_ > due_after_) {
      commit();
    }
  }

 private:
  void begin() { file_.begin_if_none(); }

  // Statements by their text: each is prepared once.
  SQLite::Statement& statement(const char* text) {
    auto& slot = statements_[text];
    if (!slot) {
      slot = std::make_unique<SQLite::Statement>(file_.database(), text);
    }
    return *slot;
  }
  SQLite::Statement& insertion(std::optional<SQLite::Statement>& slot, std::string_view table,
                               std::size_t columns) {
    if (!slot) {
      slot.emplace(file_.database(), insert_into(table, columns));
    }
    return *slot;
  }

  static std::optional<std::int64_t> one_integer(SQLite::Statement& statement) {
    std::optional<std::int64_t> value;
    if (statement.executeStep()) {
      value = statement.getColumn(0).getInt64();
    }
    statement.reset();
    return value;
  }

  std::int64_t machine(const std::string& name) {
    const auto known = machines_.find(name);
    if (known != machines_.end()) {
      return known->second;
    }
    SQLite::Statement& insert = statement("INSERT OR IGNORE INTO machines(name) VALUES(?)");
    insert.bind(1, name);
    run(insert);
    SQLite::Statement& find = statement("SELECT id FROM machines WHERE name = ?");
    find.bind(1, name);
    return machines_[name] = one_integer(find).value();
  }

  std::int64_t report(const std::string& machine, const StoredPrice& price) {
    const auto key = std::tie(machine, price.digest, price.accounting);
    const auto known = reports_.find(key);
    if (known != reports_.end()) {
      return known->second;
    }
    begin();
    SQLite::Statement& insert = statement(
        "INSERT OR IGNORE INTO reports(machine, \"table\", digest, accounting, unit, node, "
        "has_areas) VALUES(?,?,?,?,?,?,?)");
    int place = 1;
    for (const std::string* const text :
         {&machine, &price.table, &price.digest, &price.accounting, &price.unit, &price.node}) {
      insert.bind(place++, *text);
    }
    insert.bind(place, price.has_areas ? 1 : 0);
    run(insert);
    SQLite::Statement& find =
        statement("SELECT id FROM reports WHERE machine = ? AND digest = ? AND accounting = ?");
    find.bind(1, machine);
    find.bind(2, price.digest);
    find.bind(3, price.accounting);
    return reports_[key] = one_integer(find).value();
  }

  void add_passes(std::int64_t id, const StoredPoint& point) {
    for (std::size_t number = 0; number < point.passes.size(); ++number) {
      const StoredPoint::Pass& pass = point.passes[number];
      for (const StoredPoint::OfMachine& of : pass.machines) {
        SQLite::Statement& insert =
            insertion(passes_, "passes", pass.cells.size() + of.cells.size() + 3);
        insert.bind(1, id);
        insert.bind(2, static_cast<std::int64_t>(number));
        insert.bind(3, machine(of.machine));
        bind_cells(insert, bind_cells(insert, 4, pass.cells), of.cells);
        run(insert);
      }
    }
  }

  void insert_sweep(const SweepIdentity& sweep, const std::string& digest) {
    SQLite::Statement& insert = statement("INSERT INTO sweeps(digest, file, points) VALUES(?,?,?)");
    insert.bind(1, digest);
    insert.bind(2, sweep.file);
    insert.bind(3, static_cast<std::int64_t>(sweep.count));
    run(insert);
  }

  void insert_lists(const SweepIdentity& sweep, std::int64_t id,
                    std::span<const std::int64_t> contexts) {
    for (std::size_t i = 0; i < contexts.size(); ++i) {
      SQLite::Statement& insert = statement("INSERT INTO sweep_workloads VALUES(?,?,?,?)");
      insert.bind(1, id);
      insert.bind(2, static_cast<std::int64_t>(i));
      insert.bind(3, sweep.contexts[i].workload);
      insert.bind(4, contexts[i]);
      run(insert);
    }
    for (std::size_t i = 0; i < sweep.parameters.size(); ++i) {
      SQLite::Statement& insert = statement("INSERT INTO sweep_parameters VALUES(?,?,?)");
      insert.bind(1, id);
      insert.bind(2, static_cast<std::int64_t>(i));
      insert.bind(3, sweep.parameters[i]);
      run(insert);
    }
    for (std::size_t i = 0; i < sweep.prices.size(); ++i) {
      SQLite::Statement& insert = statement("INSERT INTO sweep_prices VALUES(?,?,?,?,?)");
      insert.bind(1, id);
      insert.bind(2, static_cast<std::int64_t>(i));
      insert.bind(3, sweep.prices[i].table);
      insert.bind(4, sweep.prices[i].digest);
      insert.bind(5, sweep.prices[i].accounting);
      run(insert);
    }
  }

  // What the last sweep of the same file was decided by, and is not now.
  std::vector<std::string> changes_since_last(const SweepIdentity& sweep) {
    SQLite::Statement& find = statement(
        "SELECT s.id, c.content, c.dimensions, c.engine, c.selection, c.against, c.build "
        "FROM sweeps s JOIN sweep_workloads w ON w.sweep = s.id JOIN contexts c ON c.id = "
        "w.context "
        "WHERE s.id = (SELECT max(id) FROM sweeps WHERE file = ?) ORDER BY w.number");
    find.bind(1, sweep.file);
    std::int64_t before = 0;
    std::vector<std::string> changes;
    for (std::size_t i = 0; find.executeStep() && i < sweep.contexts.size(); ++i) {
      before = find.getColumn(0).getInt64();
      StudyContext last;
      int column = 1;
      for (std::string* const text : {&last.content, &last.dimensions, &last.engine,
                                      &last.selection, &last.against, &last.build}) {
        *text = find.getColumn(column++).getString();
      }
      for (const std::string& change : differences(last, sweep.contexts[i])) {
        if (std::ranges::find(changes, change) == changes.end()) {
          changes.push_back(change);
        }
      }
    }
    find.reset();
    if (before == 0) {
      return {};
    }
    SQLite::Statement& prices = statement(
        "SELECT \"table\", accounting FROM sweep_prices WHERE sweep = ? AND \"table\" = ? AND "
        "accounting = ? AND digest = ?");
    for (const StoredPrice& price : sweep.prices) {
      prices.bind(1, before);
      prices.bind(2, price.table);
      prices.bind(3, price.accounting);
      prices.bind(4, price.digest);
      if (!prices.executeStep()) {
        changes.push_back(
            fmt::format("table {} ({}) is new or another", price.table, price.accounting));
      }
      prices.reset();
    }
    if (changes.empty()) {
      changes.emplace_back("its points are others");
    }
    return changes;
  }

  StoreFile file_;
  std::map<const char*, std::unique_ptr<SQLite::Statement>> statements_;
  std::optional<SQLite::Statement> points_, totals_, energy_, passes_, places_;
  std::map<std::string, std::int64_t, std::less<>> machines_;
  std::map<std::tuple<std::string, std::string, std::string>, std::int64_t, std::less<>> reports_;
  std::optional<std::int64_t> next_point_;
  Clock::time_point committed_ = Clock::now();
  Clock::duration due_after_ = kCommitSoonest;
};

ResultStore::ResultStore(const std::filesystem::path& folder)
    : impl_(std::make_unique<Impl>(folder)) {}
ResultStore::~ResultStore() = default;

std::int64_t ResultStore::context(const StudyContext& context) {
  return impl_->context(context);
}
BegunSweep ResultStore::begin_sweep(const SweepIdentity& sweep) {
  return impl_->begin_sweep(sweep);
}
std::vector<bool> ResultStore::places_done(std::int64_t sweep, std::size_t begin, std::size_t end) {
  return impl_->places_done(sweep, begin, end);
}
std::size_t ResultStore::places_done(std::int64_t sweep) {
  return impl_->places_done(sweep);
}
bool ResultStore::has(const PointKey& key, std::span<const StoredPrice> prices, bool passes) {
  return impl_->has(key, prices, passes);
}
std::int64_t ResultStore::add(std::int64_t context, const StoredPoint& point,
                              std::span<const StoredPrice> prices) {
  return impl_->add(context, point, prices);
}
std::int64_t ResultStore::point(const PointKey& key) {
  return impl_->find(key).value();
}
void ResultStore::put_into(std::int64_t sweep, std::size_t place, std::int64_t point) {
  impl_->put_into(sweep, place, point);
}
void ResultStore::merge(const std::filesystem::path& folder) {
  impl_->merge(folder);
}
void ResultStore::commit() {
  impl_->commit();
}
void ResultStore::commit_if_due() {
  impl_->commit_if_due();
}

}  // namespace potomac::sim
