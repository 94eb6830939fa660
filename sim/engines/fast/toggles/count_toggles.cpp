#include "sim/engines/fast/toggles/count_toggles.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "rtl_models/arithmetic/fp32_mac.hpp"
#include "rtl_models/arithmetic/mf_mac.hpp"
#include "sim/engines/fast/toggles/operand_toggles.hpp"
#include "sim/engines/fast/toggles/sum_toggles.hpp"
#include "sim/engines/interface/dequantize.hpp"
#include "sim/engines/interface/widening.hpp"

namespace potomac::sim {
namespace {

// The words of a pass's two operands, by code.
template <typename Word>
struct PassWords {
  std::array<Word, 256> first;
  std::array<Word, 256> second;
};

// Calls body(gemm, ranges) for each block of each GEMM, in the order of the schedule. Registers see
// a pass as the sequence of these.
template <typename Body>
void for_each_block(const Job& job, const Body& body) {
  std::int64_t number = 0;
  for (std::size_t i = 0; i < job.schedule->gemms().size(); ++i) {
    for (std::int64_t copy = 0; copy < job.schedule->gemms()[i].count; ++copy, ++number) {
      const workloads::Gemm gemm = job.operands->gemm(number);
      BlockWalk blocks(extents_of(job.schedule->gemms()[i]), job.schedule->fold_blocking(i));
      do {
        body(gemm, blocks.block());
      } while (blocks.next());
    }
  }
}

template <typename Word, typename Arithmetic>
energy::RegisterToggles count(const Job& job, const PassWords<Word>& words,
                              const Arithmetic& arithmetic, const ToggleTables<Arithmetic>& tables,
                              const MacsDone& done, WorkerPool& pool) {
  const ArrayShape array = job.schedule->array();
  const Dataflow dataflow = job.schedule->dataflow();
  energy::RegisterToggles toggles;
  if (keeps_sums(dataflow)) {
    StreamToggles<Word> rows(array.rows, array.cols);
    StreamToggles<Word> columns(array.cols, array.rows);
    AccumulatorToggles<Arithmetic> sums(arithmetic, array);
    for_each_block(job, [&](const workloads::Gemm& gemm, const ByIndex<Range>& ranges) {
      const workloads::Gemm block = block_of(gemm, ranges);
      rows.add_each(passages_of_rows<Word>({block.first, words.first}, pool),
                    ceil_div(block.n, array.cols), toggles);
      columns.add_all(passages_of_rows<Word>({block.second, words.second}, pool),
                      ceil_div(block.m, array.rows), toggles);
      sums.add(block, tables, done, pool, toggles);
    });
    return toggles;
  }
  StreamToggles<Word> rows(array.rows, array.cols);
  TileToggles<Word> tiles(array, job.architecture->issue == Issue::kPipelined);
  PartialSumToggles<Arithmetic> sums(arithmetic, array);
  for_each_block(job, [&](workloads::Gemm gemm, ByIndex<Range> ranges) {
    // From here on the first operand streams, and the second one stays.
    if (keeps_first(dataflow)) {
      std::swap(gemm.first, gemm.second);
      std::swap(gemm.m, gemm.n);
      std::swap(ranges[Index::kM], ranges[Index::kN]);
    }
    const workloads::Gemm block = block_of(gemm, ranges);
    rows.add_all(passages_of_depths<Word>({block.first, words.first}, pool),
                 ceil_div(block.n, array.cols), toggles);
    tiles.add({block.second, words.second}, pool, toggles);
    sums.add(gemm, ranges, tables, done, pool, toggles);
  });
  return toggles;
}

// Operands in the order in which count() wants them.
template <typename T>
std::pair<T, T> in_roles(const Job& job, T first, T second) {
  return keeps_first(job.schedule->dataflow()) ? std::pair(std::move(second), std::move(first))
                                               : std::pair(std::move(first), std::move(second));
}

// starts[256 * first + second] = start(first, second).
template <typename Word, typename Start>
std::vector<Word> starts_of(rtl::PotFormat first, rtl::PotFormat second, const Start& start) {
  std::vector<Word> starts(std::size_t{256} * 256);
  for (int a = 0; a < first.code_count(); ++a) {
    for (int b = 0; b < second.code_count(); ++b) {
      starts[static_cast<std::size_t>(256 * a + b)] =
          start(static_cast<rtl::PotCode>(a), static_cast<rtl::PotCode>(b));
    }
  }
  return starts;
}

template <typename Arithmetic>
energy::RegisterToggles count_mf_mac(const Job& job, const Arithmetic& arithmetic,
                                     const MacsDone& done, WorkerPool& pool) {
  using Sum = typename Arithmetic::Sum;
  const rtl::PotFormat format(job.architecture->pe.operand_bits);
  const auto [first, second] =
      in_roles(job, job.operands->first().format(), job.operands->second().format());
  const PassWords<std::uint8_t> codes{widening(first, format), widening(second, format)};
  const auto start = [&](rtl::PotCode a, rtl::PotCode b) {
    const rtl::MfMacStep step =
        rtl::mf_mac(job.accumulator, format, true, 0, codes.first[a], codes.second[b]);
    return word_of(static_cast<Sum>(step.value), arithmetic.bits);
  };
  const ToggleTables<Arithmetic> tables{Arithmetic::table(first), Arithmetic::table(second),
                                        starts_of<SumWord<Sum>>(first, second, start)};
  if (aligned_bits(job.architecture->pe) == 0) {
    return count(job, codes, arithmetic, tables, done, pool);
  }
  PassWords<std::uint32_t> words{};
  const bool swapped = keeps_first(job.schedule->dataflow());
  std::ranges::copy(aligned_words(aligned_format(job), swapped ? codes.second : codes.first),
                    (swapped ? words.second : words.first).begin());
  std::ranges::copy(swapped ? codes.first : codes.second,
                    (swapped ? words.first : words.second).begin());
  return count(job, words, arithmetic, tables, done, pool);
}

energy::RegisterToggles count_fp32(const Job& job, const MacsDone& done, WorkerPool& pool) {
  const auto values_of = [](const workloads::QuantizedTensor& tensor) {
    return dequantized_values(tensor.format(), tensor.beta);
  };
  const auto words_of = [](const std::array<float, 256>& values) {
    return std::bit_cast<std::array<std::uint32_t, 256>>(values);
  };
  const auto [first, second] =
      in_roles(job, job.operands->first().format(), job.operands->second().format());
  // Named, since a lambda cannot take hold of a structured binding.
  const auto values =
      in_roles(job, values_of(job.operands->first()), values_of(job.operands->second()));
  const std::array<float, 256>& first_values = values.first;
  const std::array<float, 256>& second_values = values.second;
  // A sum of products that are at most 2^top each: 2^100 of them are more than a GEMM has.
  const int top = first.e_max() + second.e_max() + job.operands->scale_exponent();
  const Fp32Toggles arithmetic{.finite = top < 126 - 64};
  const auto start = [&](rtl::PotCode a, rtl::PotCode b) {
    return word_of(rtl::fp32_mac(0.0F, first_values[a], second_values[b]), 32);
  };
  return count(
      job, PassWords<std::uint32_t>{words_of(first_values), words_of(second_values)}, arithmetic,
      {first_values, second_values, starts_of<std::uint32_t>(first, second, start)}, done, pool);
}

}  // namespace

energy::RegisterToggles count_toggles(const Job& job, bool overflows, const MacsDone& done,
                                      WorkerPool& pool) {
  if (job.unit == Unit::kFp32Mac) {
    return count_fp32(job, done, pool);
  }
  const int bits = job.architecture->pe.accumulator.bits;
  const bool plain = !overflows || (job.accumulator.overflow == rtl::Overflow::kWrap &&
                                    job.accumulator.bits == bits);
  const rtl::PotFormat first = job.operands->first().format();
  const rtl::PotFormat second = job.operands->second().format();
  if (plain && bits <= 32 && job.accumulator.lsb == rtl::exact_lsb(first, second) &&
      Dot16Path::serves(first, second, job.accumulator)) {
    return count_mf_mac(job, Dot16Toggles{bits}, done, pool);
  }
  if (bits <= 32) {
    return count_mf_mac(job, ShiftToggles<std::int32_t>{job.accumulator, bits}, done, pool);
  }
  return count_mf_mac(job, ShiftToggles<std::int64_t>{job.accumulator, bits}, done, pool);
}

}  // namespace potomac::sim
