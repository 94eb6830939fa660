// A pass of a layer as its GEMMs with their operands, as views of the layer's tensors.
//
//   kind    | forward  | backward-data | backward-weight
//   linear  | A W^T    | G W           | G^T A
//   conv2d  | A * W    | G * W         | G^T A
//   matmul  | A W      | G W^T         | A^T G
//
// conv_transpose2d: A * W (as a convolution's backward-data), G * W, A^T G.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workloads/layers/conv_phases.hpp"
#include "workloads/layers/gemm_shape.hpp"
#include "workloads/layers/layer.hpp"
#include "workloads/layers/operand_view.hpp"

namespace potomac::workloads {

// The formats of a pass's two operands.
struct OperandFormats {
  TensorFormat first, second;
};
OperandFormats operand_formats(LayerKind kind, Pass pass, const LayerFormats& formats);

// The tensors that a pass takes its operands from, and the one that its result has the shape of.
struct PassTensors {
  Tensor first, second, result;
};
PassTensors tensors_of(LayerKind kind, Pass pass);

// The places of a GEMM's operands in their tensors, and of its result in the pass's (row m, "depth"
// n).
struct OperandMappings {
  OperandMapping first, second, result;
};

// Consecutive GEMMs of a pass whose operands and results lie alike, but for where they begin: a
// phase's groups, a matmul's batches.
struct MappingRun {
  std::int64_t count = 0;
  OperandMappings mappings;  // of the first
  // The way from one's begin to the next one's.
  std::int64_t first_step = 0;
  std::int64_t second_step = 0;
  std::int64_t result_step = 0;
};
// The runs of a pass, in order. Each lies within one entry of gemms_of(). The same precondition.
std::vector<MappingRun> mapping_runs(const LayerShape& layer, Pass pass, const Lowering& lowering);

// One GEMM with its operands (LoweredOperand or Fp32Operand). `first` has m rows (they stream down
// the array's rows), `second` n rows (they stream across its columns); both have depth k.
template <typename T>
struct GemmOf {
  using Operand = T;

  std::string layer;
  Pass pass = Pass::kForward;
  std::int64_t index = 0;  // of the pass's GEMMs, in the order in which they run
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  Operand first;
  Operand second;

  std::int64_t macs() const { return m * n * k; }
};
using Gemm = GemmOf<LoweredOperand>;

// The extents of a pass's result: a matrix for each group or batch.
struct ResultShape {
  std::int64_t matrices = 1;
  std::int64_t rows = 0;
  std::int64_t cols = 0;

  friend bool operator==(const ResultShape&, const ResultShape&) = default;
};

// Rows of a pass's result that rows of a GEMM are: row, row + step, ..., `count` of them.
struct ResultRows {
  std::int64_t matrix = 0;
  std::int64_t row = 0;
  std::int64_t step = 1;
  std::int64_t count = 0;
};

// The GEMMs of one pass of a layer, with their operands: a view, which the layer must outlive. All
// of them take their operands from the same two tensors.
class LoweredPass {
 public:
  // Precondition: check(layer.shape) passed, and `pass` is one of passes_of(layer.shape). `values`:
  // what a multiplier multiplies in place of the codes, or null; zero where the code is.
  LoweredPass(const Layer& layer, Pass pass, const Lowering& lowering,
              const Fp32Tensors* values = nullptr);

  const LayerShape& shape() const { return layer_->shape; }
  const std::string& layer() const { return layer_->shape.name; }
  LayerKind kind() const { return layer_->shape.kind; }
  Pass pass() const { return pass_; }
  const std::vector<GemmShape>& shapes() const { return shapes_; }
  std::int64_t count() const { return count_of(shapes_); }
  bool has_values() const { return values_ != nullptr; }

  // Precondition: 0 <= index < count(); of Fp32Operand also has_values().
  template <typename Operand>
  GemmOf<Operand> gemm_of(std::int64_t index) const;
  Gemm gemm(std::int64_t index) const { return gemm_of<LoweredOperand>(index); }

  // The pass's result, which its GEMMs make together: [M, N] of the table, however many phases
  // there are. Rows that no GEMM makes are zero.
  ResultShape result_shape() const;
  // The places of row m of a GEMM and of those behind it, as far as they are equally far apart.
  ResultRows result_rows(std::int64_t gemm, std::int64_t m) const;

  // Where a GEMM's results (row m, "depth" n) lie in the tensor that the pass's result has the
  // shape of. They divide nothing: a result's place is that of its row and that of its depth
  // together.
  OperandMapping result_mapping(std::int64_t gemm) const;

  const QuantizedTensor& first() const;
  const QuantizedTensor& second() const;
  // Precondition: has_values().
  const std::vector<float>& first_values() const;
  const std::vector<float>& second_values() const;
  // A result's value is its accumulator * 2^(lsb + scale_exponent()).
  int scale_exponent() const { return first().beta + second().beta; }

 private:
  const Layer* layer_;
  const Fp32Tensors* values_;
  Pass pass_;
  std::vector<GemmShape> shapes_;
  std::optional<AsConvolution> convolution_;
  std::optional<ConvPhases> phases_;  // of a convolution's backward-data
};

}  // namespace potomac::workloads
