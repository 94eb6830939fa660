#include "sim/engines/count/operand_statistics.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <functional>
#include <mutex>
#include <numeric>
#include <span>
#include <vector>

#include "sim/engines/count/lowered_sums.hpp"
#include "sim/engines/interface/for_each_gemm.hpp"
#include "sim/machine/array_shape.hpp"
#include "support/vectorised.hpp"

namespace potomac::sim {
namespace {

// Depths that a task looks at, and how many counts it holds at most (but for one outermost depth,
// which is not cut).
constexpr std::int64_t kTaskDepth = 1024;
constexpr std::int64_t kLeastTaskDepth = 64;
constexpr std::int64_t kHeldCounts = std::int64_t{1} << 17;
constexpr std::int64_t kNormTaskRows = 128;
constexpr std::int64_t kFullByte = 255;

// counts[i] += whether codes[i]'s exponent field is `field`, or is not. No count overflows its
// byte.
POTOMAC_VECTORISED void add_matches(const rtl::PotCode* codes, std::int64_t size, rtl::PotCode mask,
                                    rtl::PotCode field, bool equal, std::uint8_t* counts) {
  const auto match = static_cast<std::uint8_t>(equal ? 1 : 0);
  const auto other = static_cast<std::uint8_t>(1 - match);
  for (std::int64_t i = 0; i < size; ++i) {
    counts[i] = static_cast<std::uint8_t>(counts[i] + ((codes[i] & mask) == field ? match : other));
  }
}

// How many of at most 255 codes have that exponent field.
POTOMAC_VECTORISED std::uint8_t matches(const rtl::PotCode* codes, std::int64_t size,
                                        rtl::PotCode mask, rtl::PotCode field) {
  std::uint8_t count = 0;
  for (std::int64_t i = 0; i < size; ++i) {
    count = static_cast<std::uint8_t>(count + ((codes[i] & mask) == field ? 1 : 0));
  }
  return count;
}

// Exponents low..high, none if high is less.
struct Exponents {
  int low = 0;
  int high = -1;
};

// How many rows hold what at each depth: codes that are not zero, and of each of some exponents.
class DepthCounts {
 public:
  DepthCounts(const workloads::LoweredOperand& operand, Exponents exponents)
      : sums_(operand, Kept::kDepth), format_(operand.format()) {
    fields_.push_back(format_.zero());
    for (int e = exponents.low; e <= exponents.high; ++e) {
      fields_.push_back(format_.encode(false, e));
    }
  }

  // The number of counts for a depth: not zero, then by exponent.
  std::int64_t width() const { return static_cast<std::int64_t>(fields_.size()); }
  // Depths are counted in multiples of this.
  std::int64_t step() const { return sums_.inner(); }

  struct Scratch {
    std::vector<std::uint8_t> bytes;
    std::vector<std::uint64_t> box, between, windows;
    std::vector<rtl::PotCode> codes;
  };

  // The counts of depths [k, k_end), multiples of step(): [depth][width].
  void count(std::int64_t k, std::int64_t k_end, Scratch& scratch,
             std::vector<std::uint64_t>& counts) const {
    counts.assign(static_cast<std::size_t>((k_end - k) * width()), 0);
    if (!sums_.is_matrix()) {
      count_boxes(k / step(), k_end / step(), scratch, counts);
    } else if (sums_.kept_stride() == 1) {
      count_along(k, k_end, scratch, counts);
    } else {
      count_across(k, k_end, scratch, counts);
    }
  }

 private:
  static bool is_equal(std::size_t which) { return which > 0; }

  // Each row's depths lie side by side: they are counted in bytes, and widened before these are
  // full.
  void count_along(std::int64_t k, std::int64_t k_end, Scratch& scratch,
                   std::vector<std::uint64_t>& counts) const {
    const std::int64_t depth = k_end - k;
    for (std::int64_t row = 0; row < sums_.summed(); row += kFullByte) {
      const std::int64_t row_end = std::min(row + kFullByte, sums_.summed());
      for (std::size_t which = 0; which < fields_.size(); ++which) {
        scratch.bytes.assign(static_cast<std::size_t>(depth), 0);
        for (std::int64_t r = row; r < row_end; ++r) {
          add_matches(sums_.box(k, r), depth, format_.exponent_mask(), fields_[which],
                      is_equal(which), scratch.bytes.data());
        }
        for (std::size_t i = 0; i < scratch.bytes.size(); ++i) {
          counts[i * fields_.size() + which] += scratch.bytes[i];
        }
      }
    }
  }

