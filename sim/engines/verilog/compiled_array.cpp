#include "sim/engines/verilog/compiled_array.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

#include "sim/machine/array_registers.hpp"
#include "support/atomic_file.hpp"
#include "support/child_process.hpp"
#include "support/digest.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

namespace fs = std::filesystem;

// Versions of Verilator that the arrays were proven with.
constexpr std::string_view kTestedVerilator = "Verilator 5.006";
constexpr std::string_view kPackages = "install it: scripts/setup.sh verilog";

std::string variable(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? std::string() : std::string(value);
}

fs::path user_cache() {
  const std::string cache = variable("XDG_CACHE_HOME");
  if (!cache.empty()) {
    return fs::path(cache) / "potomac" / "verilog";
  }
  const std::string home = variable("HOME");
  if (home.empty()) {
    throw InputError({"", "engine verilog", "has nowhere to keep the arrays that it compiles",
                      "set XDG_CACHE_HOME to a folder"});
  }
  return fs::path(home) / ".cache" / "potomac" / "verilog";
}

// A folder to compile in, beside where the result goes to, removed in the end.
class BuildFolder {
 public:
  explicit BuildFolder(const fs::path& cache) {
    std::error_code error;
    fs::create_directories(cache, error);
    remove_forsaken(cache);
    std::string name = (cache / fmt::format("{}{}-XXXXXX", kPrefix, ::getpid())).string();
    if (error || ::mkdtemp(name.data()) == nullptr) {
      throw InputError({cache.string(), "", "the cache of compiled arrays cannot be written",
                        "make it writable, or set XDG_CACHE_HOME to another folder"});
    }
    path_ = name;
  }
  ~BuildFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  BuildFolder(const BuildFolder&) = delete;
  BuildFolder& operator=(const BuildFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  static constexpr std::string_view kPrefix = ".build-";

  // What a process that was killed has left there.
  static void remove_forsaken(const fs::path& cache) {
    std::error_code ignored;
    std::vector<fs::path> forsaken;
    for (const fs::directory_entry& entry : fs::directory_iterator(cache, ignored)) {
      const std::string name = entry.path().filename().string();
      const int process = name.starts_with(kPrefix) ? std::atoi(name.c_str() + kPrefix.size()) : 0;
      if (process > 0 && ::kill(process, 0) != 0 && errno == ESRCH) {
        forsaken.push_back(entry.path());
      }
    }
    for (const fs::path& folder : forsaken) {
      fs::remove_all(folder, ignored);
    }
  }

  fs::path path_;
};

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// What a program of the tools says when it fails: the line that names an error.
std::string complaint(const std::string& output) {
  for (std::size_t begin = 0; begin < output.size();) {
    const std::size_t end = std::min(output.find('\n', begin), output.size());
    std::string line = output.substr(begin, end - begin);
    if (line.find("rror") != std::string::npos) {
      return line;
    }
    begin = end + 1;
  }
  return first_line(output);
}

// Instructions for vectors, which the arrays' loops are written for, where this machine has them.
std::vector<std::string> machine_flags() {
#if defined(__x86_64__)
  if (static_cast<bool>(__builtin_cpu_supports("avx2")) &&
      static_cast<bool>(__builtin_cpu_supports("bmi2")) &&
      static_cast<bool>(__builtin_cpu_supports("fma"))) {
    return {"-march=x86-64-v3"};
  }
#endif
  return {};
}

std::string module_of(const ArrayParameters& parameters) {
  const std::string array =
      parameters.output_stationary ? "output_stationary_array" : "stationary_array";
  return parameters.form == ArrayParameters::Form::kLoops ? array + "_loops" : array;
}

std::vector<std::string> verilog_parameters(const ArrayParameters& p) {
  std::vector<std::string> all;
  const auto set = [&all](std::string_view name, std::int64_t value) {
    all.push_back(fmt::format("-G{}={}", name, value));
  };
  set("ROWS", p.shape.rows);
  set("COLS", p.shape.cols);
  set("FP32", p.fp32 ? 1 : 0);
  set("ROW_BITS", p.row_bits);
  set("COLUMN_BITS", p.column_bits);
  set("SUM_BITS", p.sum_bits);
  set("ACC_BITS", p.accumulator_bits);
  set("PLACE_BITS", p.place_bits);
  set("SATURATE", p.saturates ? 1 : 0);
  set("ZERO_GATING", p.zero_gating ? 1 : 0);
  if (!p.output_stationary) {
    set("DOUBLE_BUFFERED", p.double_buffered ? 1 : 0);
  }
  return all;
}

std::vector<std::string> verilator_arguments(const ArrayParameters& p) {
  const std::string module = module_of(p);
  std::vector<std::string> all = {"--cc", "-O3",        "--x-assign",   "fast",   "--x-initial",
                                  "fast", "--noassert", "--prefix",     "Varray", "--Mdir",
                                  ".",    "-I.",        "--top-module", module};
  if (p.form == ArrayParameters::Form::kLoops) {
    // Loops stay loops, which the compiler makes vectors of.
    all.insert(all.end(), {"--unroll-count", "1"});
  } else {
    // Modules stay modules: there are as many copies of a PE as PEs else.
    all.insert(all.end(), {p.form == ArrayParameters::Form::kVcd ? "--trace" : "--trace-fst",
                           "--timescale", "1ps/1ps", "--inline-mult", "1"});
  }
  const std::vector<std::string> parameters = verilog_parameters(p);
  all.insert(all.end(), parameters.begin(), parameters.end());
  all.push_back(module + ".sv");
  return all;
}

// The compiler's, for an array: of one for a waveform, the time goes into the file.
std::vector<std::string> compiler_flags(std::vector<std::string> flags, const ArrayParameters& p) {
  flags.emplace_back(p.form == ArrayParameters::Form::kLoops ? "-O3" : "-O0");
  return flags;
}

// The header that the harness is compiled for an array with.
std::string shape_header(const ArrayParameters& p) {
  return fmt::format(
      "// Written for one array.\n#pragma once\n#include <cstddef>\n"
      "#define POTOMAC_OUTPUT_STATIONARY {}\n#define POTOMAC_TRACE {}\n"
      "namespace potomac::verilog {{\n"
      "inline constexpr std::size_t kRows = {};\ninline constexpr std::size_t kCols = {};\n"
      "inline constexpr bool kFp32 = {};\n"
      "inline constexpr int kRowBits = {};\ninline constexpr int kColumnBits = {};\n"
      "inline constexpr int kSumBits = {};\ninline constexpr int kPlaceBits = {};\n"
      "inline constexpr bool kSaturates = {};\ninline constexpr bool kZeroGating = {};\n"
      "inline constexpr bool kDoubleBuffered = {};\n}}\n",
      p.output_stationary ? 1 : 0, static_cast<int>(p.form), p.shape.rows, p.shape.cols, p.fp32,
      p.row_bits, p.column_bits, p.sum_bits, p.place_bits, p.saturates, p.zero_gating,
      p.double_buffered);
}

std::string description(const ArrayParameters& p) {
  return fmt::format("{} x {} {} array of {}s{}", p.shape.rows, p.shape.cols,
                     p.output_stationary ? "output-stationary" : "stationary",
                     p.fp32 ? "FP32 MAC" : "MF-MAC",
                     p.form == ArrayParameters::Form::kLoops ? "" : ", for a waveform,");
}

// About how long it takes to compile, measured: loops are as many lines for any array, and what all
// arrays share is compiled with the first; modules are copied for each PE.
double seconds_of(const ArrayParameters& p) {
  return p.form == ArrayParameters::Form::kLoops ? 2.0
                                                 : 2.0 + 0.05 * static_cast<double>(p.shape.pes());
}
constexpr double kMostSeconds = 240.0;

// Bits of a product's place in the accumulator, which also holds every sum of two exponents and any
// lowest bit.
int place_bits_of(int row_bits, int column_bits) {
  const int largest = (1 << (row_bits - 2)) + (1 << (column_bits - 2)) + rtl::kMaxAbsLsb;
  int bits = std::max(row_bits, column_bits);
  while ((1 << (bits - 1)) <= largest) {
    ++bits;
  }
  return bits;
}

}  // namespace

