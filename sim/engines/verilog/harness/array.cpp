// The library that an array becomes: what Verilator made of it, with its monitor, behind
// array_interface.hpp. Compiled on demand (verilog/compiled_array.hpp), not with the program.
#include <Varray.h>
#include <Varray___024root.h>
#include <verilated.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include <array_interface.hpp>
#include <array_shape.hpp>
#if POTOMAC_TRACE
#include <no_monitor.hpp>
#elif POTOMAC_OUTPUT_STATIONARY
#include <output_stationary_monitor.hpp>
#else
#include <stationary_monitor.hpp>
#endif
#if POTOMAC_TRACE == 1
#include <verilated_vcd_c.h>
#elif POTOMAC_TRACE == 2
#include <verilated_fst_c.h>
#endif

namespace potomac::verilog {
namespace {

// Writes words of `bits` each into a port, from its low end on; those that are not there are 0.
template <typename Port, typename Word>
void put_lanes(Port& port, const Word* lanes, std::size_t count, unsigned bits) {
  std::array<std::uint32_t, (sizeof(Port) + 3) / 4 + 2> words{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i, at += bits) {
    const auto field = static_cast<std::uint64_t>(lanes[i]) & (~std::uint64_t{0} >> (64 - bits));
    const unsigned shift = at % 32;
    words[at / 32] |= static_cast<std::uint32_t>(field << shift);
    // What does not fit there lies in the one or two words above.
    const std::uint64_t above = field >> (32 - shift);
    if (bits + shift > 32) {
      words[at / 32 + 1] |= static_cast<std::uint32_t>(above);
    }
    if (bits + shift > 64) {
      words[at / 32 + 2] |= static_cast<std::uint32_t>(above >> 32U);
    }
  }
  if constexpr (std::is_integral_v<Port>) {
    port = static_cast<Port>(words[0] | (std::uint64_t{words[1]} << 32U));
  } else {
    std::copy_n(words.begin(), sizeof(port.m_storage) / 4, port.m_storage);
  }
}

// Sets the lowest `count` bits of a port, and no others.
template <typename Port>
void set_lowest(Port& port, std::size_t count) {
  if constexpr (std::is_integral_v<Port>) {
    port = static_cast<Port>(count == 0 ? 0 : ~std::uint64_t{0} >> (64 - count));
  } else {
    for (std::size_t word = 0; word < sizeof(port.m_storage) / 4; ++word) {
      const std::size_t left = count > 32 * word ? std::min<std::size_t>(count - 32 * word, 32) : 0;
      port.m_storage[word] = left == 0 ? 0 : ~std::uint32_t{0} >> (32 - left);
    }
  }
}

template <typename Port>
std::uint64_t bits_at(const Port& port, std::size_t at, unsigned bits) {
  std::uint64_t field = 0;
  if constexpr (std::is_integral_v<Port>) {
    field = std::uint64_t{port} >> at;
  } else {
    const unsigned shift = at % 32;
    const std::size_t word = at / 32;
    field = std::uint64_t{port.m_storage[word]} >> shift;
    if (shift + bits > 32) {
      field |= std::uint64_t{port.m_storage[word + 1]} << (32 - shift);
    }
    if (shift + bits > 64) {
      field |= std::uint64_t{port.m_storage[word + 2]} << (64 - shift);
    }
  }
  return field & (~std::uint64_t{0} >> (64 - bits));
}

#if POTOMAC_TRACE
#if POTOMAC_TRACE == 1
using TraceFile = VerilatedVcdC;
#else
using TraceFile = VerilatedFstC;
#endif

// Writes the array's signals around each edge of a window.
class Tracer {
 public:
  explicit Tracer(VerilatedContext& context) { context.traceEverOn(true); }

  void open(Varray& model, const ArrayWaveform& waveform) {
    waveform_ = waveform;
    edge_ = 0;
    file_ = std::make_unique<TraceFile>();
    model.trace(file_.get(), 99);
    file_->open(waveform.file);
  }
  // Before the edge, with the clock low and the inputs there; behind it.
  void dump(bool behind) {
    if (file_ && edge_ >= waveform_.begin && edge_ < waveform_.end) {
      file_->dump((2 * edge_ + (behind ? 1 : 0)) * waveform_.period_ps / 2);
    }
    edge_ += behind ? 1 : 0;
  }
  void close() {
    if (file_) {
      file_->close();
    }
  }

