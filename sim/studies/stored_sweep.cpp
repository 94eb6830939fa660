#include "sim/studies/stored_sweep.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "sim/studies/sweep.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

// A text from which the points of a sweep follow.
std::string points_text(const SweepSpec& spec) {
  std::string text = identity_text(spec.base);
  for (const SweepParameter& parameter : spec.parameters) {
    std::vector<std::string> values;
    for (const KeyValue& value : parameter.values) {
      values.push_back(text_of(value));
    }
    text += fmt::format("{} in {}\n", parameter.key->name, fmt::join(values, ", "));
  }
  text += fmt::format("where {}\n", spec.where ? spec.where->text() : "");
  if (spec.sample) {
    text += fmt::format("sample {} seed {}\n", *spec.sample, spec.seed);
  }
  return text;
}

class StoreKeeper : public SweepKeeper {
 public:
  StoreKeeper(ResultStore& store, const StudyContext& context, const SweepSpec& spec,
              const StoredSweepOptions& options)
      : store_(store),
        keys_(context),
        prices_(stored_prices(spec.prices)),
        options_(options),
        context_(store.context(context)) {
    SweepIdentity identity{.file = spec.file.filename().string(),
                           .context = context,
                           .parameters = {},
                           .prices = prices_,
                           .points = points_text(spec),
                           .count = spec.points()};
    for (const ArchitectureKey* const key : spec.keys()) {
      identity.parameters.emplace_back(key->name);
    }
    BegunSweep begun = store_.begin_sweep(identity);
    sweep_ = begun.id;
    if (options_.begun) {
      options_.begun(begun.changes, store_.places_done(sweep_));
    }
  }

  const PointKeys& keys() const override { return keys_; }
  const std::vector<StoredPrice>& prices() const override { return prices_; }
  bool keeps_passes() const override { return options_.keeps_passes; }

  std::vector<bool> done(std::size_t begin, std::size_t end) override {
    std::vector<bool> done = store_.places_done(sweep_, begin, end);
    for (std::size_t point = begin; point < end; ++point) {
      const bool is_ours = point % options_.shard.of == options_.shard.number - 1;
      counts_.points += is_ours ? 1 : 0;
      counts_.done += is_ours && done[point - begin] ? 1 : 0;
      done[point - begin] = done[point - begin] || !is_ours;
    }
    return done;
  }

  bool has(const PointKey& key) override { return store_.has(key, prices_, options_.keeps_passes); }

  void keep(const SweepRow& row) override {
    const std::int64_t point =
        row.is_known ? store_.point(row.stored->key) : store_.add(context_, *row.stored, prices_);
    store_.put_into(sweep_, row.point, point);
    (row.is_known ? counts_.reused : counts_.computed) += 1;
    store_.commit_if_due();
  }

  const StoredSweepCounts& counts() const { return counts_; }

 private:
  ResultStore& store_;
  PointKeys keys_;
  std::vector<StoredPrice> prices_;
  const StoredSweepOptions& options_;
  std::int64_t context_;
  std::int64_t sweep_ = 0;
  StoredSweepCounts counts_;
};

}  // namespace

StoredSweepCounts run_sweep_into(ResultStore& store, const workloads::Workload& workload,
                                 const SweepSpec& spec, const Caller& caller,
                                 const StoredSweepOptions& options) {
  StoreKeeper keeper(store, context_of(workload, spec), spec, options);
  try {
    run_sweep(workload, spec, caller, keeper);
  } catch (...) {
    if (keeper.counts().computed + keeper.counts().reused > 0) {
      try {
        store.commit();
      } catch (const Error& /*the first one says why*/) {
      }
    }
    throw;
  }
  store.commit();
  return keeper.counts();
}

}  // namespace potomac::sim
