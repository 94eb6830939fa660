// Files that time, disks and networks have damaged, at random: a reader never crashes, hangs or
// asks for all memory. Failures print the seed.
#include <gtest/gtest.h>

#include <optional>
#include <random>

#include "support/error.hpp"
#include "tests/workloads/sources/hdf5_edits.hpp"
#include "tests/workloads/sources/trace_samples.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac::workloads {
namespace {

class TraceDamage : public TraceFolder {
 protected:
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
    edit.set_text("/", "format", "potomac-trace");
    edit.set_integer("/", "version", 1);
    for (const char* name : {"model", "framework", "dataset"}) {
      edit.set_text("/", name, "tiny");
    }
    edit.set_text("/", "rounding", "log2");
    edit.set_integer("/", "step", 1);
    edit.set_integer("/", "seed", 1);
    edit.create_group("layers");
    for (const Layer& layer : layers) {
      const std::string group = "layers/" + layer.shape.name;
      edit.create_group(group);
      edit.set_text(group, "kind", std::string(name_of(layer.shape.kind)));
      edit.set_integer(group, "input_grad", layer.shape.input_grad ? 1 : 0);
      const Conv2dGeometry& conv = layer.shape.conv;
      edit.set_integers(group, "stride", {conv.stride.begin(), conv.stride.end()});
      edit.set_integers(group, "padding", {conv.padding.begin(), conv.padding.end()});
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

TEST_F(TraceDamage, DamageToFilesWithoutMetadataChecksumsIsSurvived) {
  write_old_format(sample_layers());
  ASSERT_TRUE(outcome());
  const std::string bytes = bytes_of(path("net.h5"));
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    put_bytes(path("net.h5"), damaged(bytes, seed));
    const auto read = outcome();
    for (const Layer& layer : read.value_or(std::vector<Layer>())) {
      EXPECT_NO_THROW(check(layer.shape, "net.h5"));
      EXPECT_NO_THROW(check_codes(layer.w, "net.h5", "W"));
      EXPECT_NO_THROW(check_codes(layer.a, "net.h5", "A"));
      EXPECT_NO_THROW(check_codes(layer.g, "net.h5", "G"));
    }
  }
}

}  // namespace
}  // namespace potomac::workloads
