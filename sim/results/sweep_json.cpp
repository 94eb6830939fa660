#include "sim/results/sweep_json.hpp"

#include <cmath>
#include <cstddef>
#include <variant>

#include "sim/results/json_tree.hpp"

namespace potomac::sim {
namespace {

struct JsonOfCell {
  Json operator()(std::monostate /*unknown*/) const { return nullptr; }
  Json operator()(Share share) const { return share.value; }
  Json operator()(double number) const {
    return std::isfinite(number) ? Json(number) : Json(nullptr);
  }
  Json operator()(const std::vector<workloads::GemmShape>& /*of a pass*/) const { return nullptr; }
  Json operator()(const std::vector<Blocking>& /*of a pass*/) const { return nullptr; }
  Json operator()(const auto& value) const { return value; }
};

}  // namespace

Json json_of_sweep(const Cell& cell) {
  return std::visit(JsonOfCell{}, cell);
}

std::string sweep_json(const SweepTable& sweep) {
  Json json = Json::array();
  for (const std::vector<Cell>& cells : sweep.rows) {
    Json& row = json.emplace_back(Json::object());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      row[sweep.columns[i].name] = json_of_sweep(cells[i]);
    }
  }
  return json_text(json);
}

}  // namespace potomac::sim
