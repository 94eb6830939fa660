// Sums over a lowered operand, straight from its tensor: over all rows at each depth, or over all
// depths in each row. A convolution's windows overlap, so that the lowered matrix has an element as
// often as there are taps; and they are boxes, so that their sums are taken axis by axis, of which
// each element is part once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "workloads/layers/operand_view.hpp"

namespace potomac::sim {

// to[i] += from[i].
void add_all(const std::uint64_t* from, std::int64_t size, std::uint64_t* to);
void add_all(const double* from, std::int64_t size, double* to);

// Which index of the matrix is kept, while the other is summed over.
enum class Kept { kDepth, kRows };

// The axes of an operand as a sum sees them. The outermost coordinate of the kept index steps
// through the tensor by `kept_stride`, that of the other by `summed_stride`; between them, the
// three inner axes are a box of the tensor.
class LoweredSums {
 public:
  // Precondition: the operand is no block of another.
  LoweredSums(const workloads::LoweredOperand& operand, Kept kept)
      : codes_(operand.tensor()), map_(operand.mapping()), kept_(kept) {
    const auto& kept_extents = kept == Kept::kDepth ? map_.depth_extents : map_.row_extents;
    const auto& summed_extents = kept == Kept::kDepth ? map_.row_extents : map_.depth_extents;
    outer_ = kept_extents[0];
    summed_ = summed_extents[0];
    kept_stride_ = kept == Kept::kDepth ? map_.depth_stride : map_.row_stride;
    summed_stride_ = kept == Kept::kDepth ? map_.row_stride : map_.depth_stride;
    const std::array<const workloads::PatchAxis*, 3> axes = {&map_.z, &map_.y, &map_.x};
    for (std::size_t i = 0; i < axes.size(); ++i) {
      axes_.at(i) = axis_of(*axes.at(i), kept_extents.at(i + 1), summed_extents.at(i + 1));
    }
  }

  // Values of the kept index's outermost coordinate, and how many of the kept index one has.
  std::int64_t outer() const { return outer_; }
  std::int64_t inner() const {
    return axes_[0].kept_extent * axes_[1].kept_extent * axes_[2].kept_extent;
  }
  // Whether there are no inner axes to speak of: one code for each pair of outermost coordinates.
  bool is_matrix() const {
    return box_size() == 1 && inner() == 1 && axes_[0].runs.size() == 1 &&
           axes_[1].runs.size() == 1 && axes_[2].runs.size() == 1;
  }
  std::int64_t summed() const { return summed_; }
  std::int64_t kept_stride() const { return kept_stride_; }
  std::int64_t summed_stride() const { return summed_stride_; }
  const rtl::PotCode* begin() const { return codes_ + map_.base; }

  // The box of codes at outermost coordinates (kept, summed), z by y by x, without gaps.
  std::int64_t box_size() const { return axes_[0].extent * axes_[1].extent * axes_[2].extent; }
  const rtl::PotCode* box(std::int64_t kept, std::int64_t summed) const {
    return begin() + kept * kept_stride_ + summed * summed_stride_;
  }

  // From a value for each element of the box to their sums for each of inner(), in its order.
  // `scratch` and `sums` are given their sizes.
  template <typename Value>
  void sum_windows(const std::vector<Value>& box, std::vector<Value>& scratch,
                   std::vector<Value>& sums) const {
    const auto& [z, y, x] = axes_;
    sum_along(z, 1, y.extent * x.extent, box, sums);
    sum_along(y, z.kept_extent, x.extent, sums, scratch);
    sum_along(x, z.kept_extent * y.kept_extent, 1, scratch, sums);
  }

 private:
  // Elements that are part of sums, each as often as it is: `count` of them, at kept indices
  // that follow one another (or all at one, if kept_step is 0) and positions likewise.
  struct Run {
    std::int64_t kept = 0;
    std::int64_t position = 0;  // in the box
    std::int64_t count = 0;
    std::int64_t kept_step = 0;
    std::int64_t position_step = 0;
  };
  struct Axis {
    std::int64_t extent = 1;
    std::int64_t kept_extent = 1;
    std::vector<Run> runs;
  };

  Axis axis_of(const workloads::PatchAxis& axis, std::int64_t kept_extent,
               std::int64_t summed_extent) const {
    Axis result{axis.extent, kept_extent, {}};
    const bool long_sums = summed_extent > kept_extent;  // runs go along the longer of the two
    const std::int64_t outer = long_sums ? kept_extent : summed_extent;
    const std::int64_t inner = long_sums ? summed_extent : kept_extent;
    for (std::int64_t i = 0; i < outer; ++i) {
      bool follows = false;
      for (std::int64_t j = 0; j < inner; ++j) {
        const std::int64_t kept = long_sums ? i : j;
        const std::int64_t summed = long_sums ? j : i;
        const std::int64_t row = kept_ == Kept::kDepth ? summed : kept;
        const std::int64_t depth = kept_ == Kept::kDepth ? kept : summed;
        const std::int64_t position = workloads::position_on(axis, row, depth);
        if (position < 0) {
          follows = false;
        } else if (!follows || !extends(result.runs.back(), position)) {
          result.runs.push_back({kept, position, 1, long_sums ? 0 : 1, 0});
          follows = true;
        } else {
          ++result.runs.back().count;
        }
      }
    }
    return result;
  }

  // Whether a position is the next one of a run, whose step its second one decides.
  static bool extends(Run& run, std::int64_t position) {
    if (run.count == 1) {
      run.position_step = position - run.position;
      return true;
    }
    return position == run.position + run.count * run.position_step;
  }

  // from[outer][axis.extent][inner] to to[outer][axis.kept_extent][inner].
  template <typename Value>
  static void sum_along(const Axis& axis, std::int64_t outer, std::int64_t inner,
                        const std::vector<Value>& from, std::vector<Value>& to) {
    to.assign(static_cast<std::size_t>(outer * axis.kept_extent * inner), Value{});
    for (std::int64_t o = 0; o < outer; ++o) {
      for (const Run& run : axis.runs) {
        const Value* source = from.data() + (o * axis.extent + run.position) * inner;
        Value* sum = to.data() + (o * axis.kept_extent + run.kept) * inner;
        if (inner == 1) {
          add_run(source, run, sum);
          continue;
        }
        for (std::int64_t i = 0; i < run.count; ++i) {
          add_all(source, inner, sum);
          source += run.position_step * inner;
          sum += run.kept_step * inner;
        }
      }
    }
  }

  template <typename Value>
  static void add_run(const Value* from, const Run& run, Value* to) {
    if (run.kept_step == 0) {
      Value sum{};
      for (std::int64_t i = 0; i < run.count; ++i) {
        sum += from[i * run.position_step];
      }
      *to += sum;
    } else if (run.position_step == 1) {
      add_all(from, run.count, to);
    } else {
      for (std::int64_t i = 0; i < run.count; ++i) {
        to[i] += from[i * run.position_step];
      }
    }
  }

  const rtl::PotCode* codes_;
  workloads::OperandMapping map_;
  Kept kept_;
  std::int64_t outer_ = 1;
  std::int64_t summed_ = 1;
  std::int64_t kept_stride_ = 0;
  std::int64_t summed_stride_ = 0;
  std::array<Axis, 3> axes_;
};

}  // namespace potomac::sim
