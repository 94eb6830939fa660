#include "sim/engines/count/operand_statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "sim/engines/interface/for_each_gemm.hpp"
#include "sim/machine/array_shape.hpp"

namespace potomac::sim {
namespace {

// Depths of one operand's counts that are held at a time, and depths that a task looks at: short
// where exponents are counted, so that the task's part of the table stays in the cache.
constexpr std::int64_t kHeldCounts = 32768;
constexpr std::int64_t kTaskDepth = 4096;
constexpr std::int64_t kTaskDepthOfExponents = 64;
constexpr std::int64_t kMinTaskRows = 128;

// How many rows hold what at each depth of a stretch: nonzero codes (one count a depth), or codes
// of each exponent (2 * e_max + 1 counts a depth, from -e_max on).
class DepthCounts {
 public:
  DepthCounts(const workloads::LoweredOperand& operand, bool by_exponent)
      : operand_(operand),
        format_(operand.format()),
        by_exponent_(by_exponent),
        width_(by_exponent ? static_cast<std::size_t>(2 * format_.e_max() + 1) : 1) {}

  std::size_t width() const { return width_; }

  // Adds rows [row, row_end) at depths [k, k_end) of a stretch that begins at `origin`.
  void add(std::int64_t row, std::int64_t row_end, std::int64_t k, std::int64_t k_end,
           std::int64_t origin, std::vector<std::uint64_t>& counts,
           std::vector<rtl::PotCode>& codes) const {
    codes.resize(static_cast<std::size_t>(k_end - k));
    const std::span<std::uint64_t> part = std::span(counts).subspan(
        static_cast<std::size_t>(k - origin) * width_, codes.size() * width_);
    if (by_exponent_) {
      add_exponents(row, row_end, k, part, codes);
    } else {
      add_nonzero(row, row_end, k, part, codes);
    }
  }

 private:
  void add_nonzero(std::int64_t row, std::int64_t row_end, std::int64_t k,
                   std::span<std::uint64_t> counts, std::vector<rtl::PotCode>& codes) const {
    const rtl::PotCode mask = format_.exponent_mask();
    const rtl::PotCode zero = format_.zero();
    // Bytes are counted in bytes, as many at a time as a vector holds, and widened before they are
    // full.
    constexpr std::int64_t kRowsPerByte = 255;
    std::vector<std::uint8_t> partial(codes.size());
    const std::size_t depth = codes.size();
    const rtl::PotCode* const code = codes.data();
    std::uint8_t* const count = partial.data();
    while (row < row_end) {
      const std::int64_t stop = std::min(row_end, row + kRowsPerByte);
      std::fill(partial.begin(), partial.end(), std::uint8_t{0});
      for (; row < stop; ++row) {
        operand_.fetch(row, k, codes);
        // Plain pointers: a byte that is written might be part of a vector's own bookkeeping, for
        // all that the compiler knows, and it would count one by one.
        for (std::size_t i = 0; i < depth; ++i) {
          count[i] = static_cast<std::uint8_t>(count[i] + ((code[i] & mask) != zero ? 1 : 0));
        }
      }
      for (std::size_t i = 0; i < codes.size(); ++i) {
        counts[i] += partial[i];
      }
    }
  }

  void add_exponents(std::int64_t row, std::int64_t row_end, std::int64_t k,
                     std::span<std::uint64_t> counts, std::vector<rtl::PotCode>& codes) const {
    for (; row < row_end; ++row) {
      operand_.fetch(row, k, codes);
      for (std::size_t i = 0; i < codes.size(); ++i) {
        if (!format_.is_zero(codes[i])) {
          counts[i * width_ +
                 static_cast<std::size_t>(format_.exponent(codes[i]) + format_.e_max())] += 1;
        }
      }
    }
  }

