#include <fmt/format.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "rtl_models/arithmetic/pot_code.hpp"
#include "rtl_models/arithmetic/result_value.hpp"
#include "sim/engines/engines.hpp"
#include "sim/python/background.hpp"
#include "sim/python/bindings.hpp"
#include "sim/python/convert.hpp"
#include "sim/studies/pass_sums.hpp"
#include "support/choice.hpp"
#include "support/error.hpp"
#include "workloads/layers/gemm_shape.hpp"
#include "workloads/layers/layer_check.hpp"
#include "workloads/quantizer/als_potq.hpp"
#include "workloads/quantizer/values.hpp"
#include "workloads/sources/trace_reader.hpp"
#include "workloads/sources/trace_writer.hpp"

namespace py = pybind11;

namespace potomac::python {
namespace {

using Codes = py::array_t<std::uint8_t, py::array::c_style>;
using Values = py::array_t<float, py::array::c_style>;

workloads::Shape shape_of(const py::array& array) {
  return {array.shape(), array.shape() + array.ndim()};
}

rtl::PotFormat format_of(int bits) {
  if (!rtl::is_pot_width(bits)) {
    throw InputError({"", "bits", fmt::format("is {}", bits),
                      fmt::format("it must be from {} to {}", rtl::kMinPotBits, rtl::kMaxPotBits)});
  }
  return rtl::PotFormat(bits);
}

// The codes of values that are +-2^(e + scale), e within the format, or 0.
Codes encoded(const Values& values, int bits, int scale, const std::string& name) {
  const rtl::PotFormat format = format_of(bits);
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(values.size()));
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const float value = values.data()[i];
    codes[i] = format.zero();
    if (value == 0.0F) {
      continue;
    }
    int exponent = 0;
    const bool power = std::isfinite(value) && std::fabs(std::frexp(value, &exponent)) == 0.5F;
    const std::int64_t e = std::int64_t{exponent} - 1 - scale;
    if (!power || e < -format.e_max() || e > format.e_max()) {
      throw InputError({"", name,
                        fmt::format("element {} is {}, which no {}-bit code of scale {} stands for",
                                    i, value, bits, scale),
                        "quantize it first, or give its own scale and bits"});
    }
    codes[i] = format.encode(value < 0.0F, static_cast<int>(e));
  }
  return array_of(std::move(codes), {values.shape(), values.shape() + values.ndim()});
}

