#include "sim/studies/output_dump.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "sim/studies/result_spool.hpp"
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
        with_fp32_(with_fp32),
        acc_spool_(path),
        fp32_spool_(path) {}

  void begin(const workloads::LoweredPass& pass, int scale_exponent) {
    const std::string& name = pass.layer();
    const workloads::ResultShape shape = pass.result_shape();
    end_pass();
    pass_ = &pass;
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
    matrices_ = shape.matrices;
    elements_ = shape.matrices * shape.rows * shape.cols;
    acc_spool_.begin(elements_ * static_cast<std::int64_t>(sizeof(std::int64_t)));
  }

  AccumulatorSink accumulators() { return writer<std::int64_t>(acc_spool_); }
  Fp32Sink fp32() {
    if (!with_fp32_) {
      return {};
    }
    fp32_.emplace(group_->create_dataset("fp32", Hdf5Type::kFloat32, extents_, storage_));
    fp32_spool_.begin(elements_ * static_cast<std::int64_t>(sizeof(float)));
    return writer<float>(fp32_spool_);
  }

  void finish() {
    end_pass();
    gemms_.reset();
    file_.close();
    target_.commit();
  }

 private:
  template <typename Value>
  std::function<void(const ResultTile<Value>&)> writer(ResultSpool& spool) {
    return [this, &spool](const ResultTile<Value>& tile) {
      const std::int64_t rows = extents_[extents_.size() - 2];
      const std::int64_t cols = extents_.back();
      for (std::int64_t begin = 0; begin < tile.rows;) {
        const workloads::ResultRows place = pass_->result_rows(tile.gemm, tile.m_begin + begin);
        const std::int64_t end = std::min(begin + place.count, tile.rows);
        for (std::int64_t row = begin; row < end; ++row) {
          const std::int64_t line = place.matrix * rows + place.row + (row - begin) * place.step;
          spool.write((line * cols + tile.n_begin) * static_cast<std::int64_t>(sizeof(Value)),
                      tile.values + row * tile.row_stride,
                      static_cast<std::size_t>(tile.cols) * sizeof(Value));
        }
        begin = end;
      }
    };
  }

  // From the spools to the file, a row of chunks at a time.
  void end_pass() {
    if (acc_) {
      copy<std::int64_t>(acc_spool_, *acc_);
    }
    if (fp32_) {
      copy<float>(fp32_spool_, *fp32_);
    }
    acc_.reset();
    fp32_.reset();
    group_.reset();
  }

  template <typename Value>
  void copy(ResultSpool& spool, const Hdf5Dataset& dataset) {
    const std::int64_t rows = extents_[extents_.size() - 2];
    const std::int64_t cols = extents_.back();
    std::vector<Value> values;
    for (std::int64_t matrix = 0; matrix < matrices_; ++matrix) {
      for (std::int64_t row = 0; row < rows; row += kChunkRows) {
        const std::int64_t count = std::min(kChunkRows, rows - row);
        values.resize(static_cast<std::size_t>(count * cols));
        spool.read((matrix * rows + row) * cols * static_cast<std::int64_t>(sizeof(Value)),
                   values.data(), values.size() * sizeof(Value));
        Hdf5Dataset::Box box{{row, 0}, {count, cols}};
        if (stacked_) {
          box.start.insert(box.start.begin(), matrix);
          box.count.insert(box.count.begin(), 1);
        }
        dataset.write<Value>(box, values);
      }
    }
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
  ResultSpool acc_spool_;
  ResultSpool fp32_spool_;
  std::int64_t matrices_ = 0;
  std::int64_t elements_ = 0;  // of its results
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
