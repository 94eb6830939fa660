#include "sim/python/convert.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>

#include "sim/results/gemm_text.hpp"

namespace py = pybind11;

namespace potomac::python {
namespace {

struct ToObject {
  py::object operator()(std::monostate /*unknown*/) const { return py::none(); }
  py::object operator()(sim::Share share) const { return py::float_(share.value); }
  py::object operator()(const std::string& text) const { return py::str(text); }
  py::object operator()(const std::vector<workloads::GemmShape>& gemms) const {
    return py::str(sim::gemm_text(gemms));
  }
  py::object operator()(const std::vector<sim::Blocking>& tiles) const {
    return py::str(sim::tile_text(tiles));
  }
  py::object operator()(double value) const { return py::float_(value); }
  py::object operator()(bool value) const { return py::bool_(value); }
  py::object operator()(std::int64_t value) const { return py::int_(value); }
  py::object operator()(std::uint64_t value) const { return py::int_(value); }
};

}  // namespace

py::object object_of(const sim::Cell& cell) {
  return std::visit(ToObject{}, cell);
}

py::object object_of(const sim::KeyValue& value) {
  return std::visit(ToObject{}, value);
}

workloads::Codes codes_of(const py::array_t<std::uint8_t, py::array::c_style>& array) {
  const auto release = [](const py::object* kept) {
    const py::gil_scoped_acquire held;
    delete kept;
  };
  return workloads::Codes::of_memory(
      {array.data(), static_cast<std::size_t>(array.size())},
      std::shared_ptr<const py::object>(new py::object(array), release));
}

Table::Table(std::vector<std::string> names) : names_(std::move(names)), columns_(names_.size()) {}

void Table::add(const std::vector<sim::Cell>& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    columns_[i].append(object_of(cells[i]));
  }
}

py::dict Table::columns() const {
  py::dict columns;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    columns[py::str(names_[i])] = columns_[i];
  }
  return columns;
}

}  // namespace potomac::python
