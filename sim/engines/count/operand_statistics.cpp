#include "sim/engines/count/operand_statistics.hpp"

#include <algorithm>
#include <vector>

#include "sim/machine/cycles.hpp"

namespace potomac::sim {
namespace {

constexpr std::int64_t kDepthBlock = 4096;

// How many rows hold a nonzero code at each depth of a block.
void count_nonzero(const workloads::LoweredOperand& operand, std::int64_t k_begin,
                   std::vector<std::uint64_t>& counts, std::vector<rtl::PotCode>& codes) {
  const rtl::PotFormat format = operand.format();
  const rtl::PotCode mask = format.exponent_mask();
  const rtl::PotCode zero = format.zero();
  // Bytes are counted in bytes, as many at a time as a vector holds, and widened before they are
  // full.
  constexpr int kRowsPerByte = 255;
  std::vector<std::uint8_t> partial(counts.size());
  int filled = 0;
  const auto flush = [&] {
    for (std::size_t i = 0; i < counts.size(); ++i) {
      counts[i] += partial[i];
    }
    std::fill(partial.begin(), partial.end(), std::uint8_t{0});
    filled = 0;
  };
  for (std::int64_t row = 0; row < operand.rows(); ++row) {
    operand.fetch(row, k_begin, codes);
    for (std::size_t i = 0; i < codes.size(); ++i) {
      partial[i] = static_cast<std::uint8_t>(partial[i] + ((codes[i] & mask) != zero ? 1 : 0));
    }
    if (++filled == kRowsPerByte) {
      flush();
    }
  }
  flush();
}

// Rows per exponent at each depth of a block: counts[depth * width + exponent + e_max].
struct ExponentCounts {
  std::size_t width;
  std::vector<std::uint64_t> counts;

  ExponentCounts(const workloads::LoweredOperand& operand, std::int64_t k_begin, std::size_t depth)
      : width(static_cast<std::size_t>(2 * operand.format().e_max() + 1)), counts(depth * width) {
    const rtl::PotFormat format = operand.format();
    std::vector<rtl::PotCode> codes(depth);
    for (std::int64_t row = 0; row < operand.rows(); ++row) {
      operand.fetch(row, k_begin, codes);
      for (std::size_t i = 0; i < depth; ++i) {
        if (!format.is_zero(codes[i])) {
          counts[i * width +
                 static_cast<std::size_t>(format.exponent(codes[i]) + format.e_max())] += 1;
        }
      }
    }
  }
};

// Pairs of a block's depth `at` whose exponents add up to less than the lowest bit.
std::uint64_t pairs_below(const ExponentCounts& first, int first_e_max,
                          const ExponentCounts& second, int second_e_max, int lsb, std::size_t at) {
  const std::uint64_t* a = first.counts.data() + at * first.width;
  const std::uint64_t* b = second.counts.data() + at * second.width;
  std::uint64_t dropped = 0;
  std::uint64_t low = 0;  // of the second operand: exponents that the first one's drops
  std::size_t taken = 0;
  // The larger the first exponent, the fewer of the second's fall below: walk from the top.
  for (int e = first_e_max; e >= -first_e_max; --e) {
    while (taken < second.width && e + static_cast<int>(taken) - second_e_max < lsb) {
      low += b[taken++];
    }
    dropped += a[e + first_e_max] * low;
  }
  return dropped;
}

}  // namespace

ProductCounts count_products(const workloads::Gemm& gemm, const rtl::Accumulator& accumulator,
                             WorkerPool& pool) {
  const rtl::PotFormat first = gemm.first.format();
  const rtl::PotFormat second = gemm.second.format();
  const bool drops = accumulator.lsb > rtl::exact_lsb(first, second);
  // Short blocks where exponents are counted, so that their table stays in the cache.
  const std::int64_t block = drops ? 64 : kDepthBlock;
  const auto blocks = static_cast<std::size_t>(ceil_div(gemm.k, block));
  std::vector<ProductCounts> of_block(blocks);
  pool.for_each(blocks, [&](std::size_t index, unsigned) {
    const std::int64_t begin = static_cast<std::int64_t>(index) * block;
    const auto depth = static_cast<std::size_t>(std::min(block, gemm.k - begin));
    ProductCounts& counts = of_block[index];
    std::vector<rtl::PotCode> codes(depth);
    std::vector<std::uint64_t> a(depth);
    std::vector<std::uint64_t> b(depth);
    count_nonzero(gemm.first, begin, a, codes);
    count_nonzero(gemm.second, begin, b, codes);
    for (std::size_t i = 0; i < depth; ++i) {
      counts.nonzero += a[i] * b[i];
    }
    std::uint64_t dropped_at_0 = 0;
    if (drops) {
      const ExponentCounts a_exponents(gemm.first, begin, depth);
      const ExponentCounts b_exponents(gemm.second, begin, depth);
      for (std::size_t i = 0; i < depth; ++i) {
        const std::uint64_t dropped = pairs_below(a_exponents, first.e_max(), b_exponents,
                                                  second.e_max(), accumulator.lsb, i);
        counts.dropped += dropped;
        dropped_at_0 = i == 0 ? dropped : dropped_at_0;
      }
    }
    if (index == 0) {
      counts.first_nonzero = a[0] * b[0];
      counts.first_kept = counts.first_nonzero - dropped_at_0;
    }
  });
  ProductCounts sum;
  sum.macs = static_cast<std::uint64_t>(gemm.macs());
  for (const ProductCounts& counts : of_block) {
    sum.nonzero += counts.nonzero;
    sum.dropped += counts.dropped;
    sum.first_kept += counts.first_kept;
    sum.first_nonzero += counts.first_nonzero;
  }
  return sum;
}

}  // namespace potomac::sim