// The values that codes stand for: +-2^(e + scale), rounded once to binary32.
Values decoded(const Codes& codes, int bits, int scale) {
  const rtl::PotFormat format = format_of(bits);
  std::vector<float> values(static_cast<std::size_t>(codes.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint8_t code = codes.data()[i];
    if (code < format.code_count() && !format.is_zero(code)) {
      const float magnitude = std::ldexp(1.0F, format.exponent(code) + scale);
      values[i] = format.is_negative(code) ? -magnitude : magnitude;
    }
  }
  return array_of(std::move(values), {codes.shape(), codes.shape() + codes.ndim()});
}

workloads::QuantizedTensor tensor_of(const Codes& codes, int bits, int scale,
                                     const std::string& name) {
  format_of(bits);
  workloads::QuantizedTensor tensor{
      .shape = shape_of(codes), .bits = bits, .beta = scale, .codes = codes_of(codes)};
  workloads::check_codes(tensor, "", name);
  return tensor;
}

// (accumulators, exponent, overflows, dropped).
py::tuple tuple_of(sim::PassSums done) {
  return py::make_tuple(
      array_of(std::move(done.sums), {done.shape.matrices, done.shape.rows, done.shape.cols}),
      done.scale_exponent, done.overflows, done.dropped);
}

// What an accumulator and an engine were asked for.
struct Summing {
  rtl::AccumulatorConfig accumulator;
  std::string engine;
  unsigned threads = 1;
};

// `lsb`: a number, "exact" or "auto".
Summing summing(int bits, const std::variant<int, std::string>& lsb, const std::string& overflow,
                const std::string& engine, unsigned threads) {
  const auto rule = choose<rtl::Overflow>(
      "accumulator.overflow", overflow,
      {{"wrap", rtl::Overflow::kWrap}, {"saturate", rtl::Overflow::kSaturate}});
  const std::string chosen = choose("engine", engine, sim::engine_names());
  const sim::EngineInfo& info = sim::engine_named(chosen);
  if (!info.computes_sums) {
    throw InputError({"", "engine", fmt::format("'{}' computes no sums", chosen), "use fast"});
  }
  const rtl::Lsb lowest =
      std::holds_alternative<int>(lsb)
          ? rtl::Lsb(std::get<int>(lsb))
          : choose<rtl::Lsb>("accumulator.lsb", std::get<std::string>(lsb),
                             {{"exact", rtl::Lsb()}, {"auto", rtl::Lsb::automatic()}});
  return {{bits, lowest, rule}, chosen, info.steps ? 1 : threads};
}

py::tuple gemm(const Codes& a, const Codes& b, std::pair<int, int> bits, std::pair<int, int> scales,
               const Summing& how, const py::object& progress) {
  workloads::QuantizedTensor first = tensor_of(a, bits.first, scales.first, "a");
  workloads::QuantizedTensor second = tensor_of(b, bits.second, scales.second, "b");
  return tuple_of(in_background(progress, how.threads, [&](const sim::Caller& caller) {
    return sim::gemm_sums(std::move(first), std::move(second), how.accumulator, how.engine, caller);
  }));
}

py::tuple pass_sums(const MadeLayer& made, const std::string& pass, const Summing& how,
                    const py::object& progress) {
  const workloads::Layer& layer = made.layer;
  const workloads::Pass wanted = choose("pass", pass, by_name(workloads::kPasses));
  const std::string where = fmt::format("layer '{}'", layer.shape.name);
  if (!made.has_values) {
    throw InputError({"", where, "has shapes but no values", "give arrays of codes"});
  }
  workloads::check(layer.shape, "");
  workloads::check_values(layer, "", layer.shape.name);
  if (std::ranges::count(workloads::passes_of(layer.shape), wanted) == 0) {
    throw InputError(
        {"", where, fmt::format("has no pass {}", pass), "see its input_grad and weight_grad"});
  }
  return tuple_of(in_background(progress, how.threads, [&](const sim::Caller& caller) {
    return sim::pass_sums(layer, wanted, how.accumulator, how.engine, caller);
  }));
}

// Each accumulator * 2^exponent, rounded once to binary32, to nearest even.
Values values_of_sums(const py::array_t<std::int64_t, py::array::c_style>& sums, int exponent) {
  std::vector<float> values(static_cast<std::size_t>(sums.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = rtl::result_value(sums.data()[i], exponent);
  }
  return array_of(std::move(values), {sums.shape(), sums.shape() + sums.ndim()});
}

py::tuple quantize(const Values& values, int bits, const std::string& rounding, std::uint64_t key) {
  format_of(bits);
  const auto chosen =
      choose<workloads::Rounding>("rounding", rounding,
                                  {{"log2", workloads::Rounding::kLog2},
                                   {"linear", workloads::Rounding::kLinear},
                                   {"stochastic", workloads::Rounding::kStochastic}});
  workloads::QuantizedTensor tensor =
      workloads::als_potq({values.data(), static_cast<std::size_t>(values.size())},
                          shape_of(values), bits, chosen, "values", key);
  return py::make_tuple(
      array_of(std::move(tensor.codes).taken(), {values.shape(), values.shape() + values.ndim()}),
      tensor.beta);
}

// The quantizer on dense float32 memory wherever it lies: what the capture calls with a tensor's
// data_ptr().
void bind_quantizer(py::module_& module) {
  module.def(
      "largest_magnitude",
      [](std::uintptr_t x, std::int64_t count, float mean, std::int32_t threads) {
        const py::gil_scoped_release released;
        return workloads::largest_magnitude(memory_at<const float>(x), count, mean, threads);
      },
      py::arg("x"), py::arg("count"), py::arg("mean"), py::arg("threads"));
  module.def(
      "significand_sums",
      [](std::uintptr_t x, std::int64_t count, std::uintptr_t sums) {
        const py::gil_scoped_release released;
        workloads::significand_sums(memory_at<const float>(x), count,
                                    memory_at<std::int64_t>(sums));
      },
      py::arg("x"), py::arg("count"), py::arg("sums"));
  module.def(
      "quantized_tensor",
      [](std::uintptr_t x, std::uintptr_t values, std::int64_t count, bool corrected, float gamma,
         std::int32_t bits, std::int32_t rounding, std::uint64_t key, std::int32_t threads) {
        workloads::Prepared seen{};
        {
          const py::gil_scoped_release released;
          seen =
              workloads::quantized_tensor(memory_at<const float>(x), memory_at<float>(values),
                                          count, {corrected, gamma, bits, rounding, key}, threads);
        }
        return py::make_tuple(seen.largest, seen.moved, seen.limit, seen.beta);
      },
      py::arg("x"), py::arg("values"), py::arg("count"), py::arg("corrected"), py::arg("gamma"),
      py::arg("bits"), py::arg("rounding"), py::arg("key"), py::arg("threads"));
  module.def(
      "above",
      [](std::uintptr_t x, std::int64_t count, std::uint32_t limit) {
        std::vector<std::int64_t> indices;
        std::vector<float> signs;
        {
          const py::gil_scoped_release released;
          const auto* values = memory_at<const float>(x);
          indices.resize(64);
          const std::int64_t found =
              workloads::indices_above(values, count, limit, indices.data(), 64);
          indices.resize(static_cast<std::size_t>(found));
          if (found > 64) {
            workloads::indices_above(values, count, limit, indices.data(), found);
          }
          for (const std::int64_t index : indices) {
            signs.push_back(std::copysign(1.0F, values[index]));
          }
        }
        const auto found = static_cast<py::ssize_t>(indices.size());
        return py::make_tuple(array_of(std::move(indices), {found}),
                              array_of(std::move(signs), {found}));
      },
      py::arg("x"), py::arg("count"), py::arg("limit"));
  module.def(
      "codes_of_values",
      [](std::uintptr_t values, std::uintptr_t codes, std::int64_t count, std::int32_t bits,
         std::int32_t beta, std::int32_t threads) {
        const py::gil_scoped_release released;
        workloads::codes_of_values(memory_at<const float>(values), memory_at<std::uint8_t>(codes),
                                   count, bits, beta, threads);
      },
      py::arg("values"), py::arg("codes"), py::arg("count"), py::arg("bits"), py::arg("beta"),
      py::arg("threads"));
}

}  // namespace

void bind_arrays(py::module_& module) {
  module.def("encoded", &encoded, py::arg("values"), py::arg("bits"), py::arg("scale"),
             py::arg("name"));
  module.def("decoded", &decoded, py::arg("codes"), py::arg("bits"), py::arg("scale"));
  module.def("quantize", &quantize, py::arg("values"), py::arg("bits"), py::arg("rounding"),
             py::arg("key"));
  py::class_<Summing>(module, "Summing")
      .def(py::init(&summing), py::arg("bits"), py::arg("lsb"), py::arg("overflow"),
           py::arg("engine"), py::arg("threads"));
  module.def("gemm", &gemm, py::arg("a"), py::arg("b"), py::arg("bits"), py::arg("scales"),
             py::arg("how"), py::arg("progress"));
  module.def("pass_sums", &pass_sums, py::arg("layer"), py::arg("pass_name"), py::arg("how"),
             py::arg("progress"));
  module.def("values_of_sums", &values_of_sums, py::arg("sums"), py::arg("exponent"));
  bind_quantizer(module);
}

}  // namespace potomac::python
