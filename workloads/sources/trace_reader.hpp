// Reads a trace file (HDF5, docs/trace-format.md) one layer at a time, so that memory is bounded by
// the largest layer. Everything is checked before it is allocated or believed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

inline constexpr std::string_view kTraceFormat = "potomac-trace";
inline constexpr std::int64_t kTraceVersion = 1;

// No scale exponent of FP32 data, nor of FP64 data, lies beyond.
inline constexpr int kMaxAbsBeta = 2048;

// The attributes of a trace's root.
struct TraceInfo {
  std::string model;
  std::string framework;
  std::string dataset;
  std::int64_t step = 0;
  std::int64_t seed = 0;
  std::string rounding = "log2";  // "log2" or "linear"

  friend bool operator==(const TraceInfo&, const TraceInfo&) = default;
};

// How a tensor is coded; its codes are another matter.
struct TensorFormat {
  int bits = rtl::kDefaultPotBits;
  int beta = 0;

  friend bool operator==(const TensorFormat&, const TensorFormat&) = default;
};

struct LayerFormats {
  TensorFormat w, a, g;

  friend bool operator==(const LayerFormats&, const LayerFormats&) = default;
};

// libhdf5 is not thread-safe: one thread at a time may use any reader or writer.
class TraceReader {
 public:
  // Opens the file and reads all that is small: root attributes, and of each layer its kind,
  // geometry, shapes, bits and betas. No tensor is read, but every tensor is known to be there.
  // The file is tried in a child process first (workloads/sources/hdf5_rehearsal.hpp).
  // Throws InputError: no such file, not HDF5 or truncated, wrong format or version, missing
  // attribute or tensor, a shape that does not fit, a tensor that is absurdly large.
  explicit TraceReader(const std::filesystem::path& path);
  ~TraceReader();
  TraceReader(TraceReader&&) noexcept;
  TraceReader& operator=(TraceReader&&) noexcept;
  TraceReader(const TraceReader&) = delete;
  TraceReader& operator=(const TraceReader&) = delete;

  const std::filesystem::path& path() const;
  const TraceInfo& info() const;

  // The layers in the order of their names (by bytes), which is forward order. At least one.
  const std::vector<LayerShape>& layers() const;
  // The formats of their tensors, in the same order.
  const std::vector<LayerFormats>& formats() const;

  // Reads the three tensors of one layer. Throws InputError: damaged data (checksum), a code that
  // is not canonical (its tensor and index are named).
  Layer read(std::size_t index) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Throws InputError, naming tensor (`place`, "layers/000-conv1/W"), index, code and remedy, unless
// every code is canonical in its format.
void check_codes(const QuantizedTensor& tensor, const std::string& file, const std::string& place);

}  // namespace potomac::workloads