 private:
  ArrayWaveform waveform_;
  std::unique_ptr<TraceFile> file_;
  std::uint64_t edge_ = 0;
};
#else
class Tracer {
 public:
  explicit Tracer(VerilatedContext& /*context*/) {}
  void open(Varray& /*model*/, const ArrayWaveform& /*waveform*/) {}
  void dump(bool /*behind*/) {}
  void close() {}
};
#endif

class Array {
 public:
  Array()
      : tracer_(context_), model_(std::make_unique<Varray>(&context_)), monitor_(*model_->rootp) {}
  ~Array() {
    model_->final();
    tracer_.close();
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  void reset(std::int32_t lsb, ArrayWatch watch) {
    model_->reset = 1;
    set_lsb(lsb);
    do_edge();
    model_->reset = 0;
    monitor_.reset(lsb, watch);
  }

  ArrayOutput step(const ArrayEdge& edge) {
    set_lowest(model_->west_valid, edge.west_lanes);
    put_lanes(model_->west, edge.west, edge.west_lanes, kRowBits);
    set_inputs(edge);
    monitor_.before_edge(edge);
    do_edge();
    monitor_.behind_edge();
    return output();
  }

  void trace(const ArrayWaveform& waveform) { tracer_.open(*model_, waveform); }

  const ArrayCounts& counts() const { return monitor_.counts(); }
  const PeCounts* pes() const { return monitor_.pes().empty() ? nullptr : monitor_.pes().data(); }

 private:
  void set_lsb(std::int32_t lsb) {
    using Port = std::remove_reference_t<decltype(model_->lsb)>;
    model_->lsb =
        static_cast<Port>(static_cast<std::uint32_t>(lsb) & ((std::uint64_t{1} << kPlaceBits) - 1));
  }

  void do_edge() {
    model_->clk = 0;
    model_->eval();
    tracer_.dump(false);
    model_->clk = 1;
    model_->eval();
    tracer_.dump(true);
  }

#if POTOMAC_OUTPUT_STATIONARY
  void set_inputs(const ArrayEdge& edge) {
    set_lowest(model_->north_valid, edge.north_lanes);
    put_lanes(model_->north, edge.north, edge.north_lanes, kColumnBits);
    model_->north_first = edge.first ? 1 : 0;
    model_->north_last = edge.last ? 1 : 0;
  }
  bool leaves(std::size_t c) const {
    return (bits_at(model_->result_shifts, c, 1) & bits_at(model_->result_valid, c, 1)) != 0;
  }
  const auto& leaving() const {
    return model_->result;
  }
#else
  void set_inputs(const ArrayEdge& edge) {
    model_->west_first = edge.first ? 1 : 0;
    set_lowest(model_->tile_valid, edge.north_lanes);
    put_lanes(model_->tile, edge.north, edge.north_lanes, kColumnBits);
    model_->tile_moves = edge.moves ? 1 : 0;
    model_->tile_settles = edge.settles ? 1 : 0;
    put_lanes(model_->top_valid, edge.top_valid, kCols, 1);
    put_lanes(model_->top, edge.top, kCols, kSumBits);
  }
  bool leaves(std::size_t c) const {
    return bits_at(model_->bottom_valid, c, 1) != 0;
  }
  const auto& leaving() const {
    return model_->bottom;
  }
#endif

  ArrayOutput output() {
    for (std::size_t c = 0; c < kCols; ++c) {
      valid_[c] = leaves(c) ? 1 : 0;
      if (valid_[c] != 0) {
        constexpr unsigned kSpare = 64 - kSumBits;
        const std::uint64_t field = bits_at(leaving(), c * kSumBits, kSumBits);
        value_[c] = static_cast<std::int64_t>(field << kSpare) >> kSpare;
        turns_[c] = monitor_.turns_out(c);
      }
    }
    return {value_.data(), turns_.data(), valid_.data()};
  }

  VerilatedContext context_;
  Tracer tracer_;
  std::unique_ptr<Varray> model_;
  Monitor<Varray___024root> monitor_;
  std::array<std::int64_t, kCols> value_{};
  std::array<std::int32_t, kCols> turns_{};
  std::array<std::uint8_t, kCols> valid_{};
};

}  // namespace
}  // namespace potomac::verilog

using potomac::verilog::Array;

extern "C" {
void* potomac_array_new() {
  return std::make_unique<Array>().release();
}
void potomac_array_delete(void* array) {
  const std::unique_ptr<Array> ends(static_cast<Array*>(array));
}
void potomac_array_reset(void* array, std::int32_t lsb, potomac::verilog::ArrayWatch watch) {
  static_cast<Array*>(array)->reset(lsb, watch);
}
void potomac_array_step(void* array, const potomac::verilog::ArrayEdge* edge,
                        potomac::verilog::ArrayOutput* output) {
  *output = static_cast<Array*>(array)->step(*edge);
}
void potomac_array_trace(void* array, const potomac::verilog::ArrayWaveform* waveform) {
  static_cast<Array*>(array)->trace(*waveform);
}
void potomac_array_counts(const void* array, potomac::verilog::ArrayCounts* counts) {
  *counts = static_cast<const Array*>(array)->counts();
}
const potomac::verilog::PeCounts* potomac_array_pes(const void* array) {
  return static_cast<const Array*>(array)->pes();
}
}
