#include "workloads/layers/operand_view.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace potomac::workloads {
namespace {

using Extents = std::array<std::int64_t, 4>;

std::int64_t elements_of(const Extents& extents) {
  return extents[0] * extents[1] * extents[2] * extents[3];
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
    const std::int64_t at = position_on(axis, row, depth++);
    code = at >= 0 ? line[at * axis.stride] : zero;
  }
}

}  // namespace

std::array<std::int64_t, 4> coordinates_of(std::int64_t index, const Extents& extents) {
  const std::int64_t x = index % extents[3];
  index /= extents[3];
  const std::int64_t y = index % extents[2];
  index /= extents[2];
  return {index / extents[1], index % extents[1], y, x};
}

std::int64_t position_on(const PatchAxis& axis, std::int64_t row, std::int64_t depth) {
  const std::int64_t scaled = row * axis.row_step + depth * axis.depth_step + axis.origin;
  if (scaled < 0 || scaled % axis.divisor != 0) {
    return -1;
  }
  const std::int64_t at = scaled / axis.divisor;
  return at < axis.extent ? at : -1;
}

LoweredOperand::LoweredOperand(const QuantizedTensor& tensor, const Mapping& mapping)
    : tensor_(&tensor),
      map_(mapping),
      rows_(elements_of(mapping.row_extents)),
      depth_(elements_of(mapping.depth_extents)),
      one_tap_(depth_ == mapping.depth_extents[0]),
      plain_(rows_ == mapping.row_extents[0] && depth_ == mapping.depth_extents[0] &&
             mapping.z.origin == 0 && mapping.y.origin == 0 && mapping.x.origin == 0) {}

LoweredOperand LoweredOperand::block(std::int64_t row, std::int64_t rows, std::int64_t k,
                                     std::int64_t depth) const {
  assert(row >= 0 && rows >= 0 && row + rows <= rows_);
  assert(k >= 0 && depth >= 0 && k + depth <= depth_);
  LoweredOperand part = *this;
  part.row_begin_ += row;
  part.k_begin_ += k;
  part.rows_ = rows;
  part.depth_ = depth;
  return part;
}

rtl::PotCode LoweredOperand::code(std::int64_t row, std::int64_t k) const {
  rtl::PotCode result = 0;
  fetch(row, k, {&result, 1});
  return result;
}

void LoweredOperand::fetch(std::int64_t row, std::int64_t k_begin,
                           std::span<rtl::PotCode> out) const {
  assert(row >= 0 && row < rows_ && k_begin >= 0);
  assert(k_begin + static_cast<std::int64_t>(out.size()) <= depth_);
  row += row_begin_;
  k_begin += k_begin_;
  const rtl::PotCode* codes = tensor_->codes.data() + map_.base;
  if (plain_) {
    gather(codes + row * map_.row_stride + k_begin * map_.depth_stride, map_.depth_stride, out);
    return;
  }
  const rtl::PotCode zero = format().zero();
  const auto [r0, rz, ry, rx] = coordinates_of(row, map_.row_extents);
  codes += r0 * map_.row_stride;
  if (one_tap_) {  // a kernel of one tap: one place for all
    const std::int64_t at_z = position_on(map_.z, rz, 0);
    const std::int64_t at_y = position_on(map_.y, ry, 0);
    const std::int64_t at_x = position_on(map_.x, rx, 0);
    if (at_z < 0 || at_y < 0 || at_x < 0) {
      std::memset(out.data(), zero, out.size());
    } else {
      gather(codes + at_z * map_.z.stride + at_y * map_.y.stride + at_x * map_.x.stride +
                 k_begin * map_.depth_stride,
             map_.depth_stride, out);
    }
    return;
  }
  auto [k0, kz, ky, kx] = coordinates_of(k_begin, map_.depth_extents);
  // One run of the innermost depth coordinate at a time: the other axes are fixed within it.
  while (!out.empty()) {
    const auto length = static_cast<std::size_t>(
        std::min(map_.depth_extents[3] - kx, static_cast<std::int64_t>(out.size())));
    const std::span<rtl::PotCode> run = out.first(length);
    const std::int64_t at_z = position_on(map_.z, rz, kz);
    const std::int64_t at_y = position_on(map_.y, ry, ky);
    if (at_z < 0 || at_y < 0) {
      std::memset(run.data(), zero, run.size());
    } else {
      gather_run(map_.x,
                 codes + k0 * map_.depth_stride + at_z * map_.z.stride + at_y * map_.y.stride, rx,
                 kx, zero, run);
    }
    out = out.subspan(length);
    kx = 0;
    if (++ky == map_.depth_extents[2]) {
      ky = 0;
      if (++kz == map_.depth_extents[1]) {
        kz = 0;
        ++k0;
      }
    }
  }
}

}  // namespace potomac::workloads
