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

// Every `stride`-th element, from `from` on.
template <typename Element>
void gather(const Element* from, std::int64_t stride, std::span<Element> out) {
  if (stride == 1) {
    std::memcpy(out.data(), from, out.size_bytes());
    return;
  }
  for (Element& element : out) {
    element = *from;
    from += stride;
  }
}

// A few elements: too few for a call of memcpy to pay.
template <typename Element>
void copy_few(const Element* from, std::int64_t stride, std::int64_t size, Element* to) {
  constexpr auto kWord = static_cast<std::int64_t>(8 / sizeof(Element));
  if (stride == 1 && size >= kWord) {
    for (std::int64_t i = 0; i < size - kWord; i += kWord) {
      std::memcpy(to + i, from + i, 8);
    }
    std::memcpy(to + size - kWord, from + size - kWord, 8);
    return;
  }
  for (std::int64_t i = 0; i < size; ++i) {
    to[i] = from[i * stride];
  }
}

// What one tap of the innermost axis has of rows that lie along it: begin..end - 1, the first of
// which has its element at `offset` from the line.
struct TapOfRows {
  std::int64_t begin, end, offset;
};
TapOfRows tap_of_rows(const PatchAxis& x, std::int64_t first_row, std::int64_t rows,
                      std::int64_t tap) {
  const std::int64_t at = first_row * x.row_step + tap * x.depth_step + x.origin;
  std::int64_t begin = 0;
  std::int64_t end = rows;
  while (begin < end && at + begin * x.row_step < 0) {
    ++begin;
  }
  while (begin < end && at + (end - 1) * x.row_step >= x.extent) {
    --end;
  }
  return {begin, end, (at + begin * x.row_step) * x.stride};
}

