#include "workloads/sources/hdf5_chunks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hdf5.h>
#include <zlib.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace potomac::workloads {
namespace {

constexpr const char* kMakeAgain = "the file is damaged; copy or make it again";
constexpr std::size_t kChecksumBytes = 4;
constexpr std::int64_t kMaxChunkBytes = std::int64_t{1} << 30U;

// How a dataset lies in its file.
struct Layout {
  H5D_layout_t kind = H5D_LAYOUT_ERROR;
  Hdf5Extents extents;
  Hdf5Extents chunk;                  // of a chunked dataset
  std::vector<H5Z_filter_t> filters;  // in the order in which the writer applied them
  std::int64_t bytes = 0;             // product of the extents
  std::int64_t chunk_bytes = 0;
};

// The product, or nothing if it is above `limit`. Precondition: no extent is negative.
std::optional<std::int64_t> bounded_product(const Hdf5Extents& extents, std::int64_t limit) {
  if (std::find(extents.begin(), extents.end(), 0) != extents.end()) {
    return 0;
  }
  std::int64_t product = 1;
  for (const std::int64_t extent : extents) {
    if (extent > limit / product) {
      return std::nullopt;
    }
    product *= extent;
  }
  return product;
}

Layout layout_of(const Hdf5Dataset& dataset, std::int64_t max_bytes) {
  Layout layout;
  layout.extents = dataset.extents();
  const auto bytes = bounded_product(layout.extents, max_bytes);
  if (!bytes) {
    dataset.fail(fmt::format("its extents [{}] are absurdly large: a tensor holds at most {} codes",
                             fmt::join(layout.extents, ", "), max_bytes),
                 "split the layer, or make the file again if it is damaged");
  }
  layout.bytes = *bytes;

  const Hdf5Handle plan(H5Dget_create_plist(dataset.id()), H5Pclose);
  layout.kind = plan.valid() ? H5Pget_layout(plan.id()) : H5D_LAYOUT_ERROR;
  if (layout.kind != H5D_CHUNKED && layout.kind != H5D_CONTIGUOUS && layout.kind != H5D_COMPACT) {
    dataset.fail("is stored in a way that is not supported here (virtual or damaged)",
                 "write it chunked, compressed with gzip");
  }
  if (layout.kind == H5D_CONTIGUOUS && H5Pget_external_count(plan.id()) != 0) {
    dataset.fail("is stored outside of this file", "store it in the file itself");
  }
  const int filters = H5Pget_nfilters(plan.id());
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0;
    std::size_t parameters = 0;
    const H5Z_filter_t filter = H5Pget_filter2(plan.id(), static_cast<unsigned>(i), &flags,
                                               &parameters, nullptr, 0, nullptr, nullptr);
    const bool is_repeated =
        std::find(layout.filters.begin(), layout.filters.end(), filter) != layout.filters.end();
    if ((filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
         filter != H5Z_FILTER_FLETCHER32) ||
        is_repeated) {
      dataset.fail(fmt::format("uses HDF5 filter number {}, which is not supported here", filter),
                   "write it with gzip and fletcher32");
    }
    layout.filters.push_back(filter);
  }
  if (layout.kind == H5D_CHUNKED) {
    std::vector<hsize_t> chunk(layout.extents.size());
    if (H5Pget_chunk(plan.id(), static_cast<int>(chunk.size()), chunk.data()) !=
        static_cast<int>(chunk.size())) {
      dataset.fail("its chunk shape cannot be read", kMakeAgain);
    }
    layout.chunk.assign(chunk.begin(), chunk.end());
    const auto chunk_bytes = bounded_product(layout.chunk, kMaxChunkBytes);
    if (!chunk_bytes || *chunk_bytes <= 0) {
      dataset.fail(
          fmt::format("its chunks [{}] are absurdly large or empty", fmt::join(layout.chunk, ", ")),
          "write chunks of about 256 KiB");
    }
    layout.chunk_bytes = *chunk_bytes;
  }
  return layout;
}

