#include "sim/engines/stepping/edge_operands.hpp"

#include <algorithm>

namespace potomac::sim {
namespace {

constexpr std::int64_t kSlotsHeld = 1024;  // of a depth stream, so that it does not grow with k

}  // namespace

void OperandCodes::fetch(std::int64_t gemm, std::int64_t row, std::int64_t k_begin,
                         std::span<rtl::PotCode> out) {
  if (!gemm_ || gemm_->index != gemm) {
    gemm_.emplace(pass_->gemm(gemm));
  }
  (which_ == WhichOperand::kFirst ? gemm_->first : gemm_->second).fetch(row, k_begin, out);
}

void DepthStream::start(OperandCodes codes) {
  codes_.emplace(codes);
  number_ = -1;
}

std::size_t DepthStream::seek(const FeedCommand& now) {
  slot_ = now.slot;
  if (now.number == number_ && slot_ >= begin_ && slot_ < begin_ + depth_) {
    return lanes_;
  }
  number_ = now.number;
  begin_ = slot_;
  depth_ = std::min(kSlotsHeld, now.fold.k.size() - slot_);
  const Range& range = edge_ == Edge::kWest ? now.fold.m : now.fold.n;
  lanes_ = static_cast<std::size_t>(range.size());
  const auto depth = static_cast<std::size_t>(depth_);
  block_.resize(lanes_ * depth);
  for (std::size_t lane = 0; lane < lanes_; ++lane) {
    codes_->fetch(now.fold.gemm, range.begin + static_cast<std::int64_t>(lane),
                  now.fold.k.begin + begin_, {block_.data() + lane * depth, depth});
  }
  return lanes_;
}

std::span<const rtl::PotCode> RowStream::row(const FeedCommand& now) {
  row_.resize(static_cast<std::size_t>(now.fold.k.size()));
  codes_->fetch(now.fold.gemm, streamed_range(now.fold, dataflow_).begin + now.slot,
                now.fold.k.begin, row_);
  return row_;
}

void TileRows::start(OperandCodes codes) {
  codes_.emplace(codes);
  number_ = -1;
}

void TileRows::seek(const FeedCommand& now) {
  if (now.load_number == number_) {
    return;
  }
  number_ = now.load_number;
  const Range& kept = kept_range(now.load, dataflow_);
  depth_ = static_cast<std::size_t>(now.load.k.size());
  lanes_ = static_cast<std::size_t>(kept.size());
  tile_.resize(lanes_ * depth_);
  for (std::size_t lane = 0; lane < lanes_; ++lane) {
    codes_->fetch(now.load.gemm, kept.begin + static_cast<std::int64_t>(lane), now.load.k.begin,
                  {tile_.data() + lane * depth_, depth_});
  }
}

}  // namespace potomac::sim
