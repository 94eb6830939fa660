// Potomac's values as Python's.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sim/machine/architecture_keys.hpp"
#include "sim/results/columns.hpp"
#include "workloads/layers/codes.hpp"

namespace potomac::python {

// What is not known is None; GEMMs and tiles are the text that stands in CSV.
pybind11::object object_of(const sim::Cell& cell);
pybind11::object object_of(const sim::KeyValue& value);

// Columns of a table, filled row by row: {name: [a value a row]}.
class Table {
 public:
  explicit Table(std::vector<std::string> names);
  void add(const std::vector<sim::Cell>& cells);
  pybind11::dict columns() const;

 private:
  std::vector<std::string> names_;
  std::vector<pybind11::list> columns_;
};

// An array's codes where they lie: the array is kept for as long as they are used, on whatever
// thread that ends.
workloads::Codes codes_of(const pybind11::array_t<std::uint8_t, pybind11::array::c_style>& array);

// What lies at an address that Python hands over, as a tensor's data_ptr().
template <typename Pointer>
Pointer* memory_at(std::uintptr_t address) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast,performance-no-int-to-ptr)
  return reinterpret_cast<Pointer*>(address);
}

// A buffer that Python owns from here on, without a copy.
template <typename Value>
pybind11::array_t<Value> array_of(std::vector<Value>&& values,
                                  std::vector<pybind11::ssize_t> shape) {
  auto* const kept = new std::vector<Value>(std::move(values));
  const pybind11::capsule owner(kept, [](void* p) { delete static_cast<std::vector<Value>*>(p); });
  return pybind11::array_t<Value>(std::move(shape), kept->data(), owner);
}

}  // namespace potomac::python
