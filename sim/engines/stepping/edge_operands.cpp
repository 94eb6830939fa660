#include "sim/engines/stepping/edge_operands.hpp"

#include <algorithm>

namespace potomac::sim {
namespace {

constexpr std::int64_t kSlotsHeld = 1024;  // of a depth stream, so that it does not grow with k

}  // namespace

template <typename Element>
void OperandElements<Element>::fetch(std::int64_t gemm, std::int64_t row, std::int64_t k_begin,
                                     std::span<Element> out) {
  if (!gemm_ || gemm_->index != gemm) {
    gemm_.emplace(pass_->gemm_of<Operand>(gemm));
  }
  (which_ == WhichOperand::kFirst ? gemm_->first : gemm_->second).fetch(row, k_begin, out);
}

template <typename Element>
void DepthStream<Element>::start(OperandElements<Element> operand) {
  operand_.emplace(operand);
  number_ = -1;
}

template <typename Element>
std::size_t DepthStream<Element>::seek(const FeedCommand& now) {
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
    operand_->fetch(now.fold.gemm, range.begin + static_cast<std::int64_t>(lane),
                    now.fold.k.begin + begin_, {block_.data() + lane * depth, depth});
  }
  return lanes_;
}

template <typename Element>
std::span<const Element> RowStream<Element>::row(const FeedCommand& now) {
  row_.resize(static_cast<std::size_t>(now.fold.k.size()));
  operand_->fetch(now.fold.gemm, streamed_range(now.fold, dataflow_).begin + now.slot,
                  now.fold.k.begin, row_);
  return row_;
}

template <typename Element>
void TileRows<Element>::start(OperandElements<Element> operand) {
  operand_.emplace(operand);
  number_ = -1;
}

template <typename Element>
void TileRows<Element>::seek(const FeedCommand& now) {
  if (now.load_number == number_) {
    return;
  }
  number_ = now.load_number;
  const Range& kept = kept_range(now.load, dataflow_);
  depth_ = static_cast<std::size_t>(now.load.k.size());
  lanes_ = static_cast<std::size_t>(kept.size());
  tile_.resize(lanes_ * depth_);
  for (std::size_t lane = 0; lane < lanes_; ++lane) {
    operand_->fetch(now.load.gemm, kept.begin + static_cast<std::int64_t>(lane), now.load.k.begin,
                    {tile_.data() + lane * depth_, depth_});
  }
}

template class DepthStream<rtl::PotCode>;
template class DepthStream<float>;
template class RowStream<rtl::PotCode>;
template class RowStream<float>;
template class TileRows<rtl::PotCode>;
template class TileRows<float>;

}  // namespace potomac::sim