  const workloads::LoweredOperand& operand_;
  rtl::PotFormat format_;
  bool by_exponent_;
  std::size_t width_;
};

// Pairs of one depth, by exponent, whose exponents add up to less than the lowest bit.
std::uint64_t pairs_below(std::span<const std::uint64_t> a, int first_e_max,
                          std::span<const std::uint64_t> b, int second_e_max, int lsb) {
  std::uint64_t dropped = 0;
  std::uint64_t low = 0;  // of the second operand: exponents that the first one's drops
  std::size_t taken = 0;
  // The larger the first exponent, the fewer of the second's fall below: walk from the top.
  for (int e = first_e_max; e >= -first_e_max; --e) {
    while (taken < b.size() && e + static_cast<int>(taken) - second_e_max < lsb) {
      low += b[taken++];
    }
    dropped += a[static_cast<std::size_t>(e + first_e_max)] * low;
  }
  return dropped;
}

std::uint64_t sum_of(std::span<const std::uint64_t> counts) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) {
    sum += count;
  }
  return sum;
}

// What each thread counts on its own; sums of integers do not depend on who counted what.
struct ThreadCounts {
  std::vector<std::uint64_t> first, second;
  std::vector<rtl::PotCode> codes;
};

// A bound on the largest Euclidean norm of an operand's rows, in units of its smallest magnitude.
double largest_row_norm(const workloads::LoweredOperand& operand, WorkerPool& pool) {
  const rtl::PotFormat format = operand.format();
  std::array<double, 256> squares{};
  for (int i = 0; i < format.code_count(); ++i) {
    const auto code = static_cast<rtl::PotCode>(i);
    if (!format.is_zero(code)) {
      squares[code] = std::ldexp(1.0, 2 * (format.exponent(code) + format.e_max()));
    }
  }
  std::vector<double> largest(pool.threads());
  const auto tasks = static_cast<std::size_t>(ceil_div(operand.rows(), kMinTaskRows));
  pool.for_each(tasks, [&](std::size_t task, unsigned thread) {
    std::vector<rtl::PotCode> codes;
    const std::int64_t begin = static_cast<std::int64_t>(task) * kMinTaskRows;
    for (std::int64_t row = begin; row < std::min(begin + kMinTaskRows, operand.rows()); ++row) {
      double sum = 0.0;
      for (std::int64_t k = 0; k < operand.depth(); k += kTaskDepth) {
        codes.resize(static_cast<std::size_t>(std::min(kTaskDepth, operand.depth() - k)));
        operand.fetch(row, k, codes);
        for (const rtl::PotCode code : codes) {
          sum += squares[code];
        }
      }
      largest[thread] = std::max(largest[thread], sum);
    }
  });
  // Far more than what rounding can have taken from a sum of 2^40 terms.
  constexpr double kRounding = 1.0 + 1e-3;
  return std::sqrt(*std::ranges::max_element(largest)) * kRounding;
}

// Whether no partial sum of the GEMM can leave the accumulator's range.
bool is_in_range(const workloads::Gemm& gemm, const rtl::Accumulator& accumulator,
                 WorkerPool& pool) {
  const double bound = largest_row_norm(gemm.first, pool) * largest_row_norm(gemm.second, pool);
  const int unit = rtl::exact_lsb(gemm.first.format(), gemm.second.format()) - accumulator.lsb;
  return std::ldexp(bound, unit) < static_cast<double>(accumulator.max());
}

}  // namespace