// Calls `visit` with the offset of each chunk, in row-major order.
void for_each_chunk(const Layout& layout, const std::function<void(const Hdf5Extents&)>& visit) {
  if (layout.bytes == 0) {
    return;
  }
  Hdf5Extents offset(layout.extents.size(), 0);
  while (true) {
    visit(offset);
    std::size_t axis = offset.size();
    while (axis-- > 0) {
      offset[axis] += layout.chunk[axis];
      if (offset[axis] < layout.extents[axis]) {
        break;
      }
      offset[axis] = 0;
    }
    if (axis == static_cast<std::size_t>(-1)) {
      return;
    }
  }
}

std::vector<hsize_t> to_hsize(const Hdf5Extents& offset) {
  return {offset.begin(), offset.end()};
}

[[noreturn]] void fail_chunk(const Hdf5Dataset& dataset, const Hdf5Extents& offset,
                             const std::string& problem) {
  dataset.fail(fmt::format("the chunk at [{}] {}", fmt::join(offset, ", "), problem), kMakeAgain);
}

// The bytes that a chunk occupies in the file; 0 if it was never written.
std::int64_t stored_bytes(const Hdf5Dataset& dataset, const Hdf5Extents& offset) {
  hsize_t stored = 0;
  if (H5Dget_chunk_storage_size(dataset.id(), to_hsize(offset).data(), &stored) < 0) {
    const std::string reason = hdf5_reason();
    if (reason.find("not allocated") != std::string::npos) {
      return 0;
    }
    fail_chunk(dataset, offset, fmt::format("cannot be found ({})", reason));
  }
  return static_cast<std::int64_t>(std::min<hsize_t>(stored, INT64_MAX));
}

// Fletcher-32 as HDF5 defines it: big-endian 16-bit words, the odd byte padded below.
std::uint32_t fletcher32(std::span<const std::uint8_t> bytes) {
  // Words that may be summed before a 32-bit sum must be folded.
  constexpr std::size_t kWordsPerFold = 360;
  const auto fold = [](std::uint32_t sum) { return (sum & 0xFFFFU) + (sum >> 16U); };
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  std::size_t position = 0;
  std::size_t words = bytes.size() / 2;
  while (words > 0) {
    for (std::size_t i = std::min(words, kWordsPerFold); i > 0; --i, --words, position += 2) {
      low += static_cast<std::uint32_t>(bytes[position]) << 8U | bytes[position + 1];
      high += low;
    }
    low = fold(low);
    high = fold(high);
  }
  if (bytes.size() % 2 != 0) {
    low += static_cast<std::uint32_t>(bytes[position]) << 8U;
    high += low;
  }
  low = fold(fold(low));
  high = fold(fold(high));
  return high << 16U | low;
}

