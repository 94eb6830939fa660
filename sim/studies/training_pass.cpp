#include "sim/studies/training_pass.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <memory>
#include <vector>

#include "rtl_models/arithmetic/result_value.hpp"
#include "sim/engines/engines.hpp"
#include "sim/machine/operand_fit.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {
namespace {

using Mapping = workloads::OperandMapping;

// Sums become values, and go where they belong in the result's tensor.
class ResultWriter {
 public:
  ResultWriter(const workloads::LoweredPass& pass, int exponent, float* result)
      : pass_(pass), exponent_(exponent), factor_(std::ldexp(1.0, exponent)), result_(result) {}

  void take(const ResultTile<std::int64_t>& tile) {
    const Mapping map = pass_.result_mapping(tile.gemm);
    std::vector<std::int64_t> row_places(static_cast<std::size_t>(tile.rows));
    std::vector<std::int64_t> col_places(static_cast<std::size_t>(tile.cols));
    auto row = workloads::coordinates_of(tile.m_begin, map.row_extents);
    for (std::int64_t& place : row_places) {
      place = row_place(map, row);
      workloads::advance(row, map.row_extents);
    }
    auto col = workloads::coordinates_of(tile.n_begin, map.depth_extents);
    for (std::int64_t& place : col_places) {
      place = col_place(map, col);
      workloads::advance(col, map.depth_extents);
    }
    float largest = 0.0F;
    const auto write = [&](std::int64_t i, std::int64_t j) {
      const float value = value_of(tile.values[i * tile.row_stride + j]);
      largest = std::max(largest, std::fabs(value));
      result_[row_places[static_cast<std::size_t>(i)] + col_places[static_cast<std::size_t>(j)]] =
          value;
    };
    // Along what lies side by side in the tensor.
    if (tile.cols > 1 && col_places[1] - col_places[0] != 1) {
      for (std::int64_t j = 0; j < tile.cols; ++j) {
        for (std::int64_t i = 0; i < tile.rows; ++i) {
          write(i, j);
        }
      }
    } else {
      for (std::int64_t i = 0; i < tile.rows; ++i) {
        for (std::int64_t j = 0; j < tile.cols; ++j) {
          write(i, j);
        }
      }
    }
    if (std::isinf(largest)) {
      finite_ = false;
    }
  }

  bool finite() const { return finite_; }

 private:
  static std::int64_t place_on(const workloads::PatchAxis& axis, std::int64_t coordinate,
                               std::int64_t step) {
    return coordinate * step * axis.stride;
  }
  // With the origins.
  static std::int64_t row_place(const Mapping& map, const std::array<std::int64_t, 4>& row) {
    const auto [r0, rz, ry, rx] = row;
    return map.base + r0 * map.row_stride + map.z.origin * map.z.stride +
           map.y.origin * map.y.stride + map.x.origin * map.x.stride +
           place_on(map.z, rz, map.z.row_step) + place_on(map.y, ry, map.y.row_step) +
           place_on(map.x, rx, map.x.row_step);
  }
  static std::int64_t col_place(const Mapping& map, const std::array<std::int64_t, 4>& col) {
    const auto [k0, kz, ky, kx] = col;
    return k0 * map.depth_stride + place_on(map.z, kz, map.z.depth_step) +
           place_on(map.y, ky, map.y.depth_step) + place_on(map.x, kx, map.x.depth_step);
  }

  // rtl::result_value(), of sums that a double holds without its detour.
  float value_of(std::int64_t sum) const {
    constexpr std::int64_t kExact = std::int64_t{1} << 53;
    return sum > -kExact && sum < kExact ? static_cast<float>(static_cast<double>(sum) * factor_)
                                         : rtl::result_value(sum, exponent_);
  }

  const workloads::LoweredPass& pass_;
  int exponent_;
  double factor_;
  float* result_;
  std::atomic<bool> finite_ = true;
};

}  // namespace

TrainingPass training_pass(const workloads::LayerShape& layer, workloads::Pass pass,
                           const TensorCodes& first, const TensorCodes& second, const PeConfig& pe,
                           float* result, WorkerPool& pool) {
  workloads::Layer with_codes;
  with_codes.shape = layer;
  const workloads::PassTensors tensors = workloads::tensors_of(layer.kind, pass);
  // The caller keeps the codes while this runs.
  const auto kept = std::make_shared<int>();
  const auto put = [&](workloads::Tensor which, const TensorCodes& codes) {
    workloads::QuantizedTensor& tensor = which == workloads::Tensor::kW   ? with_codes.w
                                         : which == workloads::Tensor::kA ? with_codes.a
                                                                          : with_codes.g;
    tensor = {.shape = layer.of(which),
              .bits = codes.bits,
              .beta = codes.beta,
              .codes = workloads::Codes::of_memory(codes.codes, kept)};
  };
  put(tensors.first, first);
  put(tensors.second, second);

  Architecture machine;
  machine.pe = pe;
  const workloads::LoweredPass operands(with_codes, pass, machine.lowering);
  TrainingPass done;
  done.accumulator =
      require_fit(machine, layer, pass, operands.first().format(), operands.second().format());
  done.results = static_cast<std::uint64_t>(workloads::element_count(layer.of(tensors.result)));
  std::fill_n(result, done.results, 0.0F);  // rows that no GEMM makes
  ResultWriter writer(operands, done.accumulator.lsb + operands.scale_exponent(), result);
  const ValueFacts facts =
      make_engine("fast", pool)
          ->facts(operands, done.accumulator,
                  [&writer](const ResultTile<std::int64_t>& tile) { writer.take(tile); }, {});
  done.overflowed_results = facts.overflowed_results.value();
  done.overflows = facts.overflow.value();
  done.macs = facts.products.macs;
  done.products = facts.products.nonzero;
  done.dropped = facts.products.dropped;
  done.finite = writer.finite();
  return done;
}

}  // namespace potomac::sim
