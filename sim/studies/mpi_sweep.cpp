#include "sim/studies/mpi_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/mpi.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "sim/results/store/point_bytes.hpp"
#include "sim/studies/point_cost.hpp"
#include "sim/studies/store_keeper.hpp"
#include "sim/studies/sweep.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace mpi = boost::mpi;

class MpiRanks::Impl {
 public:
  // What goes wrong is said by rank 0, in a line, and not by MPI.
  mpi::environment environment{mpi::threading::funneled, false};
  mpi::communicator world;
};

MpiRanks::MpiRanks() : impl_(std::make_unique<Impl>()) {}
MpiRanks::~MpiRanks() = default;
int MpiRanks::rank() const {
  return impl_->world.rank();
}
int MpiRanks::size() const {
  return impl_->world.size();
}

namespace {

// From rank 0, before each workload: what the sweep is known by; empty: it is over, or called off.
struct Beginning {
  std::string digest;
  std::size_t workload = 0;
  bool keeps_passes = false;

  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& digest& workload& keeps_passes;
  }
};

// From a rank to rank 0: the points that are ready, and that it wants others or goes; or why it can
// do none.
struct Report {
  std::string points;  // bytes_of() them
  bool is_last = false;
  std::string fault;

  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& points& is_last& fault;
  }
};

constexpr int kReport = 1;
constexpr int kPlaces = 2;  // from rank 0: std::vector<std::size_t>; empty: there are no more

// --- rank 0 --------------------------------------------------------------------------------------

// The points that are still to be handed out, some way ahead.
class Handout {
 public:
  Handout(StoreKeeper& keeper, const workloads::Workload& workload, const SweepSpec& spec,
          std::size_t workers)
      : keeper_(keeper), spec_(spec), costs_(workload, spec), workers_(workers) {}

  // The next ones for one rank: the longest first, fewer of them the less there are.
  std::vector<std::size_t> next() {
    look_ahead();
    double left = 0.0;
    for (const Waiting& one : waiting_) {
      left += one.seconds;
    }
    constexpr double kParts = 4.0;  // that each rank should get of what is in sight
    std::vector<std::size_t> places;
    double seconds = 0.0;
    while (!waiting_.empty() && places.size() < kMostPlaces &&
           (places.empty() || seconds < left / (kParts * static_cast<double>(workers_)))) {
      places.push_back(waiting_.back().place);
      seconds += waiting_.back().seconds;
      waiting_.pop_back();
    }
    std::ranges::sort(places);
    return places;
  }

  // A point was computed: it goes into the store, with those that are the same.
  void keep(PlacedPoint placed) {
    SweepRow row;
    row.point = placed.place;
    row.stored = std::move(placed.point);
    keeper_.keep(row);
    if (const auto same = handed_out_.find(row.stored->key); same != handed_out_.end()) {
      row.is_known = true;
      for (const std::size_t place : same->second) {
        row.point = place;
        keeper_.keep(row);
      }
      handed_out_.erase(same);
    }
  }

 private:
  static constexpr std::size_t kMostPlaces = 512;
  static constexpr std::size_t kInSight = 8192;

  struct Waiting {
    std::size_t place;
    double seconds;
  };

  void look_ahead() {
    const bool was_low = waiting_.size() < kInSight / 2;
    while (was_low && waiting_.size() < kInSight) {
      const std::vector<std::size_t> places = keeper_.next(kMostPlaces);
      if (places.empty()) {
        break;
      }
      for (const std::size_t place : places) {
        look_at(place);
      }
    }
    if (was_low) {
      std::ranges::stable_sort(waiting_, {}, &Waiting::seconds);
    }
  }

  void look_at(std::size_t place) {
    const Architecture architecture = spec_.architecture_at(place);
    SweepRow row;
    row.point = place;
    row.stored.emplace().key = keeper_.keys().of(architecture);
    row.is_known = true;
    if (const auto same = handed_out_.find(row.stored->key); same != handed_out_.end()) {
      same->second.push_back(place);
    } else if (keeper_.has(row.stored->key)) {
      keeper_.keep(row);
    } else {
      handed_out_.emplace(row.stored->key, std::vector<std::size_t>());
      waiting_.push_back({place, costs_.seconds(architecture)});
    }
  }

  StoreKeeper& keeper_;
  const SweepSpec& spec_;
  PointCosts costs_;
  std::size_t workers_;
  std::vector<Waiting> waiting_;  // the longest at the end
  // Points that somebody computes, or will, and further places of the same.
  std::map<PointKey, std::vector<std::size_t>> handed_out_;
};

// Rank 0's side of the talk with the others.
class Owner {
 public:
  Owner(mpi::communicator& world, StoreKeeper& keeper, const workloads::Workload& workload,
        const SweepSpec& spec)
      : world_(world),
        keeper_(keeper),
        handout_(keeper, workload, spec, static_cast<std::size_t>(world.size() - 1)),
        working_(world.size() - 1) {}

  // Throws InputError if a rank cannot do its part, and what the store throws; the others have
  // ended then with what they had in hand, which is kept.
  void hand_out(std::size_t points, const Caller& caller) {
    try {
      hand_out_all(points, caller);
    } catch (...) {
      try {
        dismiss();
      } catch (const Error& /*the first one says why*/) {
      }
      throw;
    }
  }