// zlib's state, made once per dataset.
class Inflater {
 public:
  Inflater() { ready_ = inflateInit(&stream_) == Z_OK; }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // True if `packed` is one whole zlib stream that fills `out` exactly.
  bool unpack(std::span<const std::uint8_t> packed, std::span<std::uint8_t> out) {
    if (!ready_ || inflateReset(&stream_) != Z_OK) {
      return false;
    }
    stream_.next_in = packed.data();
    stream_.avail_in = static_cast<uInt>(packed.size());
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<uInt>(out.size());
    return inflate(&stream_, Z_FINISH) == Z_STREAM_END && stream_.avail_out == 0;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

// Decodes chunk after chunk, reusing its buffers.
class ChunkReader {
 public:
  ChunkReader(const Hdf5Dataset& dataset, const Layout& layout)
      : dataset_(dataset), layout_(layout) {}

  // The chunk's bytes, decoded into `out` (chunk_bytes long).
  void read(const Hdf5Extents& offset, std::span<std::uint8_t> out) {
    raw_.resize(static_cast<std::size_t>(stored_bytes(dataset_, offset)));
    std::uint32_t skipped = 0;  // bit i: filter i was not applied to this chunk
    if (H5Dread_chunk(dataset_.id(), H5P_DEFAULT, to_hsize(offset).data(), &skipped, raw_.data()) <
        0) {
      fail_chunk(dataset_, offset, fmt::format("cannot be read ({})", hdf5_reason()));
    }
    std::span<const std::uint8_t> data = raw_;
    for (std::size_t i = layout_.filters.size(); i-- > 0;) {
      if ((skipped >> i & 1U) != 0) {
        continue;
      }
      if (layout_.filters[i] == H5Z_FILTER_FLETCHER32) {
        data = without_checksum(offset, data);
      } else if (layout_.filters[i] == H5Z_FILTER_DEFLATE) {
        data = unpacked(offset, data, size_before(i, skipped), out);
      }  // shuffling single bytes leaves them where they are
    }
    if (data.size() != out.size()) {
      fail_chunk(dataset_, offset,
                 fmt::format("holds {} bytes instead of {}", data.size(), out.size()));
    }
    if (data.data() != out.data()) {
      std::memcpy(out.data(), data.data(), data.size());
    }
  }

 private:
  std::span<const std::uint8_t> without_checksum(const Hdf5Extents& offset,
                                                 std::span<const std::uint8_t> data) {
    if (data.size() < kChecksumBytes) {
      fail_chunk(dataset_, offset, "is too short for its checksum");
    }
    const auto body = data.first(data.size() - kChecksumBytes);
    const auto tail = data.last(kChecksumBytes);
    const std::uint32_t stored = tail[0] | static_cast<std::uint32_t>(tail[1]) << 8U |
                                 static_cast<std::uint32_t>(tail[2]) << 16U |
                                 static_cast<std::uint32_t>(tail[3]) << 24U;
    if (stored != fletcher32(body)) {
      fail_chunk(dataset_, offset, "does not match its Fletcher-32 checksum");
    }
    return body;
  }

  // Inflates into `out` if nothing is to follow, else into a buffer of our own.
  std::span<const std::uint8_t> unpacked(const Hdf5Extents& offset,
                                         std::span<const std::uint8_t> data, std::size_t size,
                                         std::span<std::uint8_t> out) {
    std::span<std::uint8_t> target = out;
    if (size != out.size()) {
      unpacked_.resize(size);
      target = unpacked_;
    }
    if (!inflater_.unpack(data, target)) {
      fail_chunk(dataset_, offset,
                 fmt::format("does not decompress to the {} bytes it must hold", size));
    }
    return target;
  }

  // What the filters before filter `i` made of a chunk.
  std::size_t size_before(std::size_t i, std::uint32_t skipped) const {
    auto size = static_cast<std::size_t>(layout_.chunk_bytes);
    for (std::size_t j = 0; j < i; ++j) {
      if (layout_.filters[j] == H5Z_FILTER_FLETCHER32 && (skipped >> j & 1U) == 0) {
        size += kChecksumBytes;
      }
    }
    return size;
  }

  const Hdf5Dataset& dataset_;
  const Layout& layout_;
  std::vector<std::uint8_t> raw_;
  std::vector<std::uint8_t> unpacked_;
  Inflater inflater_;
};

// Where a chunk at `offset` lies in the row-major tensor, if it is one run of it that does not hang
// over the tensor's edge: it can then be decoded in place.
std::optional<std::int64_t> run_start(const Layout& layout, const Hdf5Extents& offset) {
  std::int64_t start = 0;
  bool is_run = true;
  bool inner_whole = true;
  for (std::size_t axis = 0; axis < offset.size(); ++axis) {
    start = start * layout.extents[axis] + offset[axis];
    is_run = is_run && offset[axis] + layout.chunk[axis] <= layout.extents[axis];
  }
  for (std::size_t axis = offset.size(); axis-- > 0;) {
    is_run = is_run && (inner_whole || layout.chunk[axis] == 1);
    inner_whole = inner_whole && layout.chunk[axis] == layout.extents[axis];
  }
  return is_run ? std::optional(start) : std::nullopt;
}

// Copies the part of a chunk that lies in the tensor, one innermost row at a time.
void scatter(const Layout& layout, const Hdf5Extents& offset, std::span<const std::uint8_t> chunk,
             std::span<std::uint8_t> bytes) {
  const std::size_t rank = offset.size();
  Hdf5Extents part(rank);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    part[axis] = std::min(layout.chunk[axis], layout.extents[axis] - offset[axis]);
  }
  const auto row = static_cast<std::size_t>(part.back());
  Hdf5Extents inside(rank, 0);
  while (true) {
    std::int64_t from = 0;
    std::int64_t to = 0;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      from = from * layout.chunk[axis] + inside[axis];
      to = to * layout.extents[axis] + offset[axis] + inside[axis];
    }
    std::memcpy(bytes.data() + to, chunk.data() + from, row);
    std::size_t axis = rank - 1;
    while (axis-- > 0) {
      if (++inside[axis] < part[axis]) {
        break;
      }
      inside[axis] = 0;
    }
    if (axis == static_cast<std::size_t>(-1)) {
      return;
    }
  }
}

}  // namespace