// What lies along the innermost axis for one row coordinate and the depth coordinates from `depth`
// on; `line` is the axis' first element.
template <typename Element>
void gather_run(const PatchAxis& axis, const Element* line, std::int64_t row, std::int64_t depth,
                Element zero, std::span<Element> out) {
  if (axis.divisor == 1) {  // no division for each element
    std::int64_t at = row * axis.row_step + depth * axis.depth_step + axis.origin;
    if (axis.depth_step == 1 && axis.stride == 1) {
      const auto size = static_cast<std::int64_t>(out.size());
      const std::int64_t begin = std::clamp(-at, std::int64_t{0}, size);
      const std::int64_t end = std::clamp(axis.extent - at, begin, size);
      std::fill_n(out.data(), begin, zero);
      std::copy_n(line + at + begin, end - begin, out.data() + begin);
      std::fill_n(out.data() + end, size - end, zero);
      return;
    }
    for (Element& element : out) {
      element = at >= 0 && at < axis.extent ? line[at * axis.stride] : zero;
      at += axis.depth_step;
    }
    return;
  }
  for (Element& element : out) {
    const std::int64_t at = position_on(axis, row, depth++);
    element = at >= 0 ? line[at * axis.stride] : zero;
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

template <typename Element>
OperandView<Element>::OperandView(const Element* tensor, Element zero,
                                  const OperandMapping& mapping)
    : tensor_(tensor),
      zero_(zero),
      map_(mapping),
      rows_(elements_of(mapping.row_extents)),
      depth_(elements_of(mapping.depth_extents)),
      one_tap_(depth_ == mapping.depth_extents[0]),
      plain_(rows_ == mapping.row_extents[0] && depth_ == mapping.depth_extents[0] &&
             mapping.z.origin == 0 && mapping.y.origin == 0 && mapping.x.origin == 0) {}

template <typename Element>
OperandView<Element> OperandView<Element>::block(std::int64_t row, std::int64_t rows,
                                                 std::int64_t k, std::int64_t depth) const {
  assert(row >= 0 && rows >= 0 && row + rows <= rows_);
  assert(k >= 0 && depth >= 0 && k + depth <= depth_);
  OperandView part = *this;
  part.row_begin_ += row;
  part.k_begin_ += k;
  part.rows_ = rows;
  part.depth_ = depth;
  return part;
}

template <typename Element>
Element OperandView<Element>::at(std::int64_t row, std::int64_t k) const {
  Element result{};
  fetch(row, k, std::span(&result, 1));
  return result;
}

template <typename Element>
void OperandView<Element>::fetch(std::int64_t row, std::int64_t k_begin,
                                 std::span<Element> out) const {
  assert(row >= 0 && row < rows_ && k_begin >= 0);
  assert(k_begin + static_cast<std::int64_t>(out.size()) <= depth_);
  row += row_begin_;
  k_begin += k_begin_;
  const Element* tensor = tensor_ + map_.base;
  if (plain_) {
    gather(tensor + row * map_.row_stride + k_begin * map_.depth_stride, map_.depth_stride, out);
    return;
  }
  const auto [r0, rz, ry, rx] = coordinates_of(row, map_.row_extents);
  tensor += r0 * map_.row_stride;
  if (one_tap_) {  // a kernel of one tap: one place for all
    const std::int64_t at_z = position_on(map_.z, rz, 0);
    const std::int64_t at_y = position_on(map_.y, ry, 0);
    const std::int64_t at_x = position_on(map_.x, rx, 0);
    if (at_z < 0 || at_y < 0 || at_x < 0) {
      std::ranges::fill(out, zero_);
    } else {
      gather(tensor + at_z * map_.z.stride + at_y * map_.y.stride + at_x * map_.x.stride +
                 k_begin * map_.depth_stride,
             map_.depth_stride, out);
    }
    return;
  }
  std::array<std::int64_t, 4> k = coordinates_of(k_begin, map_.depth_extents);
  auto& [k0, kz, ky, kx] = k;
  // One run of the innermost depth coordinate at a time: the other axes are fixed within it.
  while (!out.empty()) {
    const auto length = static_cast<std::size_t>(
        std::min(map_.depth_extents[3] - kx, static_cast<std::int64_t>(out.size())));
    const std::span<Element> run = out.first(length);
    const std::int64_t at_z = position_on(map_.z, rz, kz);
    const std::int64_t at_y = position_on(map_.y, ry, ky);
    if (at_z < 0 || at_y < 0) {
      std::ranges::fill(run, zero_);
    } else {
      gather_run(map_.x,
                 tensor + k0 * map_.depth_stride + at_z * map_.z.stride + at_y * map_.y.stride, rx,
                 kx, zero_, run);
    }
    out = out.subspan(length);
    next_line(k, map_.depth_extents);
  }
}

template <typename Element>
bool OperandView<Element>::lies_along_rows() const {
  if (plain_) {
    return map_.row_stride == 1 && map_.depth_stride != 1;
  }
  return map_.x.divisor == 1 && map_.row_extents[3] > map_.depth_extents[3];
}

template <typename Element>
void OperandView<Element>::fetch_rows(std::int64_t row, std::int64_t rows, std::int64_t k_begin,
                                      std::int64_t depth, std::int64_t pitch, Element* out) const {
  assert(row >= 0 && row + rows <= rows_);
  assert(k_begin >= 0 && k_begin + depth <= depth_);
  row += row_begin_;
  k_begin += k_begin_;
  if (plain_) {
    const Element* const base = tensor_ + map_.base;
    for (std::int64_t i = 0; i < depth; ++i) {
      gather(base + row * map_.row_stride + (k_begin + i) * map_.depth_stride, map_.row_stride,
             {out + i * pitch, static_cast<std::size_t>(rows)});
    }
    return;
  }
  // Rows that lie along the innermost axis at a time.
  for (std::int64_t done = 0; done < rows;) {
    const auto [r0, rz, ry, rx] = coordinates_of(row + done, map_.row_extents);
    const std::int64_t size = std::min(map_.row_extents[3] - rx, rows - done);
    fetch_run({r0, rz, ry, rx}, size, k_begin, depth, pitch, out + done);
    done += size;
  }
}

template <typename Element>
void OperandView<Element>::fetch_run(const std::array<std::int64_t, 4>& row, std::int64_t rows,
                                     std::int64_t k_begin, std::int64_t depth, std::int64_t pitch,
                                     Element* out) const {
  constexpr std::size_t kFewTaps = 16;
  std::array<TapOfRows, kFewTaps> known{};
  const bool is_known = map_.depth_extents[3] <= static_cast<std::int64_t>(kFewTaps);
  for (std::int64_t tap = 0; is_known && tap < map_.depth_extents[3]; ++tap) {
    known.at(static_cast<std::size_t>(tap)) = tap_of_rows(map_.x, row[3], rows, tap);
  }
  const Element* const image = tensor_ + map_.base + row[0] * map_.row_stride;
  const std::int64_t step = map_.x.row_step * map_.x.stride;
  std::array<std::int64_t, 4> k = coordinates_of(k_begin, map_.depth_extents);
  auto& [k0, kz, ky, kx] = k;
  const Element* const end = out + depth * pitch;
  while (out != end) {
    const std::int64_t at_z = position_on(map_.z, row[1], kz);
    const std::int64_t at_y = position_on(map_.y, row[2], ky);
    const bool is_there = at_z >= 0 && at_y >= 0;
    const Element* const line =
        image + k0 * map_.depth_stride + at_z * map_.z.stride + at_y * map_.y.stride;
    for (; kx < map_.depth_extents[3] && out != end; ++kx, out += pitch) {
      if (!is_there) {
        std::fill_n(out, rows, zero_);
        continue;
      }
      const TapOfRows tap =
          is_known ? known[static_cast<std::size_t>(kx)] : tap_of_rows(map_.x, row[3], rows, kx);
      for (std::int64_t r = 0; r < tap.begin; ++r) {
        out[r] = zero_;
      }
      copy_few(line + tap.offset, step, tap.end - tap.begin, out + tap.begin);
      for (std::int64_t r = tap.end; r < rows; ++r) {
        out[r] = zero_;
      }
    }
    next_line(k, map_.depth_extents);
  }
}

template class OperandView<rtl::PotCode>;
template class OperandView<float>;

}  // namespace potomac::workloads