ArrayParameters array_parameters(const Job& job) {
  const Architecture& architecture = *job.architecture;
  const PeConfig& pe = architecture.pe;
  ArrayParameters p{.output_stationary = keeps_sums(architecture.dataflow),
                    .double_buffered = !keeps_sums(architecture.dataflow) &&
                                       architecture.issue == Issue::kPipelined,
                    .shape = architecture.array};
  if (job.unit == Unit::kFp32Mac) {
    p.fp32 = true;
    p.row_bits = p.column_bits = p.sum_bits = p.accumulator_bits = 32;
    p.place_bits = 34;
    p.zero_gating = architecture.baseline.zero_gating;
    return p;
  }
  // The first operand's way is wider where lowest bits differ from pass to pass.
  const bool moves_down = keeps_first(architecture.dataflow);
  p.row_bits = pe.operand_bits + (moves_down ? 0 : aligned_bits(pe));
  p.column_bits = pe.operand_bits + (moves_down ? aligned_bits(pe) : 0);
  p.sum_bits = pe.accumulator.bits;
  p.accumulator_bits = job.accumulator.bits;
  p.place_bits = place_bits_of(p.row_bits, p.column_bits);
  p.saturates = job.accumulator.overflow == rtl::Overflow::kSaturate;
  p.zero_gating = pe.zero_gating;
  return p;
}