void check_byte_storage(const Hdf5Dataset& dataset, std::int64_t max_bytes) {
  const Layout layout = layout_of(dataset, max_bytes);
  std::error_code error;
  const auto file_bytes =
      static_cast<std::int64_t>(std::filesystem::file_size(dataset.file(), error));
  const auto total =
      static_cast<std::int64_t>(std::min<hsize_t>(H5Dget_storage_size(dataset.id()), INT64_MAX));
  const bool is_packed = std::find(layout.filters.begin(), layout.filters.end(),
                                   H5Z_FILTER_DEFLATE) != layout.filters.end();
  const std::int64_t ratio = is_packed ? kMaxDeflateRatio : 1;
  if (total == 0 && layout.bytes > 0) {
    dataset.fail("was never written", "write its codes");
  }
  // Comparing first by division keeps a lying size from overflowing.
  if (error || total > file_bytes || layout.bytes / ratio > total) {
    dataset.fail(fmt::format("claims [{}] = {} codes, but the file stores {} bytes for it",
                             fmt::join(layout.extents, ", "), layout.bytes, total),
                 kMakeAgain);
  }
  if (layout.kind != H5D_CHUNKED) {
    return;
  }
  // Whoever claims tiny chunks by the billion ends here: none of them takes less than a byte.
  std::int64_t chunks = 1;
  for (std::size_t axis = 0; axis < layout.extents.size(); ++axis) {
    chunks *= (layout.extents[axis] + layout.chunk[axis] - 1) / layout.chunk[axis];
  }
  if (chunks > total) {
    dataset.fail("parts of it were never written", "write all of its codes");
  }
  for_each_chunk(layout, [&](const Hdf5Extents& offset) {
    const std::int64_t stored = stored_bytes(dataset, offset);
    if (stored == 0) {
      dataset.fail(fmt::format("its chunk at [{}] was never written", fmt::join(offset, ", ")),
                   "write all of its codes");
    }
    // Filters lengthen what they cannot shrink, but only by a little.
    const std::int64_t longest = layout.chunk_bytes + layout.chunk_bytes / 64 + 1024;
    if (stored > std::min(total, longest) || layout.chunk_bytes / ratio > stored) {
      fail_chunk(dataset, offset,
                 fmt::format("claims {} bytes for {} codes", stored, layout.chunk_bytes));
    }
  });
}

void read_bytes(const Hdf5Dataset& dataset, std::span<std::uint8_t> bytes) {
  const Layout layout = layout_of(dataset, static_cast<std::int64_t>(bytes.size()));
  assert(layout.bytes == static_cast<std::int64_t>(bytes.size()));
  if (layout.kind != H5D_CHUNKED) {
    dataset.read(bytes);
    return;
  }
  ChunkReader reader(dataset, layout);
  std::vector<std::uint8_t> buffer;
  const auto chunk_bytes = static_cast<std::size_t>(layout.chunk_bytes);
  for_each_chunk(layout, [&](const Hdf5Extents& offset) {
    if (const auto start = run_start(layout, offset)) {
      reader.read(offset, bytes.subspan(static_cast<std::size_t>(*start), chunk_bytes));
      return;
    }
    buffer.resize(chunk_bytes);
    reader.read(offset, buffer);
    scatter(layout, offset, buffer, bytes);
  });
}

}  // namespace potomac::workloads
