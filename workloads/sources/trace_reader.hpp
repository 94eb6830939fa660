// Reads a trace file (HDF5, docs/trace-format.md) one layer at a time, so that memory is bounded by
// the largest layer. Everything is checked before it is allocated or believed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/hdf5/hdf5_file.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::workloads {

inline constexpr std::string_view kTraceFormat = "potomac-trace";
inline constexpr std::int64_t kTraceVersion = 2;  // that is written; those before are read

// No scale exponent of FP32 data, nor of FP64 data, lies beyond.
inline constexpr int kMaxAbsBeta = 2048;

// libhdf5 is not thread-safe: one thread at a time may use any reader or writer.
class TraceReader : public Workload {
 public:
  // Opens the file and reads all that is small: root attributes, and of each layer its kind,
  // geometry, shapes, bits and betas. No tensor is read, but every tensor is known to be there.
  // Throws InputError: no such file, not HDF5 or truncated, wrong format or version, missing
  // attribute or tensor, metadata or data without checksums (unless the guard is kNone), a shape
  // that does not fit, a tensor that is absurdly large.
  explicit TraceReader(const std::filesystem::path& path, Hdf5Guard guard = Hdf5Guard::kChecksums);
  ~TraceReader() override;
  TraceReader(TraceReader&&) noexcept;
  TraceReader& operator=(TraceReader&&) noexcept;
  TraceReader(const TraceReader&) = delete;
  TraceReader& operator=(const TraceReader&) = delete;

  const std::filesystem::path& path() const override;
  const WorkloadInfo& info() const override;
  // The layers in the order of their names (runs_before()), which is forward order.
  const std::vector<LayerShape>& layers() const override;
  const std::vector<LayerFormats>& formats() const override;
  // Never empty. Throws InputError: damaged data (checksum), a code that is not canonical (its
  // tensor and index are named).
  std::optional<Layer> read(std::size_t index) const override;
  bool has_originals() const override;
  const std::vector<NotIncluded>& not_included() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Throws InputError, naming tensor (`place`, "layers/000-conv1/W"), index, code and remedy, unless
// every code is canonical in its format, and as many are zero as its ZeroOrigins say, if it has
// them.
void check_codes(const QuantizedTensor& tensor, const std::string& file, const std::string& place);

// Throws InputError unless every value is finite.
void check_original(std::span<const float> values, const Shape& shape, const std::string& file,
                    const std::string& place);

}  // namespace potomac::workloads
