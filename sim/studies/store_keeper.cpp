#include "sim/studies/store_keeper.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

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

}  // namespace

SweepIdentity identity_of(std::span<const workloads::Workload* const> workloads,
                          const SweepSpec& spec) {
  SweepIdentity identity{.file = spec.file.filename().string(),
                         .contexts = {},
                         .parameters = {},
                         .prices = stored_prices(spec.prices),
                         .points = points_text(spec),
                         .count = spec.points()};
  for (const ArchitectureKey* const key : spec.keys()) {
    identity.parameters.emplace_back(key->name);
  }
  for (const workloads::Workload* const workload : workloads) {
    identity.contexts.push_back(context_of(*workload, spec));
  }
  return identity;
}

StoreKeeper::StoreKeeper(ResultStore& store, std::span<const workloads::Workload* const> workloads,
                         const SweepSpec& spec, const StoredSweepOptions& options)
    : StoreKeeper(store, identity_of(workloads, spec), options) {}

StoreKeeper::StoreKeeper(ResultStore& store, const SweepIdentity& identity,
                         const StoredSweepOptions& options)
    : store_(store),
      prices_(identity.prices),
      options_(options),
      digest_(digest_of(identity)),
      count_(identity.count) {
  for (const StudyContext& context : identity.contexts) {
    keys_.emplace_back(context);
    contexts_.push_back(store_.context(context));
  }
  const BegunSweep begun = store_.begin_sweep(identity);
  sweep_ = begun.id;
  if (options_.begun) {
    options_.begun(begun.changes, store_.places_done(sweep_));
  }
}

void StoreKeeper::turn_to(std::size_t workload) {
  workload_ = workload;
  position_ = 0;
}

std::vector<std::size_t> StoreKeeper::next(std::size_t most) {
  std::vector<std::size_t> points;
  while (points.empty() && position_ < count_) {
    const std::size_t end = std::min(position_ + most, count_);
    const std::size_t first = workload_ * count_;
    const std::vector<bool> done = store_.places_done(sweep_, first + position_, first + end);
    for (std::size_t point = position_; point < end; ++point) {
      if (point % options_.shard.of != options_.shard.number - 1) {
        continue;
      }
      counts_.points += 1;
      if (done[point - position_]) {
        counts_.done += 1;
      } else {
        points.push_back(point);
      }
    }
    position_ = end;
  }
  return points;
}

bool StoreKeeper::has(const PointKey& key) {
  return store_.has(key, prices_, options_.keeps_passes);
}

void StoreKeeper::keep(const SweepRow& row) {
  const std::int64_t point = row.is_known ? store_.point(row.stored->key)
                                          : store_.add(contexts_[workload_], *row.stored, prices_);
  store_.put_into(sweep_, workload_ * count_ + row.point, point);
  (row.is_known ? counts_.reused : counts_.computed) += 1;
  store_.commit_if_due();
}

void StoreKeeper::commit(bool is_failing) {
  if (!is_failing) {
    store_.commit();
  } else if (counts_.computed + counts_.reused > 0) {
    try {
      store_.commit();
    } catch (const Error& /*the first one says why*/) {
    }
  }
}

}  // namespace potomac::sim
