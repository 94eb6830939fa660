#include "workloads/layers/conv_phases.hpp"

#include <algorithm>
#include <numeric>

namespace potomac::workloads {
namespace {

// How many of the positions first, first + step, ... lie below `end`.
std::int64_t steps_below(std::int64_t first, std::int64_t step, std::int64_t end) {
  return first >= end ? 0 : (end - first + step - 1) / step;
}

}  // namespace

std::vector<PhaseAxis> phases_of_axis(const ConvAxis& axis, StridedBackwardData form) {
  const std::int64_t pixels = axis.pixels;
  const std::int64_t taps = axis.taps;
  const std::int64_t stride = axis.stride;
  const std::int64_t padding = axis.before;
  const std::int64_t dilation = axis.dilation;
  if (form == StridedBackwardData::kZeroInsert) {
    return {{.first_pixel = 0,
             .pixel_step = 1,
             .pixels = pixels,
             .first_tap = 0,
             .tap_step = 1,
             .taps = taps,
             .depth_step = -dilation,
             .origin = padding,
             .divisor = stride}};
  }
  // Taps `tap_step` apart meet the same residue; the first few each meet another.
  const std::int64_t common = std::gcd(stride, dilation);
  const std::int64_t tap_step = stride / common;
  std::vector<PhaseAxis> phases;
  for (std::int64_t tap = 0; tap < std::min(taps, tap_step); ++tap) {
    const std::int64_t reach = tap * dilation - padding;
    const std::int64_t residue = ((reach % stride) + stride) % stride;
    if (residue < pixels) {
      phases.push_back({.first_pixel = residue,
                        .pixel_step = stride,
                        .pixels = steps_below(residue, stride, pixels),
                        .first_tap = tap,
                        .tap_step = tap_step,
                        .taps = steps_below(tap, tap_step, taps),
                        .depth_step = -dilation / common,
                        .origin = (residue - reach) / stride,
                        .divisor = 1});
    }
  }
  std::ranges::sort(phases, {}, &PhaseAxis::first_pixel);
  return phases;
}

}  // namespace potomac::workloads
