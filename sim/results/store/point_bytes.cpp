#include "sim/results/store/point_bytes.hpp"

#include "sim/results/json_tree.hpp"

namespace potomac::sim {
namespace {

Json packed(const std::vector<Cell>& cells) {
  Json json = Json::array();
  for (const Cell& cell : cells) {
    json.push_back(json_of_cell(cell));
  }
  return json;
}

Json packed(const std::vector<StoredPoint::OfMachine>& machines) {
  Json json = Json::array();
  for (const StoredPoint::OfMachine& one : machines) {
    json.push_back({one.machine, packed(one.cells)});
  }
  return json;
}

std::vector<Cell> unpacked_cells(const Json& json) {
  std::vector<Cell> cells;
  cells.reserve(json.size());
  for (const Json& cell : json) {
    if (cell.is_null()) {
      cells.emplace_back();
    } else if (cell.is_string()) {
      cells.emplace_back(cell.get<std::string>());
    } else if (cell.is_number_float()) {
      cells.emplace_back(cell.get<double>());
    } else if (cell.is_number_unsigned()) {
      cells.emplace_back(cell.get<std::uint64_t>());
    } else {
      cells.emplace_back(cell.get<std::int64_t>());
    }
  }
  return cells;
}

std::vector<StoredPoint::OfMachine> unpacked_machines(const Json& json) {
  std::vector<StoredPoint::OfMachine> machines;
  for (const Json& one : json) {
    machines.push_back({one[0].get<std::string>(), unpacked_cells(one[1])});
  }
  return machines;
}

}  // namespace

std::string bytes_of(std::span<const PlacedPoint> points) {
  Json json = Json::array();
  for (const auto& [place, point] : points) {
    Json energy = Json::array();
    for (const StoredPoint::Energy& one : point.energy) {
      energy.push_back({one.machine, one.price, packed(one.cells)});
    }
    Json passes = Json::array();
    for (const StoredPoint::Pass& one : point.passes) {
      passes.push_back({packed(one.cells), packed(one.machines)});
    }
    json.push_back({place, point.key, packed(point.architecture), point.refusal,
                    packed(point.totals), std::move(energy), std::move(passes)});
  }
  std::string bytes;
  Json::to_cbor(json, bytes);
  return bytes;
}

std::vector<PlacedPoint> points_of(const std::string& bytes) {
  std::vector<PlacedPoint> points;
  for (const Json& json : Json::from_cbor(bytes)) {
    StoredPoint& point = points.emplace_back(PlacedPoint{json[0].get<std::uint64_t>(), {}}).point;
    point.key = json[1].get<PointKey>();
    point.architecture = unpacked_cells(json[2]);
    point.refusal = json[3].get<std::string>();
    point.totals = unpacked_machines(json[4]);
    for (const Json& one : json[5]) {
      point.energy.push_back(
          {one[0].get<std::string>(), one[1].get<std::size_t>(), unpacked_cells(one[2])});
    }
    for (const Json& one : json[6]) {
      point.passes.push_back({unpacked_cells(one[0]), unpacked_machines(one[1])});
    }
  }
  return points;
}

}  // namespace potomac::sim
