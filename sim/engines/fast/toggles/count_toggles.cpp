#include "sim/engines/fast/toggles/count_toggles.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "rtl_models/arithmetic/mf_mac.hpp"
#include "sim/engines/fast/toggles/operand_toggles.hpp"
#include "sim/engines/fast/toggles/sum_toggles.hpp"
#include "sim/engines/interface/widening.hpp"

namespace potomac::sim {
namespace {

// The words of a pass's two operands.
template <typename T>
struct PassWords {
  using Words = T;
  Words first;
  Words second;
};

// Calls body(gemm, ranges) for each block of each GEMM, in the order of the schedule. Registers see
// a pass as the sequence of these.
template <typename Operand, typename Body>
void for_each_block(const Job& job, const Body& body) {
  std::int64_t number = 0;
  for (std::size_t i = 0; i < job.schedule->gemms().size(); ++i) {
    for (std::int64_t copy = 0; copy < job.schedule->gemms()[i].count; ++copy, ++number) {
      const auto gemm = job.operands->gemm_of<Operand>(number);
      BlockWalk blocks(extents_of(job.schedule->gemms()[i]), job.schedule->fold_blocking(i));
      do {
        body(gemm, blocks.block());
      } while (blocks.next());
    }
  }
}

template <typename Words, typename Arithmetic>
energy::RegisterToggles count(const Job& job, const PassWords<Words>& words,
                              const Arithmetic& arithmetic, const ToggleTables<Arithmetic>& tables,
                              const MacsDone& done, WorkerPool& pool) {
  using Word = typename Words::Word;
  using Operand = typename Arithmetic::Operand;
  using Gemm = workloads::GemmOf<Operand>;
  const ArrayShape array = job.schedule->array();
  const Dataflow dataflow = job.schedule->dataflow();
  energy::RegisterToggles toggles;
  if (keeps_sums(dataflow)) {
    StreamToggles<Word> rows(array.rows, array.cols);
    StreamToggles<Word> columns(array.cols, array.rows);
    AccumulatorToggles<Arithmetic> sums(arithmetic, array);
    for_each_block<Operand>(job, [&](const Gemm& gemm, const ByIndex<Range>& ranges) {
      const Gemm block = block_of(gemm, ranges);
      rows.add_each(passages_of_rows<Words>({block.first, words.first}, pool),
                    ceil_div(block.n, array.cols), toggles);
      columns.add_all(passages_of_rows<Words>({block.second, words.second}, pool),
                      ceil_div(block.m, array.rows), toggles);
      sums.add(block, tables, done, pool, toggles);
    });
    return toggles;
  }
  StreamToggles<Word> rows(array.rows, array.cols);
  TileToggles<Word> tiles(array, job.architecture->issue == Issue::kPipelined);
  PartialSumToggles<Arithmetic> sums(arithmetic, array);
  for_each_block<Operand>(job, [&](Gemm gemm, ByIndex<Range> ranges) {
    // From here on the first operand streams, and the second one stays.
    if (keeps_first(dataflow)) {
      std::swap(gemm.first, gemm.second);
      std::swap(gemm.m, gemm.n);
      std::swap(ranges[Index::kM], ranges[Index::kN]);
    }
    const Gemm block = block_of(gemm, ranges);
    rows.add_all(passages_of_depths<Words>({block.first, words.first}, pool),
                 ceil_div(block.n, array.cols), toggles);
    tiles.add(OperandWords<Words>{block.second, words.second}, pool, toggles);
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

template <typename Arithmetic>
energy::RegisterToggles count_mf_mac(const Job& job, const Arithmetic& arithmetic,
                                     const MacsDone& done, WorkerPool& pool) {
  using Sum = typename Arithmetic::Sum;
  const rtl::PotFormat format(job.architecture->pe.operand_bits);
  const auto [first, second] =
      in_roles(job, job.operands->first().format(), job.operands->second().format());
  const PassWords<CodeWords<std::uint8_t>> codes{{widening(first, format)},
                                                 {widening(second, format)}};
  CodeStarts<Sum> starts{std::vector<SumWord<Sum>>(std::size_t{256} * 256)};
  for (int a = 0; a < first.code_count(); ++a) {
    for (int b = 0; b < second.code_count(); ++b) {
      const rtl::MfMacStep step =
          rtl::mf_mac(job.accumulator, format, true, 0, codes.first(static_cast<rtl::PotCode>(a)),
                      codes.second(static_cast<rtl::PotCode>(b)));
      starts.words[static_cast<std::size_t>(256 * a + b)] =
          word_of(static_cast<Sum>(step.value), arithmetic.bits);
    }
  }
  const ToggleTables<Arithmetic> tables{Arithmetic::table(first), Arithmetic::table(second),
                                        std::move(starts)};
  if (aligned_bits(job.architecture->pe) == 0) {
    return count(job, codes, arithmetic, tables, done, pool);
  }
  PassWords<CodeWords<std::uint32_t>> words;
  const bool swapped = keeps_first(job.schedule->dataflow());
  std::ranges::copy(
      aligned_words(aligned_format(job), swapped ? codes.second.words : codes.first.words),
      (swapped ? words.second : words.first).words.begin());
  std::ranges::copy(swapped ? codes.first.words : codes.second.words,
                    (swapped ? words.first : words.second).words.begin());
  return count(job, words, arithmetic, tables, done, pool);
}

// No value's magnitude is more than 2^exponent.
int exponent_above(const std::vector<float>& values) {
  float largest = 0.0F;
  for (const float value : values) {
    largest = std::max(largest, std::abs(value));
  }
  return std::ilogb(std::max(largest, std::numeric_limits<float>::min())) + 1;
}

energy::RegisterToggles count_fp32(const Job& job, const MacsDone& done, WorkerPool& pool) {
  // A sum of products that are at most 2^top each: 2^64 of them are more than a GEMM has.
  const int top =
      exponent_above(job.operands->first_values()) + exponent_above(job.operands->second_values());
  const Fp32Toggles arithmetic{.finite = top < 126 - 64};
  return count(job, PassWords<Fp32Words>{}, arithmetic, {}, done, pool);
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
