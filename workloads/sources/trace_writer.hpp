// Writes a trace file (HDF5, docs/trace-format.md) one layer at a time, and puts it in place whole.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "workloads/layers/layer.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac::workloads {

// Throws InputError unless each tensor that the layer has is one of its shape, of a width that
// there is, with canonical codes. `place` stands before the tensor's letter in messages.
// Precondition: the shape passed check().
void check_values(const Layer& layer, const std::string& file, const std::string& place);

// The same layers give the same bytes: a trace holds no time of day. Every byte of it is under some
// checksum, so that the reader notices any damage.
class TraceWriter {
 public:
  // Throws InputError if the file cannot be made there, or if `info` holds what a reader would
  // refuse.
  TraceWriter(const std::filesystem::path& path, const WorkloadInfo& info,
              const std::vector<NotIncluded>& not_included = {});
  ~TraceWriter();  // without finish(): nothing is left behind
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  // Appends a layer. Its name must sort (runs_before()) behind the one before, since a reader takes
  // the order of names for the order of layers. Throws InputError for what a reader would refuse
  // (check(), check_codes(), shapes and codes that disagree), or MachineError (disk).
  void write(const Layer& layer, const LayerOrigin& origin = {});

  // Closes the file and renames it to its name. Throws InputError if no layer was written, or
  // MachineError (disk).
  void finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace potomac::workloads