ProductCounts count_products(const workloads::Gemm& gemm, const rtl::Accumulator& accumulator,
                             WorkerPool& pool) {
  const rtl::PotFormat first = gemm.first.format();
  const rtl::PotFormat second = gemm.second.format();
  const bool drops = accumulator.lsb > rtl::exact_lsb(first, second);
  const DepthCounts of_first(gemm.first, drops);
  const DepthCounts of_second(gemm.second, drops);
  const auto widest = static_cast<std::int64_t>(std::max(of_first.width(), of_second.width()));
  const std::int64_t held = std::min(gemm.k, kHeldCounts / widest);
  const std::int64_t task_depth = std::min(held, drops ? kTaskDepthOfExponents : kTaskDepth);

  ProductCounts sum;
  sum.macs = static_cast<std::uint64_t>(gemm.macs());
  std::vector<ThreadCounts> of_thread(pool.threads());
  for (std::int64_t begin = 0; begin < gemm.k; begin += held) {
    const std::int64_t end = std::min(begin + held, gemm.k);
    const auto depths = static_cast<std::size_t>(end - begin);
    for (ThreadCounts& counts : of_thread) {
      counts.first.assign(depths * of_first.width(), 0);
      counts.second.assign(depths * of_second.width(), 0);
    }
    // Tasks of both operands in one list: blocks of rows times blocks of depth.
    const std::int64_t depth_tasks = ceil_div(end - begin, task_depth);
    const std::int64_t wanted = ceil_div(std::int64_t{4} * pool.threads(), depth_tasks);
    const auto rows_per_task = [wanted](std::int64_t rows) {
      return std::max(ceil_div(rows, wanted), std::min(rows, kMinTaskRows));
    };
    const std::int64_t first_rows = rows_per_task(gemm.m);
    const std::int64_t second_rows = rows_per_task(gemm.n);
    const std::int64_t first_tasks = ceil_div(gemm.m, first_rows) * depth_tasks;
    const std::int64_t tasks = first_tasks + ceil_div(gemm.n, second_rows) * depth_tasks;
    pool.for_each(static_cast<std::size_t>(tasks), [&](std::size_t task, unsigned thread) {
      ThreadCounts& counts = of_thread[thread];
      const bool is_first = static_cast<std::int64_t>(task) < first_tasks;
      const std::int64_t at = static_cast<std::int64_t>(task) - (is_first ? 0 : first_tasks);
      const std::int64_t step = is_first ? first_rows : second_rows;
      const std::int64_t row = at / depth_tasks * step;
      const std::int64_t k = begin + at % depth_tasks * task_depth;
      (is_first ? of_first : of_second)
          .add(row, std::min(row + step, is_first ? gemm.m : gemm.n), k,
               std::min(k + task_depth, end), begin, is_first ? counts.first : counts.second,
               counts.codes);
    });
    ThreadCounts& all = of_thread.front();
    for (std::size_t thread = 1; thread < of_thread.size(); ++thread) {
      std::ranges::transform(all.first, of_thread[thread].first, all.first.begin(), std::plus());
      std::ranges::transform(all.second, of_thread[thread].second, all.second.begin(), std::plus());
    }
    for (std::size_t i = 0; i < depths; ++i) {
      const auto a =
          std::span<const std::uint64_t>(all.first).subspan(i * of_first.width(), of_first.width());
      const auto b = std::span<const std::uint64_t>(all.second)
                         .subspan(i * of_second.width(), of_second.width());
      const std::uint64_t nonzero = sum_of(a) * sum_of(b);
      const std::uint64_t dropped =
          drops ? pairs_below(a, first.e_max(), b, second.e_max(), accumulator.lsb) : 0;
      sum.nonzero += nonzero;
      sum.dropped += dropped;
      if (begin == 0 && i == 0) {
        sum.first_nonzero = nonzero;
        sum.first_kept = nonzero - dropped;
      }
    }
  }
  return sum;
}

ValueFacts counted_facts(const workloads::LoweredPass& operands,
                         const rtl::Accumulator& accumulator, WorkerPool& pool) {
  ValueFacts facts;
  std::mutex mutex;
  for_each_gemm(operands, pool, [&](const workloads::Gemm& gemm, WorkerPool& threads) {
    const ProductCounts products = count_products(gemm, accumulator, threads);
    const Count overflow = is_in_range(gemm, accumulator, threads) ? Count(0) : Count::unknown();
    const std::lock_guard lock(mutex);
    facts.products += products;
    facts.overflow += overflow;
    facts.overflowed_results += overflow;  // none, or not known either
  });
  return facts;
}

ProductCounts count_zeros(const workloads::LoweredPass& operands, WorkerPool& pool) {
  // Nothing is dropped where there is a bit for every product.
  const rtl::Accumulator exact{
      .lsb = rtl::exact_lsb(operands.first().format(), operands.second().format())};
  ProductCounts products;
  std::mutex mutex;
  for_each_gemm(operands, pool, [&](const workloads::Gemm& gemm, WorkerPool& threads) {
    const ProductCounts part = count_products(gemm, exact, threads);
    const std::lock_guard lock(mutex);
    products += part;
  });
  return products;
}

}  // namespace potomac::sim
