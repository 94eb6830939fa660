// A workload: the layers of a network, in forward order, to be simulated one at a time. What makes
// one (a trace file, a model description) is behind this interface; whoever simulates sees only it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

// Dimensions of a model description by name: batch, length.
using Dimensions = std::map<std::string, std::int64_t, std::less<>>;
// "batch=256, length=128".
std::string text_of(const Dimensions& dimensions);

// The origin of a workload's values: a training, a random generator, or nowhere.
enum class ValueSource { kCaptured, kSynthetic, kNone };
inline constexpr std::array<ValueSource, 3> kValueSources = {
    ValueSource::kCaptured, ValueSource::kSynthetic, ValueSource::kNone};
// "captured", "synthetic", "none": as in reports.
std::string_view name_of(ValueSource source);

// The origin of a workload, in its own words.
struct WorkloadInfo {
  std::string model;
  std::string framework;
  std::string dataset;
  std::int64_t step = 0;
  std::int64_t seed = 0;
  std::string rounding = "log2";       // "log2" or "linear"
  std::string gradient_rounding = {};  // of G, where it is another: these, or "stochastic"
  ValueSource values = ValueSource::kCaptured;
  std::string synthesis = {};                        // how synthetic values were drawn
  Dimensions dimensions = {};                        // what a description's were bound to
  std::optional<std::int64_t> batch = std::nullopt;  // inputs of a step, where it is known

  friend bool operator==(const WorkloadInfo&, const WorkloadInfo&) = default;
};

// The inputs of a step: what the dimension `batch` was bound to, else the extent that all
// convolutions share as theirs. Nothing where there is neither.
std::optional<std::int64_t> batch_of(const Dimensions& dimensions,
                                     const std::vector<LayerShape>& layers);

// "log2", "linear" or "stochastic".
bool is_gradient_rounding(std::string_view rounding);

// A part of the user's network that the workload leaves out. Reports repeat it: a result must not
// look like more than it is.
struct NotIncluded {
  std::string name;  // of the module or operation
  std::string kind;  // "LSTM", "matmul"
  std::string reason;

  friend bool operator==(const NotIncluded&, const NotIncluded&) = default;
};

// "conv (Conv3d), 2 nodes (Add): not a matrix product": for each reason a text, in their order.
std::vector<std::string> texts_of(const std::vector<NotIncluded>& parts);

// Weights of a model that was trained elsewhere, quantized: where there are these and no more.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  // Whether it has the layer's weights.
  virtual bool has(std::size_t index) const = 0;
  // The weights of the layer, or nothing if it has none. Throws InputError if they cannot be read
  // or quantized.
  virtual std::optional<QuantizedTensor> read(std::size_t index) const = 0;

 protected:
  WeightSource() = default;
  WeightSource(const WeightSource&) = default;
  WeightSource(WeightSource&&) = default;
  WeightSource& operator=(const WeightSource&) = default;
  WeightSource& operator=(WeightSource&&) = default;
};

class Workload {
 public:
  virtual ~Workload() = default;

  // The file that it was read from: for messages and reports.
  virtual const std::filesystem::path& path() const = 0;
  virtual const WorkloadInfo& info() const = 0;

  // Shapes and formats of the layers, in forward order; at least one. Every shape passed check().
  virtual const std::vector<LayerShape>& layers() const = 0;
  virtual const std::vector<LayerFormats>& formats() const = 0;

  // The layer's values, or nothing where only its shape is known. Values may be large: hold one
  // layer at a time. Throws InputError if they are damaged; then the whole workload is in doubt.
  virtual std::optional<Layer> read(std::size_t index) const = 0;

  // Whether layers have originals: all of them, but for those that are a second power of A.
  virtual bool has_originals() const { return false; }

  // The weights of layers without values; null if none has. The workload must outlive
  // it.
  virtual std::unique_ptr<WeightSource> weights() const { return nullptr; }

  virtual const std::vector<NotIncluded>& not_included() const = 0;

 protected:
  Workload() = default;
  Workload(const Workload&) = default;
  Workload(Workload&&) = default;
  Workload& operator=(const Workload&) = default;
  Workload& operator=(Workload&&) = default;
};

}  // namespace potomac::workloads