 private:
  void hand_out_all(std::size_t points, const Caller& caller) {
    caller.begin(Work::kPoints, points);
    std::uint64_t told = points_kept();
    while (working_ > 0) {
      Report report;
      const int from = hear(report);
      if (!report.fault.empty()) {
        throw InputError({fmt::format("rank {}", from), "", report.fault, ""});
      }
      if (!report.is_last) {
        world_.send(from, kPlaces, handout_.next());
      }
      keep(report);
      caller.advance(Work::kPoints, points_kept() - told, "");
      told = points_kept();
    }
  }

  void dismiss() {
    while (working_ > 0) {
      Report report;
      const int from = hear(report);
      if (!report.is_last && report.fault.empty()) {
        world_.send(from, kPlaces, std::vector<std::size_t>());
      }
      keep(report);
    }
  }

  std::uint64_t points_kept() const {
    const StoredSweepCounts& counts = keeper_.counts();
    return counts.done + counts.reused + counts.computed;
  }

  int hear(Report& report) {
    const mpi::status from = world_.recv(mpi::any_source, kReport, report);
    working_ -= report.is_last || !report.fault.empty() ? 1 : 0;
    return from.source();
  }

  void keep(const Report& report) {
    if (!report.points.empty()) {
      for (PlacedPoint& placed : points_of(report.points)) {
        handout_.keep(std::move(placed));
      }
    }
  }

  mpi::communicator& world_;
  StoreKeeper& keeper_;
  Handout handout_;
  int working_;  // ranks that did not say their last word
};

// --- any other rank ------------------------------------------------------------------------------

class RemoteKeeper : public SweepKeeper {
 public:
  RemoteKeeper(mpi::communicator& world, const StudyContext& context,
               std::vector<StoredPrice> prices, bool keeps_passes)
      : world_(world), keys_(context), prices_(std::move(prices)), keeps_passes_(keeps_passes) {}

  const PointKeys& keys() const override { return keys_; }
  const std::vector<StoredPrice>& prices() const override { return prices_; }
  bool keeps_passes() const override { return keeps_passes_; }

  std::vector<std::size_t> next(std::size_t /*most*/) override {
    send(false);
    std::vector<std::size_t> places;
    world_.recv(0, kPlaces, places);
    return places;
  }

  bool has(const PointKey& /*key*/) override { return false; }

  void keep(const SweepRow& row) override { ready_.push_back({row.point, *row.stored}); }

  void send(bool is_last) {
    Report report;
    report.points = ready_.empty() ? "" : bytes_of(ready_);
    report.is_last = is_last;
    ready_.clear();
    world_.send(0, kReport, report);
  }

 private:
  mpi::communicator& world_;
  PointKeys keys_;
  std::vector<StoredPrice> prices_;
  bool keeps_passes_;
  std::vector<PlacedPoint> ready_;
};

}  // namespace

StoredSweepCounts own_sweep(MpiRanks& ranks, ResultStore& store, const OpenedSweep& sweep,
                            const Caller& caller, const StoredSweepOptions& options) {
  mpi::communicator& world = ranks.impl().world;
  std::optional<StoreKeeper> keeper;
  try {
    for (const auto& workload : sweep.workloads) {
      require_runnable(*workload, sweep.spec);
    }
    keeper.emplace(store, sweep.all(), sweep.spec, options);
    for (std::size_t i = 0; i < sweep.workloads.size(); ++i) {
      keeper->turn_to(i);
      Beginning beginning{keeper->digest(), i, options.keeps_passes};
      mpi::broadcast(world, beginning, 0);
      Owner(world, *keeper, *sweep.workloads[i], sweep.spec).hand_out(sweep.spec.points(), caller);
    }
  } catch (...) {
    if (keeper) {
      keeper->commit(true);
    }
    call_off_sweep(ranks);
    throw;
  }
  keeper->commit();
  call_off_sweep(ranks);
  return keeper->counts();
}

void call_off_sweep(MpiRanks& ranks) {
  Beginning beginning;
  mpi::broadcast(ranks.impl().world, beginning, 0);
}

void serve_sweep(MpiRanks& ranks, const std::function<OpenedSweep()>& open, const Caller& caller) {
  mpi::communicator& world = ranks.impl().world;
  std::optional<OpenedSweep> sweep;
  SweepIdentity identity;
  for (;;) {
    Beginning beginning;
    mpi::broadcast(world, beginning, 0);
    if (beginning.digest.empty()) {
      return;
    }
    try {
      if (!sweep) {
        sweep = open();
        identity = identity_of(sweep->all(), sweep->spec);
      }
      if (digest_of(identity) != beginning.digest) {
        throw InputError({"", "", "has another sweep, workload or build than rank 0",
                          "give all ranks the same program and files"});
      }
      RemoteKeeper keeper(world, identity.contexts[beginning.workload], identity.prices,
                          beginning.keeps_passes);
      run_sweep(*sweep->workloads[beginning.workload], sweep->spec, caller, keeper);
      keeper.send(true);
    } catch (const Error& error) {
      Report report;
      report.fault = error.what();
      world.send(0, kReport, report);
    }
  }
}

}  // namespace potomac::sim
