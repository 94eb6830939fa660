#include "sim/results/store/point_bytes.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <variant>

#include "sim/results/gemm_text.hpp"

namespace potomac::sim {
namespace {

using Json = nlohmann::json;

struct JsonOfCell {
  Json operator()(std::monostate /*unknown*/) const { return nullptr; }
  Json operator()(Share share) const { return share.value; }
  Json operator()(const std::vector<workloads::GemmShape>& gemms) const { return gemm_text(gemms); }
  Json operator()(const std::vector<Blocking>& tiles) const { return tile_text(tiles); }
  Json operator()(const auto& value) const { return value; }
};

Json json_of(const std::vector<Cell>& cells) {
  Json json = Json::array();
  for (const Cell& cell : cells) {
    json.push_back(std::visit(JsonOfCell{}, cell));
  }
  return json;
}

Json json_of(const std::vector<StoredPoint::OfMachine>& machines) {
  Json json = Json::array();
  for (const StoredPoint::OfMachine& one : machines) {
    json.push_back({one.machine, json_of(one.cells)});
  }
  return json;
}

std::vector<Cell> cells_of(const Json& json) {
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

std::vector<StoredPoint::OfMachine> machines_of(const Json& json) {
  std::vector<StoredPoint::OfMachine> machines;
  for (const Json& one : json) {
    machines.push_back({one[0].get<std::string>(), cells_of(one[1])});
  }
  return machines;
}

}  // namespace

std::string bytes_of(std::span<const PlacedPoint> points) {
  Json json = Json::array();
  for (const auto& [place, point] : points) {
    Json energy = Json::array();
    for (const StoredPoint::Energy& one : point.energy) {
      energy.push_back({one.machine, one.price, json_of(one.cells)});
    }
    Json passes = Json::array();
    for (const StoredPoint::Pass& one : point.passes) {
      passes.push_back({json_of(one.cells), json_of(one.machines)});
    }
    json.push_back({place, point.key, json_of(point.architecture), point.refusal,
                    json_of(point.totals), std::move(energy), std::move(passes)});
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
    point.architecture = cells_of(json[2]);
    point.refusal = json[3].get<std::string>();
    point.totals = machines_of(json[4]);
    for (const Json& one : json[5]) {
      point.energy.push_back(
          {one[0].get<std::string>(), one[1].get<std::size_t>(), cells_of(one[2])});
    }
    for (const Json& one : json[6]) {
      point.passes.push_back({cells_of(one[0]), machines_of(one[1])});
    }
  }
  return points;
}

}  // namespace potomac::sim
