#include "sim/studies/output_dump.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "support/atomic_file.hpp"
#include "support/hdf5/hdf5_file.hpp"

namespace potomac::sim {
namespace {

// Chunks of about a tile of the fast engine.
constexpr std::int64_t kChunkRows = 64;
constexpr std::int64_t kChunkCols = 512;

}  // namespace

class OutputDump::Impl {
 public:
  Impl(const std::filesystem::path& path, bool with_fp32)
      : target_(path),
        file_(Hdf5File::create(target_.temporary_path(), path.string())),
        gemms_(file_.create_group("gemms")),
        with_fp32_(with_fp32) {}

  void begin(const workloads::LoweredPass& pass, int scale_exponent) {
    const std::string& name = pass.layer();
    const workloads::ResultShape shape = pass.result_shape();
    pass_ = &pass;
    acc_.reset();
    fp32_.reset();
    group_.reset();
    const Hdf5Group layer_group =
        gemms_->has(name) ? gemms_->open_group(name) : gemms_->create_group(name);
    group_.emplace(layer_group.create_group(std::string(workloads::name_of(pass.pass()))));
    stacked_ = shape.matrices > 1 || pass.kind() == workloads::LayerKind::kMatmul;
    extents_ = {shape.rows, shape.cols};
    storage_ = {};
    storage_.chunk = {std::min(kChunkRows, shape.rows), std::min(kChunkCols, shape.cols)};
    storage_.deflate_level = 1;
    storage_.zeros = true;
    if (stacked_) {
      extents_.insert(extents_.begin(), shape.matrices);
      storage_.chunk.insert(storage_.chunk.begin(), 1);
    }
    acc_.emplace(group_->create_dataset("acc", Hdf5Type::kInt64, extents_, storage_));
    acc_->set_integer("scale_exponent", scale_exponent);
  }

  AccumulatorSink accumulators() { return writer<std::int64_t>(acc_); }
  Fp32Sink fp32() {
    if (!with_fp32_) {
      return {};
    }
    fp32_.emplace(group_->create_dataset("fp32", Hdf5Type::kFloat32, extents_, storage_));
    return writer<float>(fp32_);
  }

  void finish() {
    acc_.reset();
    fp32_.reset();
    group_.reset();
    gemms_.reset();
    file_.close();
    target_.commit();
  }

 private:
  // Tiles come from several threads; libhdf5 takes one at a time.
  template <typename Value>
  std::function<void(const ResultTile<Value>&)> writer(const std::optional<Hdf5Dataset>& dataset) {
    return [this, &dataset](const ResultTile<Value>& tile) {
      const std::lock_guard lock(mutex_);
      const auto cols = static_cast<std::size_t>(tile.cols);
      std::vector<Value> dense;
      for (std::int64_t begin = 0; begin < tile.rows;) {
        const workloads::ResultRows place = pass_->result_rows(tile.gemm, tile.m_begin + begin);
        const std::int64_t end = std::min(begin + place.count, tile.rows);
        Hdf5Dataset::Box box{{place.row, tile.n_begin}, {end - begin, tile.cols}, {place.step, 1}};
        if (stacked_) {
          box.start.insert(box.start.begin(), place.matrix);
          box.count.insert(box.count.begin(), 1);
          box.stride.insert(box.stride.begin(), 1);
        }
        dense.clear();
        for (std::int64_t row = begin; row < end; ++row) {
          const Value* from = tile.values + row * tile.row_stride;
          dense.insert(dense.end(), from, from + cols);
        }
        dataset->template write<Value>(box, dense);
        begin = end;
      }
    };
  }

  AtomicFile target_;
  Hdf5File file_;
  std::optional<Hdf5Group> gemms_;
  bool with_fp32_;
  const workloads::LoweredPass* pass_ = nullptr;  // in hand
  bool stacked_ = false;
  Hdf5Extents extents_;  // of its results
  Hdf5Storage storage_;
  std::optional<Hdf5Group> group_;
  std::optional<Hdf5Dataset> acc_;
  std::optional<Hdf5Dataset> fp32_;
  std::mutex mutex_;
};

OutputDump::OutputDump(const std::filesystem::path& path, bool with_fp32)
    : impl_(std::make_unique<Impl>(path, with_fp32)) {}

OutputDump::~OutputDump() = default;

void OutputDump::begin(const workloads::LoweredPass& pass, int scale_exponent) {
  impl_->begin(pass, scale_exponent);
}

AccumulatorSink OutputDump::accumulators() {
  return impl_->accumulators();
}

Fp32Sink OutputDump::fp32() {
  return impl_->fp32();
}

void OutputDump::finish() {
  impl_->finish();
}

}  // namespace potomac::sim