template <typename Function>
Function* CompiledArray::function(const char* name, const fs::path& library) const {
  void* const found = ::dlsym(library_.get(), name);
  if (found == nullptr) {
    throw MachineError({library.string(), "", fmt::format("has no function {}", name),
                        "delete it, and it is compiled anew"});
  }
  return reinterpret_cast<Function*>(found);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
}

CompiledArray::CompiledArray(const fs::path& library)
    : library_(::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (library_ == nullptr) {
    throw MachineError({library.string(), "",
                        fmt::format("cannot be opened ({})", ::dlerror()),  // NOLINT
                        "delete it, and it is compiled anew"});
  }
  delete_ = function<decltype(potomac_array_delete)>("potomac_array_delete", library);
  reset_ = function<decltype(potomac_array_reset)>("potomac_array_reset", library);
  step_ = function<decltype(potomac_array_step)>("potomac_array_step", library);
  counts_ = function<decltype(potomac_array_counts)>("potomac_array_counts", library);
  pes_ = function<decltype(potomac_array_pes)>("potomac_array_pes", library);
  trace_ = function<decltype(potomac_array_trace)>("potomac_array_trace", library);
  array_ = function<decltype(potomac_array_new)>("potomac_array_new", library)();
}

CompiledArray::~CompiledArray() {
  if (array_ != nullptr) {
    delete_(array_);
  }
}

void CompiledArray::Close::operator()(void* library) const {
  ::dlclose(library);
}

namespace {

// The programs that compile an array, and what their results depend on.
struct Tools {
  std::string verilator;
  std::string verilator_version;
  fs::path verilator_include;
  std::string compiler;
  std::string compiler_version;
  std::vector<std::string> flags;
};

Tools find_tools() {
  Tools found;
  found.verilator =
      variable("POTOMAC_VERILATOR").empty() ? "verilator" : variable("POTOMAC_VERILATOR");
  const auto version = run_child(found.verilator, {"--version"}, ".");
  if (!version || version->status != 0) {
    throw InputError(
        {"", "engine verilog",
         fmt::format("compiles its arrays with Verilator, and there is no '{}'", found.verilator),
         std::string(kPackages)});
  }
  found.verilator_version = first_line(version->output);
  if (!found.verilator_version.starts_with(std::string(kTestedVerilator) + " ")) {
    throw InputError({"", "engine verilog",
                      fmt::format("is tested with {}, and this is '{}'", kTestedVerilator,
                                  found.verilator_version),
                      "set POTOMAC_VERILATOR to a program of that version"});
  }
  const auto root = run_child(found.verilator, {"--getenv", "VERILATOR_ROOT"}, ".");
  found.verilator_include = fs::path(root ? first_line(root->output) : "") / "include";
  found.compiler = variable("CXX").empty() ? "c++" : variable("CXX");
  const auto compiler = run_child(found.compiler, {"--version"}, ".");
  if (!compiler || compiler->status != 0) {
    throw InputError({"", "engine verilog",
                      fmt::format("compiles its arrays with a C++ compiler, and there is no '{}'",
                                  found.compiler),
                      "install one (g++), or set CXX to it"});
  }
  // Homes are shared by machines of several kinds.
  const auto target = run_child(found.compiler, {"-dumpmachine"}, ".");
  found.compiler_version =
      fmt::format("{}, {}", first_line(compiler->output), target ? first_line(target->output) : "");
  found.flags = {"-std=c++20", "-fPIC", "-w", "-ffp-contract=off"};
  for (std::string& flag : machine_flags()) {
    found.flags.push_back(std::move(flag));
  }
  return found;
}

// Looked for once in a process.
const Tools& tools() {
  static const Tools found = find_tools();
  return found;
}

}  // namespace

void require_compilable(const ArrayParameters& parameters) {
  const double seconds = seconds_of(parameters);
  if (seconds > kMostSeconds) {
    throw InputError({"", "array",
                      fmt::format("the {} would take some {:.0f} minutes to compile",
                                  description(parameters), std::ceil(seconds / 60.0)),
                      "take a smaller array, or SystemC's waveform: --engine systemc"});
  }
}

