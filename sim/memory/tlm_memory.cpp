#include "sim/memory/tlm_memory.hpp"

#include <fmt/format.h>
#include <tlm.h>
#include <tlm_utils/multi_passthrough_target_socket.h>
#include <tlm_utils/simple_initiator_socket.h>

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <systemc>
#include <utility>

#include "sim/memory/pass_memory.hpp"
#include "sim/memory/tile_cursor.hpp"

namespace potomac::sim {
namespace {

// What a transaction moves (a payload counts bytes, and has one address), and the cycle in which it
// begins.
struct TransferDetails : tlm::tlm_extension<TransferDetails> {
  DramRequest request;
  std::int64_t cycle = 0;

  tlm::tlm_extension_base* clone() const override {
    return new TransferDetails(*this);  // NOLINT(cppcoreguidelines-owning-memory)
  }
  void copy_from(const tlm::tlm_extension_base& other) override {
    *this = dynamic_cast<const TransferDetails&>(other);
  }
};

// DRAM, its controllers and its bus. A transaction is annotated with the time till all of it has
// passed the bus; whoever asked may ask again before that.
class DramModule : public sc_core::sc_module {
 public:
  tlm_utils::multi_passthrough_target_socket<DramModule> socket{"socket"};

  DramModule(const sc_core::sc_module_name& name, const sc_core::sc_time& period)
      : sc_module(name), period_(period) {
    socket.register_b_transport(this, &DramModule::b_transport);
  }

  void start(const MemoryJob& job) {
    dram_.emplace(*job.architecture, *job.schedule, job.operands, job.bits);
  }

 private:
  void b_transport(int /*from*/, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    const TransferDetails& details = *payload.get_extension<TransferDetails>();
    const std::int64_t end = dram_->transfer(details.cycle, details.request);
    delay += period_ * static_cast<double>(end - details.cycle);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  }

  sc_core::sc_time period_;
  std::optional<Dram> dram_;
};

// One scratchpad and the DMA engine that fills and empties it.
class ScratchpadModule : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<ScratchpadModule> socket{"socket"};

  ScratchpadModule(const sc_core::sc_module_name& name, const sc_core::sc_time& period)
      : sc_module(name), period_(period) {}

  void start() {
    loading_.clear();
    storing_.clear();
    blocks_ = 0;
    stored_ = 0;
  }

  // Begins to bring a block, or to take one away: it was asked for in cycle `asked`.
  void begin(std::int64_t asked, const DramRequest& request) {
    (request.write ? storing_ : loading_).push_back(transfer(asked, request));
  }

  // Takes note of what is over by that cycle.
  void advance(std::int64_t now) {
    for (; !loading_.empty() && loading_.front() <= now; loading_.pop_front()) {
      ++blocks_;
    }
    for (; !storing_.empty() && storing_.front() <= now; storing_.pop_front()) {
      ++stored_;
    }
  }

  std::int64_t blocks() const { return blocks_; }  // that have been brought
  std::int64_t stored() const { return stored_; }  // that have been taken away
  bool busy() const { return !loading_.empty() || !storing_.empty(); }

 private:
  // The cycle from which on it is over.
  std::int64_t transfer(std::int64_t asked, const DramRequest& request) {
    tlm::tlm_generic_payload payload;
    TransferDetails details;
    details.request = request;
    details.cycle = asked;
    payload.set_command(request.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    payload.set_data_length(
        static_cast<unsigned>(std::min<std::int64_t>((request.bits + 7) / 8, 1 << 30)));
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    payload.set_extension(&details);
    sc_core::sc_time delay;
    socket->b_transport(payload, delay);
    payload.clear_extension(&details);
    return asked + static_cast<std::int64_t>(delay.value() / period_.value());
  }

  sc_core::sc_time period_;
  std::deque<std::int64_t> loading_;  // the cycle in which each is over
  std::deque<std::int64_t> storing_;
  std::int64_t blocks_ = 0;
  std::int64_t stored_ = 0;
};

// Lets DMA engines ask for their transfers in the order of the program, each as of when what it
// waits for was there, and the array go on when the scratchpads have what its step needs. It works
// between the array's edges: what the array does at the edge that ends cycle c is known in cycle c
// + 1.
class MemorySystem : public sc_core::sc_module, public SystemModules, public Pace {
 public:
  MemorySystem(const sc_core::sc_module_name& name, sc_core::sc_clock& clock, TransferOrder order)
      : sc_module(name),
        order_(std::move(order)),
        dram_("dram", clock.period()),
        first_("first", clock.period()),
        second_("second", clock.period()),
        results_("results", clock.period()) {
    for (ScratchpadModule* scratchpad : {&first_, &second_, &results_}) {
      scratchpad->socket.bind(dram_.socket);
    }
    SC_HAS_PROCESS(MemorySystem);
    SC_METHOD(on_cycle);
    sensitive << clock.negedge_event();
    dont_initialize();
  }

