#include "workloads/layers/block_runs.hpp"

#include <algorithm>
#include <array>

namespace potomac::workloads {
namespace {

std::int64_t inner_of(const std::array<std::int64_t, 4>& extents) {
  return extents[1] * extents[2] * extents[3];
}

void append_run(std::vector<ElementRun>& runs, std::size_t first, ElementRun run) {
  if (runs.size() > first && runs.back().end == run.begin) {
    runs.back().end = run.end;
  } else {
    runs.push_back(run);
  }
}

}  // namespace

BlockRuns::BlockRuns(const OperandMapping& mapping)
    : map_(mapping),
      inner_rows_(inner_of(mapping.row_extents)),
      inner_depth_(inner_of(mapping.depth_extents)) {}

std::vector<BlockRuns::Piece> BlockRuns::pieces_of(std::int64_t begin, std::int64_t end,
                                                   std::int64_t inner) {
  const std::int64_t first = begin / inner;
  const std::int64_t last = (end - 1) / inner;
  const std::int64_t a = begin - first * inner;
  const std::int64_t b = end - last * inner;
  if (first == last) {
    return {{first, 1, a, b}};
  }
  std::vector<Piece> pieces;
  std::int64_t whole = first;
  if (a > 0) {
    pieces.push_back({first, 1, a, inner});
    ++whole;
  }
  const std::int64_t behind = b == inner ? last + 1 : last;
  if (behind > whole) {
    pieces.push_back({whole, behind - whole, 0, inner});
  }
  if (b < inner) {
    pieces.push_back({last, 1, 0, b});
  }
  return pieces;
}

std::vector<ElementRun> BlockRuns::find_part(const Piece& rows, const Piece& depth) const {
  const std::int64_t elements = map_.z.extent * map_.y.extent * map_.x.extent;
  // An axis that a tensor does not have has no stride.
  std::vector<bool> touched(static_cast<std::size_t>(elements), false);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const auto r = coordinates_of(row, map_.row_extents);
    for (std::int64_t k = depth.begin; k < depth.end; ++k) {
      const auto d = coordinates_of(k, map_.depth_extents);
      const std::int64_t z = position_on(map_.z, r[1], d[1]);
      const std::int64_t y = position_on(map_.y, r[2], d[2]);
      const std::int64_t x = position_on(map_.x, r[3], d[3]);
      if (z >= 0 && y >= 0 && x >= 0) {
        touched[static_cast<std::size_t>((z * map_.y.extent + y) * map_.x.extent + x)] = true;
      }
    }
  }
  std::vector<ElementRun> runs;
  for (std::size_t i = 0; i < touched.size(); ++i) {
    if (touched[i]) {
      const auto at = static_cast<std::int64_t>(i);
      append_run(runs, 0, {at, at + 1});
    }
  }
  return runs;
}

const std::vector<ElementRun>& BlockRuns::part(const Piece& rows, const Piece& depth) {
  if (remembered_ > kMostRuns) {
    parts_.clear();
    remembered_ = 0;
  }
  const auto [slot, is_new] = parts_.try_emplace({rows.begin, rows.end, depth.begin, depth.end});
  if (is_new) {
    slot->second = find_part(rows, depth);
    remembered_ += slot->second.size() + 1;
  }
  return slot->second;
}

void BlockRuns::append(std::int64_t row, std::int64_t row_end, std::int64_t k, std::int64_t k_end,
                       std::int64_t offset, std::vector<ElementRun>& runs) {
  const std::size_t first = runs.size();
  const std::vector<Piece> rows = pieces_of(row, row_end, inner_rows_);
  const std::vector<Piece> depth = pieces_of(k, k_end, inner_depth_);
  // Parts of the larger stride lie further apart.
  const bool rows_outside = map_.row_stride >= map_.depth_stride;
  const std::vector<Piece>& outside = rows_outside ? rows : depth;
  const std::vector<Piece>& inside = rows_outside ? depth : rows;
  const std::int64_t outside_stride = rows_outside ? map_.row_stride : map_.depth_stride;
  const std::int64_t inside_stride = rows_outside ? map_.depth_stride : map_.row_stride;
  const std::int64_t base = map_.base + offset;
  for (const Piece& out : outside) {
    for (std::int64_t i = 0; i < out.count; ++i) {
      const std::int64_t at = base + (out.outer + i) * outside_stride;
      for (const Piece& in : inside) {
        const std::vector<ElementRun>& touched = rows_outside ? part(out, in) : part(in, out);
        const std::int64_t begin = at + in.outer * inside_stride;
        if (touched.size() == 1 && touched[0].begin == 0 && touched[0].end == inside_stride) {
          append_run(runs, first, {begin, begin + in.count * inside_stride});
          continue;
        }
        for (std::int64_t j = 0; j < in.count; ++j) {
          for (const ElementRun& run : touched) {
            append_run(
                runs, first,
                {begin + j * inside_stride + run.begin, begin + j * inside_stride + run.end});
          }
        }
      }
    }
  }
}

}  // namespace potomac::workloads
