// Files that time, disks and networks have damaged, at random: a reader never crashes, hangs or
// asks for all memory. Failures print the seed.
#include <gtest/gtest.h>

#include <optional>
#include <random>

#ifdef POTOMAC_SANITIZES_ADDRESS
#include <sanitizer/lsan_interface.h>
#endif

#include "support/error.hpp"
#include "tests/support/hdf5/hdf5_edits.hpp"
#include "tests/workloads/sources/trace_samples.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac::workloads {
namespace {

class TraceDamage : public TraceFolder {
 protected:
#ifdef POTOMAC_SANITIZES_ADDRESS
  // libhdf5 1.10.8 loses some memory of its own when a damaged file does not open, also such as it
  // had before and used again.
  __lsan::ScopedDisabler leaks_of_hdf5_;
#endif

  // The layers of the file, or nothing if it is refused as bad input. Anything else fails the test.
  std::optional<std::vector<Layer>> outcome() const {
    try {
      return read_trace(TraceReader(path("net.h5")));
    } catch (const InputError&) {
      return std::nullopt;
    }
  }

  // A trace as plain h5py writes it: the oldest file format, texts of variable length. Its
  // metadata carry no checksums.
  void write_old_format(const std::vector<Layer>& layers) const {
    const Hdf5Edit edit(path("net.h5"), H5F_LIBVER_EARLIEST);
    edit.set_variable_text("/", "format", "potomac-trace");
    edit.set_integer("/", "version", 1);
    for (const char* name : {"model", "framework", "dataset"}) {
      edit.set_variable_text("/", name, "tiny");
    }
    edit.set_variable_text("/", "rounding", "log2");
    edit.set_integer("/", "step", 1);
    edit.set_integer("/", "seed", 1);
    edit.create_group("layers");
    for (const Layer& layer : layers) {
      const std::string group = "layers/" + layer.shape.name;
      edit.create_group(group);
      edit.set_variable_text(group, "kind", std::string(name_of(layer.shape.kind)));
      edit.set_integer(group, "input_grad", layer.shape.input_grad ? 1 : 0);
      const ConvGeometry& conv = layer.shape.conv;
      edit.set_integers(group, "stride", {conv.stride.begin(), conv.stride.end()});
      edit.set_integers(group, "padding", {conv.padding.before.begin(), conv.padding.before.end()});
      edit.set_integers(group, "dilation", {conv.dilation.begin(), conv.dilation.end()});
      edit.set_integer(group, "groups", conv.groups);
      write_old_tensor(edit, group + "/W", layer.w);
      write_old_tensor(edit, group + "/A", layer.a);
      write_old_tensor(edit, group + "/G", layer.g);
    }
  }

  static void write_old_tensor(const Hdf5Edit& edit, const std::string& name,
                               const QuantizedTensor& tensor) {
    const std::vector<hsize_t> extents(tensor.shape.begin(), tensor.shape.end());
    edit.create_dataset(
        name, H5T_STD_U8LE, extents,
        [&](hid_t plan) {
          std::vector<hsize_t> chunk = extents;
          chunk[0] = (chunk[0] + 1) / 2;
          H5Pset_chunk(plan, static_cast<int>(chunk.size()), chunk.data());
          H5Pset_deflate(plan, 4);
          H5Pset_fletcher32(plan);
        },
        H5T_NATIVE_UINT8, tensor.codes.data());
    edit.set_integer(name, "bits", tensor.bits);
    edit.set_integer(name, "beta", tensor.beta);
  }

