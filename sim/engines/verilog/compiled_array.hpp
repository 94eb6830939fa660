// An array of the SystemVerilog twin, compiled by Verilator and the C++ compiler into a library
// that is opened while the program runs. It is compiled when it is first wanted, and kept in the
// user's cache under a digest of all that it was made from: so each array is compiled once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/engines/interface/engine.hpp"
#include "sim/engines/verilog/harness/array_interface.hpp"
#include "sim/engines/verilog/verilog_sources.hpp"

namespace potomac::sim {

// What an array is compiled for: the parameters of rtl_models/verilog.
struct ArrayParameters {
  bool output_stationary = true;
  bool double_buffered = false;  // stationary arrays only
  ArrayShape shape;
  bool fp32 = false;
  int row_bits = 5;
  int column_bits = 5;
  int sum_bits = 32;
  int accumulator_bits = 32;
  int place_bits = 10;
  bool saturates = false;
  bool zero_gating = true;

  // What the array is compiled for besides: to be fast, and counted; or, of modules as they would
  // be synthesized, to write a waveform.
  enum class Form { kLoops, kVcd, kFst };
  Form form = Form::kLoops;

  friend bool operator==(const ArrayParameters&, const ArrayParameters&) = default;
};

// What the job's unit and accumulator ask for.
ArrayParameters array_parameters(const Job& job);

// Throws InputError, with an estimate, if the array would take minutes to compile.
void require_compilable(const ArrayParameters& parameters);

// An array of a library, as a pass finds it. To be used by one thread.
class CompiledArray {
 public:
  // Opens it. Throws MachineError if the file is no such library.
  explicit CompiledArray(const std::filesystem::path& library);
  ~CompiledArray();
  CompiledArray(const CompiledArray&) = delete;
  CompiledArray& operator=(const CompiledArray&) = delete;

  void reset(int lsb, verilog::ArrayWatch watch) { reset_(array_, lsb, watch); }
  verilog::ArrayOutput step(const verilog::ArrayEdge& edge) {
    verilog::ArrayOutput output;
    step_(array_, &edge, &output);
    return output;
  }
  verilog::ArrayCounts counts() const {
    verilog::ArrayCounts counts;
    counts_(array_, &counts);
    return counts;
  }
  const verilog::PeCounts* pes() const { return pes_(array_); }
  // Precondition: it was compiled for a waveform, and reset.
  void trace(const verilog::ArrayWaveform& waveform) { trace_(array_, &waveform); }

 private:
  template <typename Function>
  Function* function(const char* name, const std::filesystem::path& library) const;

  struct Close {
    void operator()(void* library) const;
  };
  std::unique_ptr<void, Close> library_;
  void* array_ = nullptr;
  decltype(&potomac_array_delete) delete_ = nullptr;
  decltype(&potomac_array_reset) reset_ = nullptr;
  decltype(&potomac_array_step) step_ = nullptr;
  decltype(&potomac_array_counts) counts_ = nullptr;
  decltype(&potomac_array_pes) pes_ = nullptr;
  decltype(&potomac_array_trace) trace_ = nullptr;
};

// What arrays are compiled of, and the folder that keeps them.
struct ArrayCompilation {
  std::vector<SourceFile> sources = verilog_sources();
  std::filesystem::path cache;  // empty: the user's, $XDG_CACHE_HOME/potomac/verilog
  Say say;                      // told before what takes seconds
};

class ArrayCompiler {
 public:
  explicit ArrayCompiler(ArrayCompilation compilation) : compilation_(std::move(compilation)) {}

  // The library of that array, compiled if it is not in the cache. Throws InputError: no Verilator,
  // or one of a version that was not tested, no compiler, a cache that cannot be written, an array
  // that would take minutes; MachineError: the compilers failed.
  std::filesystem::path library(const ArrayParameters& parameters);

 private:
  void compile(const ArrayParameters& parameters, const std::filesystem::path& library);
  std::filesystem::path runtime(const ArrayParameters& parameters,
                                const std::filesystem::path& folder) const;

  ArrayCompilation compilation_;
};

}  // namespace potomac::sim