  // Each depth's rows.
  void count_across(std::int64_t k, std::int64_t k_end, Scratch& scratch,
                    std::vector<std::uint64_t>& counts) const {
    for (std::int64_t at = k; at < k_end; ++at) {
      std::uint64_t* const here = counts.data() + (at - k) * width();
      for (std::int64_t row = 0; row < sums_.summed(); row += kFullByte) {
        const std::int64_t rows = std::min(kFullByte, sums_.summed() - row);
        const rtl::PotCode* codes = sums_.box(at, row);
        if (sums_.summed_stride() != 1) {
          scratch.codes.resize(static_cast<std::size_t>(rows));
          for (std::int64_t i = 0; i < rows; ++i) {
            scratch.codes[static_cast<std::size_t>(i)] = codes[i * sums_.summed_stride()];
          }
          codes = scratch.codes.data();
        }
        for (std::size_t which = 0; which < fields_.size(); ++which) {
          const std::uint8_t found = matches(codes, rows, format_.exponent_mask(), fields_[which]);
          here[which] += is_equal(which) ? found : static_cast<std::uint64_t>(rows) - found;
        }
      }
    }
  }

  void count_boxes(std::int64_t outer, std::int64_t outer_end, Scratch& scratch,
                   std::vector<std::uint64_t>& counts) const {
    const std::int64_t size = sums_.box_size();
    for (std::int64_t at = outer; at < outer_end; ++at) {
      for (std::size_t which = 0; which < fields_.size(); ++which) {
        scratch.box.assign(static_cast<std::size_t>(size), 0);
        for (std::int64_t begin = 0; begin < sums_.summed(); begin += kFullByte) {
          scratch.bytes.assign(static_cast<std::size_t>(size), 0);
          for (std::int64_t s = begin; s < std::min(begin + kFullByte, sums_.summed()); ++s) {
            add_matches(sums_.box(at, s), size, format_.exponent_mask(), fields_[which],
                        is_equal(which), scratch.bytes.data());
          }
          std::ranges::transform(scratch.box, scratch.bytes, scratch.box.begin(), std::plus());
        }
        sums_.sum_windows(scratch.box, scratch.between, scratch.windows);
        std::uint64_t* const here = counts.data() + (at - outer) * step() * width();
        for (std::size_t i = 0; i < scratch.windows.size(); ++i) {
          here[i * fields_.size() + which] = scratch.windows[i];
        }
      }
    }
  }

  LoweredSums sums_;
  rtl::PotFormat format_;
  std::vector<rtl::PotCode> fields_;  // the first one's opposite is counted
};

// The pairs of one depth whose products are dropped: their exponents add up to less than the lowest
// bit. They are counted, or those that are kept, whichever are of fewer exponents.
class PairCounts {
 public:
  PairCounts(rtl::PotFormat first, rtl::PotFormat second, int lsb)
      : lsb_(lsb),
        of_dropped_(lsb <= 0),
        first_(exponents(first, second)),
        second_(exponents(second, first)) {}

  // The exponents of either operand that have a partner with which they are counted.
  Exponents of_first() const { return first_; }
  Exponents of_second() const { return second_; }

  // From how many pairs are not zero, and how many codes there are of each exponent.
  std::uint64_t dropped(std::uint64_t nonzero, std::span<const std::uint64_t> a,
                        std::span<const std::uint64_t> b) const {
    return of_dropped_ ? below(a, b) : nonzero - at_least(a, b);
  }

 private:
  Exponents exponents(rtl::PotFormat one, rtl::PotFormat other) const {
    const int e_max = one.e_max();
    return of_dropped_ ? Exponents{-e_max, std::min(lsb_ + other.e_max() - 1, e_max)}
                       : Exponents{std::max(lsb_ - other.e_max(), -e_max), e_max};
  }

  // The larger the first exponent, the fewer of the second's fall below: walks from the top.
  std::uint64_t below(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b) const {
    std::uint64_t pairs = 0;
    std::uint64_t partners = 0;
    std::size_t taken = 0;  // of the second's exponents, from the lowest on
    for (std::size_t i = a.size(); i-- > 0;) {
      const int e = first_.low + static_cast<int>(i);
      while (taken < b.size() && e + second_.low + static_cast<int>(taken) < lsb_) {
        partners += b[taken++];
      }
      pairs += a[i] * partners;
    }
    return pairs;
  }

  // The larger the first exponent, the more of the second's reach the lowest bit.
  std::uint64_t at_least(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b) const {
    std::uint64_t pairs = 0;
    std::uint64_t partners = 0;
    std::size_t left = b.size();  // the second's exponents are taken from the highest on
    for (std::size_t i = 0; i < a.size(); ++i) {
      const int e = first_.low + static_cast<int>(i);
      while (left > 0 && e + second_.low + static_cast<int>(left) - 1 >= lsb_) {
        partners += b[--left];
      }
      pairs += a[i] * partners;
    }
    return pairs;
  }