  // Overwrites some bytes, in one of three manners: any value, one bit, a run of one value.
  static std::string damaged(std::string bytes, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const std::uint64_t places = std::uint64_t{1} << random() % 6U;
    const std::uint64_t manner = random() % 3;
    for (std::uint64_t i = 0; i < places; ++i) {
      const std::size_t at = random() % bytes.size();
      if (manner == 0) {
        bytes[at] = static_cast<char>(random());
      } else if (manner == 1) {
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
      } else {
        const std::size_t length = std::min(bytes.size() - at, std::size_t{1} + random() % 8);
        bytes.replace(at, length, length, "\x00\x7F\x80\xFF"[random() % 4]);
      }
    }
    return bytes;
  }
};

TEST_F(TraceDamage, EveryCutIsNoticed) {
  write_trace(path("net.h5"), sample_layers());
  const std::string bytes = bytes_of(path("net.h5"));
  // Every length at both ends, where headers begin and the last bytes are missing; else one in 61.
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    if (length > 100 && length + 30 < bytes.size() && length % 61 != 0) {
      continue;
    }
    SCOPED_TRACE(length);
    put_bytes(path("net.h5"), bytes.substr(0, length));
    EXPECT_FALSE(outcome());
  }
}

TEST_F(TraceDamage, DamageToOurOwnFilesIsAlwaysNoticed) {
  const std::vector<Layer> layers = sample_layers();
  write_trace(path("net.h5"), layers);
  const std::string bytes = bytes_of(path("net.h5"));
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    put_bytes(path("net.h5"), damaged(bytes, seed));
    const auto read = outcome();
    // All that is read lies under a checksum: what passes is as it was.
    EXPECT_TRUE(!read || equal(*read, layers));
  }
}

// One flipped bit, as a disk or a network makes it: 2,000 of them all over the shipped trace.
TEST_F(TraceDamage, NoFlippedBitOfTheShippedTraceIsTakenForData) {
  const std::string whole = bytes_of(POTOMAC_SOURCE_DIR "/workloads/traces/fashion-cnn-b16.h5");
  put_bytes(path("net.h5"), whole);
  const std::vector<Layer> layers = outcome().value();
  const WorkloadInfo info = TraceReader(path("net.h5")).info();
  constexpr std::uint64_t kSeed = 20261125;
  std::mt19937_64 random(kSeed);
  int noticed = 0;
#ifdef POTOMAC_SANITIZES_ADDRESS
  constexpr int kFlips = 200;  // each is slow there, and what they find is the same
#else
  constexpr int kFlips = 2000;
#endif
  for (int flip = 0; flip < kFlips; ++flip) {
    // Half of them among the first 32 KiB and the last 8, where most of the metadata lie.
    const std::size_t metadata = std::size_t{40} << 10U;
    std::size_t at = random() % (flip % 2 == 0 ? whole.size() : metadata);
    if (flip % 2 == 1 && at >= (std::size_t{32} << 10U)) {
      at = whole.size() - 1 - at % (std::size_t{8} << 10U);
    }
    const auto bit = static_cast<unsigned>(random() % 8);
    SCOPED_TRACE(testing::Message() << "seed " << kSeed << ", byte " << at << ", bit " << bit);
    const auto put = [&](char byte) {
      std::fstream stream(path("net.h5"), std::ios::in | std::ios::out | std::ios::binary);
      stream.seekp(static_cast<std::streamoff>(at));
      stream.put(byte);
    };
    put(static_cast<char>(static_cast<unsigned char>(whole[at]) ^ (1U << bit)));
    const auto read = outcome();
    noticed += read ? 0 : 1;
    if (read) {  // in a part of the file that holds nothing
      EXPECT_TRUE(equal(*read, layers));
      EXPECT_EQ(TraceReader(path("net.h5")).info(), info);
    }
    put(whole[at]);
  }
  EXPECT_GT(noticed, kFlips * 3 / 4);
}

TEST_F(TraceDamage, FilesWithoutMetadataChecksumsAreRefusedAndCanBeConverted) {
  const std::vector<Layer> layers = sample_layers();
  write_old_format(layers);
  try {
    const TraceReader reader(path("net.h5"));
    FAIL() << "accepted";
  } catch (const InputError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("without checksums"), std::string::npos) << message;
    EXPECT_NE(message.find("potomac trace import"), std::string::npos) << message;
  }
  EXPECT_TRUE(equal(read_trace(TraceReader(path("net.h5"), Hdf5Guard::kNone)), layers));
}

}  // namespace
}  // namespace potomac::workloads