std::filesystem::path ArrayCompiler::library(const ArrayParameters& parameters) {
  require_compilable(parameters);
  const Tools& with = tools();
  if (compilation_.cache.empty()) {
    compilation_.cache = user_cache();
  }
  Sha256 digest;
  const auto add = [&digest](std::string_view text) {
    digest.add(fmt::format("{}:", text.size()));
    digest.add(text);
  };
  add(with.verilator_version);
  add(with.compiler_version);
  add(fmt::format("{}", fmt::join(compiler_flags(with.flags, parameters), " ")));
  add(shape_header(parameters));
  add(fmt::format("{}", fmt::join(verilator_arguments(parameters), " ")));
  for (const SourceFile& source : compilation_.sources) {
    add(source.name);
    add(source.text);
  }
  fs::path library = compilation_.cache / (hex_of(digest.take()) + ".so");
  std::error_code error;
  if (!fs::exists(library, error)) {
    if (compilation_.say) {
      compilation_.say(fmt::format(
          "compiling the {} with Verilator: some {:.0f} s, once; kept in {}",
          description(parameters), std::ceil(seconds_of(parameters)), compilation_.cache.string()));
    }
    compile(parameters, library);
  }
  return library;
}

namespace {

void require_success(const std::optional<ChildResult>& result, const std::string& program,
                     const ArrayParameters& parameters) {
  if (!result || result->status != 0) {
    throw MachineError({"", program,
                        fmt::format("could not compile the {}: {}", description(parameters),
                                    result ? complaint(result->output) : "it is gone"),
                        "see whether it compiles anything, and whether the disk is full"});
  }
}

}  // namespace

void ArrayCompiler::compile(const ArrayParameters& parameters, const fs::path& library) {
  const Tools& with = tools();
  const BuildFolder build(compilation_.cache);
  std::vector<NamedContent> files;
  for (const SourceFile& source : compilation_.sources) {
    files.push_back({build.path() / source.name, source.text});
  }
  files.push_back({build.path() / "array_shape.hpp", shape_header(parameters)});
  write_files_atomically(files);

  std::vector<std::string> arguments = verilator_arguments(parameters);
  require_success(run_child(with.verilator, arguments, build.path()), with.verilator, parameters);

  // All in one: most of the time goes into reading Verilator's headers.
  std::vector<std::string> generated;
  for (const fs::directory_entry& entry : fs::directory_iterator(build.path())) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("Varray") && name.ends_with(".cpp")) {
      generated.push_back(name);
    }
  }
  std::ranges::sort(generated);
  std::string all = "#include \"array.cpp\"\n";
  for (const std::string& name : generated) {
    all += fmt::format("#include \"{}\"\n", name);
  }
  write_file_atomically(build.path() / "all.cpp", all);
  arguments = compiler_flags(with.flags, parameters);
  arguments.insert(arguments.end(),
                   {"-I.", "-I" + with.verilator_include.string(),
                    "-I" + (with.verilator_include / "vltstd").string(), "-shared", "all.cpp",
                    runtime(parameters, build.path()).string(), "-o", "array.so", "-lpthread"});
  if (parameters.form == ArrayParameters::Form::kFst) {
    arguments.emplace_back("-lz");
  }
  require_success(run_child(with.compiler, arguments, build.path()), with.compiler, parameters);
  fs::rename(build.path() / "array.so", library);
}

// What Verilator's models all call, compiled once.
std::filesystem::path ArrayCompiler::runtime(const ArrayParameters& parameters,
                                             const fs::path& folder) const {
  const Tools& with = tools();
  constexpr std::array<std::string_view, 3> kFormats = {"", "#include \"verilated_vcd_c.cpp\"\n",
                                                        "#include \"verilated_fst_c.cpp\"\n"};
  const std::string text =
      fmt::format("#include \"verilated.cpp\"\n#include \"verilated_threads.cpp\"\n{}",
                  kFormats.at(static_cast<std::size_t>(parameters.form)));
  fs::path object =
      compilation_.cache /
      fmt::format("runtime-{}.o",
                  sha256_of(fmt::format("{}\n{}\n{}\n{}", with.verilator_version,
                                        with.compiler_version, fmt::join(with.flags, " "), text)));
  if (!fs::exists(object)) {
    write_file_atomically(folder / "runtime.cpp", text);
    std::vector<std::string> arguments = with.flags;
    const bool loops = parameters.form == ArrayParameters::Form::kLoops;
    arguments.insert(arguments.end(),
                     {loops ? "-O1" : "-O0", "-I" + with.verilator_include.string(),
                      "-I" + (with.verilator_include / "vltstd").string(), "-c", "runtime.cpp",
                      "-o", "runtime.o"});
    require_success(run_child(with.compiler, arguments, folder), with.compiler, parameters);
    fs::rename(folder / "runtime.o", object);
  }
  return object;
}

}  // namespace potomac::sim
