#include "sim/results/sweep_json.hpp"

#include <cmath>
#include <cstddef>
#include <variant>

#include "sim/results/gemm_text.hpp"
#include "sim/results/json_tree.hpp"

namespace potomac::sim {
namespace {

struct CellToJson {
  Json operator()(std::monostate /*unknown*/) const { return nullptr; }
  Json operator()(Share share) const { return share.value; }
  Json operator()(double number) const {
    return std::isfinite(number) ? Json(number) : Json(nullptr);
  }
  Json operator()(const std::vector<workloads::GemmShape>& gemms) const { return gemm_text(gemms); }
  Json operator()(const std::vector<Blocking>& tiles) const { return tile_text(tiles); }
  Json operator()(const auto& value) const { return value; }
};

}  // namespace

Json json_of_cell(const Cell& cell) {
  return std::visit(CellToJson{}, cell);
}

std::string sweep_json(const SweepTable& sweep) {
  Json json = Json::array();
  for (const std::vector<Cell>& cells : sweep.rows) {
    Json& row = json.emplace_back(Json::object());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      row[sweep.columns[i].name] = json_of_cell(cells[i]);
    }
  }
  return json_text(json);
}

}  // namespace potomac::sim
