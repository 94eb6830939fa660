// A stored point as bytes, from one rank of a job to another.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sim/results/store/stored_point.hpp"

namespace potomac::sim {

// A point and its place in the sweep.
struct PlacedPoint {
  std::uint64_t place = 0;
  StoredPoint point;
};

std::string bytes_of(std::span<const PlacedPoint> points);
// The same points, as far as a store tells cells apart: shares are doubles, counts integers, GEMMs
// and tiles texts. Precondition: bytes_of() made the bytes.
std::vector<PlacedPoint> points_of(const std::string& bytes);

}  // namespace potomac::sim
