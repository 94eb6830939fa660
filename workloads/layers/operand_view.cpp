#include "workloads/layers/operand_view.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace potomac::workloads {
namespace {

std::array<std::int64_t, 3> split(std::int64_t index, const std::array<std::int64_t, 3>& extents) {
  const std::int64_t inner = index % extents[2];
  index /= extents[2];
  return {index / extents[1], index % extents[1], inner};
}

// The tensor's position on one axis, or -1 for a structural zero.
std::int64_t position(const PatchAxis& axis, std::int64_t row, std::int64_t depth) {
  const std::int64_t scaled = row * axis.row_step + depth * axis.depth_step + axis.origin;
  if (scaled < 0 || scaled % axis.divisor != 0) {
    return -1;
  }
  const std::int64_t at = scaled / axis.divisor;
  return at < axis.extent ? at : -1;
}

// Every `stride`-th code, from `from` on.
void gather(const rtl::PotCode* from, std::int64_t stride, std::span<rtl::PotCode> out) {
  if (stride == 1) {
    std::memcpy(out.data(), from, out.size());
    return;
  }
  for (rtl::PotCode& code : out) {
    code = *from;
    from += stride;
  }
}

// What lies along the innermost axis for one row coordinate and the depth coordinates from `depth`
// on; `line` is the axis' first element.
void gather_run(const PatchAxis& axis, const rtl::PotCode* line, std::int64_t row,
                std::int64_t depth, rtl::PotCode zero, std::span<rtl::PotCode> out) {
  if (axis.divisor == 1) {  // no division for each element
    std::int64_t at = row * axis.row_step + depth * axis.depth_step + axis.origin;
    for (rtl::PotCode& code : out) {
      code = at >= 0 && at < axis.extent ? line[at * axis.stride] : zero;
      at += axis.depth_step;
    }
    return;
  }
  for (rtl::PotCode& code : out) {
    const std::int64_t at = position(axis, row, depth++);
    code = at >= 0 ? line[at * axis.stride] : zero;
  }
}

}  // namespace

LoweredOperand::LoweredOperand(const QuantizedTensor& tensor, const Mapping& mapping)
    : tensor_(&tensor),
      map_(mapping),
      rows_(mapping.row_extents[0] * mapping.row_extents[1] * mapping.row_extents[2]),
      depth_(mapping.depth_extents[0] * mapping.depth_extents[1] * mapping.depth_extents[2]),
      plain_(mapping.row_extents[1] * mapping.row_extents[2] * mapping.depth_extents[1] *
                     mapping.depth_extents[2] ==
                 1 &&
             mapping.y.origin == 0 && mapping.x.origin == 0) {}

rtl::PotCode LoweredOperand::code(std::int64_t row, std::int64_t k) const {
  rtl::PotCode result = 0;
  fetch(row, k, {&result, 1});
  return result;
}

void LoweredOperand::fetch(std::int64_t row, std::int64_t k_begin,
                           std::span<rtl::PotCode> out) const {
  assert(row >= 0 && row < rows_ && k_begin >= 0);
  assert(k_begin + static_cast<std::int64_t>(out.size()) <= depth_);
  const rtl::PotCode* codes = tensor_->codes.data() + map_.base;
  if (plain_) {
    gather(codes + row * map_.row_stride + k_begin * map_.depth_stride, map_.depth_stride, out);
    return;
  }
  const rtl::PotCode zero = format().zero();
  const auto [r0, r1, r2] = split(row, map_.row_extents);
  codes += r0 * map_.row_stride;
  if (map_.depth_extents[1] * map_.depth_extents[2] == 1) {  // a 1 x 1 kernel: one place for all
    const std::int64_t at_y = position(map_.y, r1, 0);
    const std::int64_t at_x = position(map_.x, r2, 0);
    if (at_y < 0 || at_x < 0) {
      std::memset(out.data(), zero, out.size());
    } else {
      gather(codes + at_y * map_.y.stride + at_x * map_.x.stride + k_begin * map_.depth_stride,
             map_.depth_stride, out);
    }
    return;
  }
  auto [k0, k1, k2] = split(k_begin, map_.depth_extents);
  // One run of the innermost depth coordinate at a time: the vertical axis is fixed within it.
  while (!out.empty()) {
    const auto length = static_cast<std::size_t>(
        std::min(map_.depth_extents[2] - k2, static_cast<std::int64_t>(out.size())));
    const std::span<rtl::PotCode> run = out.first(length);
    const std::int64_t at_y = position(map_.y, r1, k1);
    if (at_y < 0) {
      std::memset(run.data(), zero, run.size());
    } else {
      gather_run(map_.x, codes + k0 * map_.depth_stride + at_y * map_.y.stride, r2, k2, zero, run);
    }
    out = out.subspan(length);
    k2 = 0;
    if (++k1 == map_.depth_extents[1]) {
      k1 = 0;
      ++k0;
    }
  }
}

}  // namespace potomac::workloads