  Pace* begin(Pace* pace) override {
    job_ = pace == nullptr ? nullptr : pace->memory();
    if (job_ == nullptr) {
      return pace;
    }
    const Architecture& architecture = *job_->architecture;
    os_ = keeps_sums(architecture.dataflow);
    ws_ = keeps_second(architecture.dataflow);
    halves_ = architecture.memory->results.double_buffered ? 2 : 1;
    latency_ = results_latency(architecture.array, architecture.dataflow);
    dram_.start(*job_);
    for (ScratchpadModule* scratchpad : {&first_, &second_, &results_}) {
      scratchpad->start();
    }
    cursor_.emplace(*job_->schedule, architecture.issue, job_->operands, job_->bits);
    program_.emplace(architecture, *job_->schedule, job_->operands, job_->bits,
                     order_(architecture));
    state_ = {};
    return this;
  }

  void end() override {
    if (job_ == nullptr) {
      return;
    }
    const StallCycles& planned = *std::exchange(job_, nullptr)->planned;
    if (!state_.deadlock.empty()) {
      throw std::logic_error(state_.deadlock);
    }
    if (!(state_.stalls == planned)) {
      throw std::logic_error(fmt::format(
          "the memory's modules held the array back for {} + {} + {} cycles, the plan says {} + "
          "{} + {}",
          state_.stalls.first, state_.stalls.second, state_.stalls.results, planned.first,
          planned.second, planned.results));
    }
  }

  bool may_step(const ArrayStep& step) override {
    begin_cycles();
    while (const std::optional<Intake> intake = cursor_->intake(step)) {
      if (!may_pass(*intake)) {
        return false;
      }
      const TileDemand& tile = cursor_->tile();
      if (*intake == Intake::kRows) {
        take(state_.stationary, of_stationary(tile));
      } else {
        take(state_.first, tile.first);
        take(state_.second, tile.second);
        take(state_.sums, tile.results);
        state_.results += tile.results.is_new ? 1 : 0;
        state_.tile += 1;
      }
      cursor_->pass();
      state_.waiting_since.reset();
    }
    if (cursor_->takes_last_row(step)) {
      state_.rows_taken.push_back(state_.now + 1);
    }
    if (cursor_->takes_last_slot(step)) {
      state_.slots_taken.push_back(state_.now + 1);
      state_.completed.push_back(state_.now + latency_);
    }
    return true;
  }

  bool may_end(std::uint64_t /*cycle*/) override {
    begin_cycles();
    return program_->done() && !results_.busy()
               ? true
               : wait("its last results in DRAM", state_.stalls.results);
  }

 private:
  // The pass in hand.
  struct State {
    bool begun = false;
    std::int64_t now = 0;  // the cycle in hand
    // Blocks that the array has taken up: all of the results', else those that were read.
    std::int64_t stationary = 0, first = 0, second = 0, sums = 0, results = 0;
    std::int64_t tile = 0;  // that it takes next
    // From which cycle on the array has taken the last row, the last slot of each tile, and its
    // results are complete.
    std::vector<std::int64_t> rows_taken, slots_taken, completed;
    std::int64_t head_since = 0;  // since when the next transfer is the next
    std::optional<std::int64_t> waiting_since;
    StallCycles stalls;
    std::string deadlock;
  };

  static bool is_read(const BlockDemand& block) { return block.is_new && block.bits > 0; }
  static void take(std::int64_t& taken, const BlockDemand& block) {
    taken += is_read(block) ? 1 : 0;
  }

  const BlockDemand& of_stationary(const TileDemand& tile) const {
    return ws_ ? tile.second : tile.first;
  }

  // The pass begins with the first cycle in which the array asks.
  void begin_cycles() {
    if (!state_.begun) {
      state_.begun = true;
      transfer();
    }
  }

  void on_cycle() {
    if (job_ == nullptr || !state_.begun) {
      return;
    }
    state_.now += 1;
    for (ScratchpadModule* scratchpad : {&first_, &second_, &results_}) {
      scratchpad->advance(state_.now);
    }
    transfer();
  }

  void transfer() {
    for (; !program_->done(); program_->next()) {
      const Transfer& next = program_->now();
      const std::optional<std::int64_t> asked = asked_in(next);
      if (!asked) {
        break;
      }
      engine_of(next.kind).begin(*asked, request_of(next));
      state_.head_since = state_.now;
    }
  }