  int lsb_;
  bool of_dropped_;
  Exponents first_, second_;
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
  const LoweredSums sums(operand, Kept::kRows);
  std::vector<double> largest(pool.threads());
  const auto note = [&largest](unsigned thread, const std::vector<double>& sums_of_rows) {
    largest[thread] = std::max(largest[thread], *std::ranges::max_element(sums_of_rows));
  };
  if (sums.is_matrix()) {
    const auto tasks = static_cast<std::size_t>(ceil_div(sums.outer(), kNormTaskRows));
    pool.for_each(tasks, [&](std::size_t task, unsigned thread) {
      const std::int64_t begin = static_cast<std::int64_t>(task) * kNormTaskRows;
      const std::int64_t rows = std::min(kNormTaskRows, sums.outer() - begin);
      std::vector<double> of_rows(static_cast<std::size_t>(rows));
      // Along what lies side by side.
      if (sums.summed_stride() == 1) {
        for (std::int64_t r = 0; r < rows; ++r) {
          const rtl::PotCode* const codes = sums.box(begin + r, 0);
          of_rows[static_cast<std::size_t>(r)] =
              std::transform_reduce(codes, codes + sums.summed(), 0.0, std::plus(),
                                    [&squares](rtl::PotCode code) { return squares[code]; });
        }
      } else {
        for (std::int64_t k = 0; k < sums.summed(); ++k) {
          for (std::int64_t r = 0; r < rows; ++r) {
            of_rows[static_cast<std::size_t>(r)] += squares[*sums.box(begin + r, k)];
          }
        }
      }
      note(thread, of_rows);
    });
  } else {
    pool.for_each(static_cast<std::size_t>(sums.outer()), [&](std::size_t outer, unsigned thread) {
      std::vector<double> box(static_cast<std::size_t>(sums.box_size()));
      for (std::int64_t k = 0; k < sums.summed(); ++k) {
        const rtl::PotCode* const codes = sums.box(static_cast<std::int64_t>(outer), k);
        for (std::size_t i = 0; i < box.size(); ++i) {
          box[i] += squares[codes[i]];
        }
      }
      std::vector<double> between;
      std::vector<double> windows;
      sums.sum_windows(box, between, windows);
      note(thread, windows);
    });
  }
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
  const PairCounts pairs(first, second, accumulator.lsb);
  const DepthCounts of_first(gemm.first, pairs.of_first());
  const DepthCounts of_second(gemm.second, pairs.of_second());
  const std::int64_t step = std::max(of_first.step(), of_second.step());
  assert(step % of_first.step() == 0 && step % of_second.step() == 0);
  const std::int64_t widest = std::max(of_first.width(), of_second.width());
  const std::int64_t share =
      std::clamp(gemm.k / (std::int64_t{4} * pool.threads()), kLeastTaskDepth,
                 std::min(kTaskDepth, kHeldCounts / widest));
  const std::int64_t task_depth = std::max(share / step, std::int64_t{1}) * step;

  ProductCounts sum;
  sum.macs = static_cast<std::uint64_t>(gemm.macs());
  struct ThreadCounts {
    std::vector<std::uint64_t> first, second;
    DepthCounts::Scratch scratch;
    ProductCounts sum;
  };
  std::vector<ThreadCounts> of_thread(pool.threads());
  pool.for_each(static_cast<std::size_t>(ceil_div(gemm.k, task_depth)), [&](std::size_t task,
                                                                            unsigned thread) {
    ThreadCounts& counts = of_thread[thread];
    const std::int64_t k = static_cast<std::int64_t>(task) * task_depth;
    const std::int64_t k_end = std::min(k + task_depth, gemm.k);
    of_first.count(k, k_end, counts.scratch, counts.first);
    of_second.count(k, k_end, counts.scratch, counts.second);
    for (std::int64_t at = 0; at < k_end - k; ++at) {
      const auto here = [at](const std::vector<std::uint64_t>& all, std::int64_t width) {
        return std::span(all).subspan(static_cast<std::size_t>(at * width),
                                      static_cast<std::size_t>(width));
      };
      const auto a = here(counts.first, of_first.width());
      const auto b = here(counts.second, of_second.width());
      const std::uint64_t nonzero = a[0] * b[0];
      const std::uint64_t dropped = pairs.dropped(nonzero, a.subspan(1), b.subspan(1));
      counts.sum.nonzero += nonzero;
      counts.sum.dropped += dropped;
      if (k + at == 0) {
        counts.sum.first_nonzero = nonzero;
        counts.sum.first_kept = nonzero - dropped;
      }
    }
  });
  for (const ThreadCounts& counts : of_thread) {
    sum += counts.sum;
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