  ScratchpadModule& engine_of(TransferKind kind) {
    return kind == TransferKind::kLoadFirst    ? first_
           : kind == TransferKind::kLoadSecond ? second_
                                               : results_;
  }

  bool is_stationary(TransferKind load) const {
    return !os_ && (load == TransferKind::kLoadSecond) == ws_;
  }

  // The cycle in which a transfer could be asked for, unless it still has to wait.
  std::optional<std::int64_t> asked_in(const Transfer& next) const {
    if (next.waits_for == 0) {
      return 0;
    }
    const bool is_load =
        next.kind == TransferKind::kLoadFirst || next.kind == TransferKind::kLoadSecond;
    const std::vector<std::int64_t>& events = !is_load                   ? state_.completed
                                              : is_stationary(next.kind) ? state_.rows_taken
                                                                         : state_.slots_taken;
    const auto number = static_cast<std::size_t>(next.waits_for - 1);
    return number < events.size() && events[number] <= state_.now ? std::optional(events[number])
                                                                  : std::nullopt;
  }

  bool may_pass(Intake intake) {
    const TileDemand& tile = cursor_->tile();
    const auto has = [](const ScratchpadModule& scratchpad, std::int64_t taken,
                        const BlockDemand& block) {
      return scratchpad.blocks() >= taken + (is_read(block) ? 1 : 0);
    };
    if (intake == Intake::kRows) {
      if (has(ws_ ? second_ : first_, state_.stationary, of_stationary(tile))) {
        return true;
      }
      return ws_ ? wait("the second operand", state_.stalls.second)
                 : wait("the first operand", state_.stalls.first);
    }
    if ((os_ || ws_) && !has(first_, state_.first, tile.first)) {
      return wait("the first operand", state_.stalls.first);
    }
    if (!ws_ && !has(second_, state_.second, tile.second)) {
      return wait("the second operand", state_.stalls.second);
    }
    const bool has_room = !tile.results.is_new || results_.stored() > state_.results - halves_;
    return (has_room && has(results_, state_.sums, tile.results)) ||
           wait("room for the results", state_.stalls.results);
  }

  // Has the array wait in this cycle, and returns false.
  bool wait(const char* what, std::uint64_t& stall) {
    stall += 1;
    if (!state_.waiting_since) {
      state_.waiting_since = state_.now;
    }
    const bool something_comes =
        first_.busy() || second_.busy() || results_.busy() ||
        (!state_.completed.empty() && state_.completed.back() > state_.now);
    if (!something_comes && state_.deadlock.empty()) {
      state_.deadlock =
          fmt::format("deadlock in cycle {}: the array waits for {} of tile {} since cycle {}; {}",
                      state_.now, what, state_.tile, *state_.waiting_since, head_text());
      sc_core::sc_pause();
    }
    return false;
  }

  std::string head_text() const {
    if (program_->done()) {
      return "DMA has nothing left to do";
    }
    const Transfer& head = program_->now();
    std::string until;
    switch (head.kind) {
      case TransferKind::kLoadFirst:
      case TransferKind::kLoadSecond:
        until = fmt::format("the array has taken the last {} of tile {}",
                            is_stationary(head.kind) ? "row" : "slot", head.waits_for - 1);
        break;
      case TransferKind::kStoreResults:
      case TransferKind::kLoadSums:
        until = fmt::format("the results of tile {} are complete", head.waits_for - 1);
        break;
    }
    return fmt::format("DMA waits since cycle {} with {}, until {}", state_.head_since,
                       describe(head), until);
  }

  TransferOrder order_;
  DramModule dram_;
  ScratchpadModule first_, second_, results_;
  const MemoryJob* job_ = nullptr;
  std::optional<TileCursor> cursor_;
  std::optional<TransferProgram> program_;
  bool os_ = true;
  bool ws_ = false;
  std::int64_t halves_ = 2;  // of the results' scratchpad
  std::int64_t latency_ = 0;
  State state_;
};

}  // namespace

MakeSystemModules memory_modules(const TransferOrder& order) {
  return [order](sc_core::sc_clock& clock) {
    return std::make_unique<MemorySystem>("memory", clock, order);
  };
}

std::unique_ptr<Engine> make_engine_with_memory(std::string_view engine, WorkerPool& pool,
                                                const TransferOrder& order, const Say& say) {
  return engine_named(engine).make({pool, memory_modules(order), say});
}

}  // namespace potomac::sim
