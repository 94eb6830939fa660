// Bad input: each trace here is valid but for one fault, and the reader must say which.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "support/error.hpp"
#include "tests/support/hdf5/hdf5_edits.hpp"
#include "tests/workloads/sources/trace_samples.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac::workloads {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class TraceFaults : public TraceFolder {
 protected:
  void SetUp() override {
    TraceFolder::SetUp();
    write_trace(trace(), sample_layers());
  }

  std::filesystem::path trace() const { return path("net.h5"); }

  // The line that a reader refuses the file with, on opening it or reading its layers.
  static std::string refusal(const std::filesystem::path& file) {
    try {
      read_trace(TraceReader(file));
    } catch (const InputError& error) {
      const std::string line = error.what();
      EXPECT_THAT(line, AllOf(StartsWith(file.string() + ": "), Not(HasSubstr("\n"))));
      EXPECT_FALSE(error.fault().remedy.empty());
      return line.substr(file.string().size() + 2);
    }
    return "no error";
  }
  std::string refusal() const { return refusal(trace()); }

  static constexpr const char* kConv = "layers/000-conv";
  static constexpr const char* kLinear = "layers/001-linear";
};

// --- not a trace at all ---

TEST_F(TraceFaults, AFileThatIsMissing) {
  EXPECT_EQ(refusal(path("none.h5")), "there is no such file; check the name");
}

TEST_F(TraceFaults, AFolder) {
  EXPECT_THAT(refusal(folder_), StartsWith("is a folder"));
}

TEST_F(TraceFaults, APipeIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal(path("pipe")), StartsWith("is not a regular file"));
}

TEST_F(TraceFaults, AFileThatMayNotBeRead) {
  if (::geteuid() == 0) {
    GTEST_SKIP() << "root may read everything";
  }
  ::chmod(trace().c_str(), 0);
  EXPECT_THAT(refusal(), HasSubstr("cannot be read (Permission denied)"));
}

TEST_F(TraceFaults, AFileThatIsNotHdf5) {
  put_bytes(path("empty"), "");
  EXPECT_THAT(refusal(path("empty")), StartsWith("is not an HDF5 file"));
  put_bytes(path("text"), std::string(10'000, 'x'));
  EXPECT_THAT(refusal(path("text")), StartsWith("is not an HDF5 file"));
}

TEST_F(TraceFaults, ATruncatedFile) {
  const std::string bytes = bytes_of(trace());
  put_bytes(trace(), bytes.substr(0, bytes.size() / 2));
  EXPECT_THAT(refusal(), StartsWith("is truncated"));
}

TEST_F(TraceFaults, AnotherKindOfHdf5File) {
  { const Hdf5Edit edit(path("other.h5"), H5F_LIBVER_LATEST); }
  EXPECT_THAT(refusal(path("other.h5")), StartsWith("is HDF5, but not a Potomac trace"));
  Hdf5Edit(trace()).set_text("/", "format", "keras-weights");
  EXPECT_THAT(refusal(), HasSubstr("its format is 'keras-weights'"));
}

TEST_F(TraceFaults, AVersionOfAnotherPotomac) {
  Hdf5Edit(trace()).set_integer("/", "version", 3);
  EXPECT_THAT(refusal(), AllOf(StartsWith("trace version 3 was made by a newer Potomac"),
                               HasSubstr("reads versions 1 to 2"), EndsWith("as version 2")));
  Hdf5Edit(trace()).set_integer("/", "version", 0);
  EXPECT_THAT(refusal(), StartsWith("trace version 0 does not exist"));
}

// --- what is missing ---

TEST_F(TraceFaults, EveryMissingRootAttributeIsNamed) {
  for (const std::string name :
       {"version", "model", "framework", "dataset", "step", "seed", "rounding"}) {
    write_trace(trace(), sample_layers());
    Hdf5Edit(trace()).remove_attribute("/", name);
    EXPECT_THAT(refusal(), StartsWith("attribute '" + name + "' is missing"));
  }
}

TEST_F(TraceFaults, EveryMissingLayerAttributeIsNamed) {
  for (const std::string name : {"kind", "input_grad", "stride", "padding", "dilation", "groups"}) {
    write_trace(trace(), sample_layers());
    Hdf5Edit(trace()).remove_attribute(kConv, name);
    EXPECT_THAT(refusal(), StartsWith("layers/000-conv: attribute '" + name + "' is missing"));
  }
}

TEST_F(TraceFaults, EveryMissingTensorOrTensorAttributeIsNamed) {
  for (const std::string tensor : {"W", "A", "G"}) {
    for (const std::string name : {"bits", "beta"}) {
      write_trace(trace(), sample_layers());
      Hdf5Edit(trace()).remove_attribute(kConv + ("/" + tensor), name);
      EXPECT_THAT(refusal(), StartsWith(fmt::format("layers/000-conv/{}: attribute '{}' is missing",
                                                    tensor, name)));
    }
    write_trace(trace(), sample_layers());
    Hdf5Edit(trace()).remove(kConv + ("/" + tensor));
    EXPECT_THAT(refusal(), StartsWith("layers/000-conv/" + tensor + ": is missing; add"));
  }
}

TEST_F(TraceFaults, NoLayers) {
  {
    const Hdf5Edit edit(trace());
    edit.remove("layers");
  }
  EXPECT_THAT(refusal(), StartsWith("layers: is missing"));
  Hdf5Edit(trace()).create_group("layers");
  EXPECT_THAT(refusal(), StartsWith("layers: holds no layer"));
}

// --- what is there but wrong ---

TEST_F(TraceFaults, ValuesOutOfRange) {
  const auto with = [&](const std::string& object, const std::string& name, std::int64_t value) {
    write_trace(trace(), sample_layers());
    Hdf5Edit(trace()).set_integer(object, name, value);
    return refusal();
  };
  EXPECT_EQ(with("layers/001-linear/W", "bits", 2),
            "layers/001-linear/W: attribute 'bits' is 2; it must be from 3 to 8");
  EXPECT_EQ(with("layers/001-linear/G", "bits", 9),
            "layers/001-linear/G: attribute 'bits' is 9; it must be from 3 to 8");
  EXPECT_EQ(
      with("layers/001-linear/A", "beta", std::int64_t{1} << 40),
      "layers/001-linear/A: attribute 'beta' is 1099511627776; it must be from -2048 to 2048");
  EXPECT_THAT(with(kLinear, "input_grad", 2), HasSubstr("'input_grad' is 2; it must be from 0"));
  EXPECT_THAT(with(kLinear, "term", 3), HasSubstr("'term' is 3; it must be from 1 to 2"));
  EXPECT_THAT(with(kConv, "groups", 0), HasSubstr("groups is 0"));
  EXPECT_THAT(with(kConv, "groups", 4), HasSubstr("does not divide both"));
}

TEST_F(TraceFaults, OriginsOfZerosThatAreNotTheTensorsZeros) {
  const std::string tensor = "layers/001-linear/W";
  const auto with = [&](std::int64_t exact, std::int64_t underflows) {
    write_trace(trace(), sample_layers());
    const Hdf5Edit edit(trace());
    edit.set_integer(tensor, "exact_zeros", exact);
    edit.set_integer(tensor, "underflows", underflows);
  };
  const Layer layer = sample_layers()[1];
  const auto zeros = std::ranges::count(layer.w.codes, layer.w.format().zero());
  ASSERT_GT(zeros, 0);
  with(zeros - 1, 1);
  EXPECT_EQ(refusal(), "no error");
  with(zeros, 1);
  EXPECT_THAT(refusal(), HasSubstr(fmt::format("{} codes are zero, but exact_zeros + underflows is "
                                               "{} + 1",
                                               zeros, zeros)));
  with(-1, zeros + 1);
  EXPECT_THAT(refusal(), HasSubstr("'exact_zeros' is -1"));
  with(zeros, 0);
  Hdf5Edit(trace()).remove_attribute(tensor, "underflows");
  EXPECT_THAT(refusal(), HasSubstr("'underflows'"));
}

TEST_F(TraceFaults, GeometryThatDoesNotFit) {
  const auto with = [&](const std::string& name, const std::vector<std::int64_t>& values) {
    write_trace(trace(), sample_layers());
    Hdf5Edit(trace()).set_integers(kConv, name, values);
    return refusal();
  };
  EXPECT_THAT(with("stride", {0, 1}), StartsWith("layers/000-conv: stride[0] is 0"));
  EXPECT_THAT(with("stride", {1, 1}), HasSubstr("G[2] is 4, but floor("));
  EXPECT_THAT(with("stride", {1, 1, 1}),
              HasSubstr("'stride' is 3 of int64, not a list of 2 whole numbers"));
  EXPECT_THAT(with("dilation", {9, 1}), HasSubstr("its kernel spans"));
}

TEST_F(TraceFaults, NamesThatAreNotKnown) {
  Hdf5Edit(trace()).set_text(kConv, "kind", "conv4d");
  EXPECT_EQ(refusal(),
            "layers/000-conv: kind 'conv4d' is not known; use linear, conv2d, matmul, "
            "conv_transpose2d, conv3d or conv_transpose3d");
  Hdf5Edit(trace()).set_text("/", "rounding", "nearest");
  EXPECT_THAT(refusal(), StartsWith("rounding 'nearest' is not known"));
  Hdf5Edit(trace()).set_text("/", "rounding", "log2");
  Hdf5Edit(trace()).set_text("/", "gradient_rounding", "random");
  EXPECT_THAT(refusal(), StartsWith("gradient_rounding 'random' is not known"));
}

TEST_F(TraceFaults, ALayerNameWithControlCharacters) {
  {
    const Hdf5Edit edit(trace());
    H5Lmove(edit.id(), kLinear, edit.id(), "layers/001-\x1B[31mred\n", H5P_DEFAULT, H5P_DEFAULT);
  }
  EXPECT_THAT(refusal(), AllOf(StartsWith("layers/001-\\x1B[31mred\\x0A: the layer's name"),
                               HasSubstr("control characters")));
}

TEST_F(TraceFaults, ALayerThatIsNoGroup) {
  {
    const Hdf5Edit edit(trace());
    const std::uint8_t value = 0;
    edit.create_dataset(
        "layers/stray", H5T_STD_U8LE, {1}, [](hid_t) {}, H5T_NATIVE_UINT8, &value);
  }
  EXPECT_THAT(refusal(), StartsWith("layers/stray: is not a group"));
}

TEST_F(TraceFaults, ATensorOfAnotherType) {
  const std::vector<double> values(36, 1.0);
  const auto with = [&](hid_t type) {
    write_trace(trace(), sample_layers());
    {
      const Hdf5Edit edit(trace());
      edit.remove("layers/001-linear/A");
      edit.create_dataset(
          "layers/001-linear/A", type, {3, 12}, [](hid_t) {}, H5T_NATIVE_DOUBLE, values.data());
    }
    return refusal();
  };
  EXPECT_EQ(with(H5T_IEEE_F32LE),
            "layers/001-linear/A: holds float32 instead of uint8; write PoT codes, one unsigned "
            "byte each");
  EXPECT_THAT(with(H5T_STD_I8LE), HasSubstr("holds int8 instead of uint8"));
  EXPECT_THAT(with(H5T_STD_U16LE), HasSubstr("holds uint16 instead of uint8"));
}

TEST_F(TraceFaults, WhoFeedsALayerRunsBeforeIt) {
  const auto with = [&](const char* producer) {
    write_trace(trace(), sample_layers());
    Hdf5Edit(trace()).set_text("layers/001-linear/A", "producer", producer);
    return refusal();
  };
  EXPECT_EQ(with("000-conv"), "no error");
  EXPECT_EQ(with(""), "no error");
  EXPECT_EQ(
      with("000-conv/002-matmul"),
      "layers/001-linear/A: attribute 'producer' names '002-matmul', which is no layer before "
      "it; name layers before it, with '/' between them");
  EXPECT_THAT(with("conv"), HasSubstr("names 'conv', which is no layer before it"));
}

TEST_F(TraceFaults, AccumulatorsThatAreNone) {
  const auto with = [&](const char* name, std::initializer_list<std::int64_t> values) {
    std::vector<Layer> layers = sample_layers();
    write_trace(trace(), layers);
    {
      const Hdf5Edit edit(trace());
      edit.set_integers("layers/001-linear", "acc_bits", {32, 0, 32});
      edit.set_integers("layers/001-linear", "acc_lsb", {-8, 0, -8});
      edit.set_integers("layers/001-linear", "acc_overflow", {1, 0, 0});
      edit.set_integers("layers/001-linear", name, values);
    }
    return refusal();
  };
  EXPECT_EQ(with("acc_bits", {32, 0, 64}), "no error");
  EXPECT_EQ(with("acc_bits", {32, 0, 65}),
            "layers/001-linear: attribute 'acc_bits' has 65; each of its numbers must be from 8 to "
            "64");
  EXPECT_THAT(with("acc_lsb", {-257, 0, 0}), HasSubstr("attribute 'acc_lsb' has -257"));
  EXPECT_THAT(with("acc_overflow", {2, 0, 0}), HasSubstr("attribute 'acc_overflow' has 2"));
  EXPECT_THAT(with("acc_lsb", {1, 2}), HasSubstr("acc_lsb"));
}

class OriginalsFaults : public TraceFaults {
 protected:
  // Refusal of a trace with originals, of which a dataset is replaced by one of these values.
  std::string with(const std::string& name, hid_t type, const std::vector<hsize_t>& extents,
                   float value) {
    std::vector<Layer> layers = sample_layers();
    for (Layer& layer : layers) {
      layer.originals = values_of(layer.shape);
    }
    write_trace(trace(), layers);
    {
      const Hdf5Edit edit(trace());
      edit.remove(name);
      hsize_t size = 1;
      for (const hsize_t extent : extents) {
        size *= extent;
      }
      const std::vector<float> values(size, value);
      if (type >= 0) {
        const auto plan = [&](hid_t list) {
          H5Pset_chunk(list, static_cast<int>(extents.size()), extents.data());
          H5Pset_fletcher32(list);
        };
        edit.create_dataset(name, type, extents, plan, H5T_NATIVE_FLOAT, values.data());
      }
    }
    return refusal();
  }
};

TEST_F(OriginalsFaults, AreNamed) {
  const std::string a = "layers/001-linear/A_fp32";
  EXPECT_EQ(with(a, H5T_IEEE_F32LE, {3, 12}, 1.0F), "no error");
  EXPECT_THAT(with(a, H5T_IEEE_F64LE, {3, 12}, 1.0F),
              StartsWith(a + ": holds float64 instead of float32"));
  EXPECT_THAT(with(a, H5T_IEEE_F32LE, {12, 3}, 1.0F),
              StartsWith(a + ": its shape [12, 3] is not A's [3, 12]"));
  EXPECT_THAT(with(a, H5T_IEEE_F32LE, {3, 12}, std::numeric_limits<float>::infinity()),
              StartsWith(a + ": is inf at [0, 0]; write finite values"));
  EXPECT_THAT(with(a, -1, {}, 0.0F), HasSubstr("A_fp32"));
  EXPECT_THAT(with("layers/001-linear/W_fp32", -1, {}, 0.0F),
              StartsWith("layers/001-linear: has no FP32 originals, and the layers before have"));
}

TEST_F(TraceFaults, ATensorOfAnotherShape) {
  Hdf5Edit(trace()).replace_tensor("layers/001-linear/A", {36}, std::vector<std::uint8_t>(36));
  EXPECT_THAT(refusal(), HasSubstr("A has 1 axes, [36], but a linear layer's has 2"));
  Hdf5Edit(trace()).replace_tensor("layers/001-linear/A", {3, 13}, std::vector<std::uint8_t>(39));
  EXPECT_THAT(refusal(), StartsWith("layers/001-linear: W[1] is 12 but A[1] is 13"));
}

TEST_F(TraceFaults, ATensorThatIsAbsurdlyLarge) {
  const auto plan = [](hid_t list) {
    const hsize_t chunk[2] = {1024, 1024};
    H5Pset_chunk(list, 2, chunk);
    H5Pset_deflate(list, 4);
    H5Pset_fletcher32(list);
  };
  Hdf5Edit(trace()).replace_tensor("layers/001-linear/A", {1U << 18U, 1U << 18U}, {}, plan);
  EXPECT_THAT(refusal(), StartsWith("layers/001-linear/A: its extents [262144, 262144] are "
                                    "absurdly large: a tensor holds at most 4294967296 codes"));
  // Below the limit, yet far more than the file holds.
  Hdf5Edit(trace()).replace_tensor("layers/001-linear/A", {1U << 15U, 1U << 15U}, {}, plan);
  EXPECT_THAT(refusal(), StartsWith("layers/001-linear/A: holds 0 of its 1024 chunks"));
}

TEST_F(TraceFaults, ALinkToAnotherFile) {
  {
    const Hdf5Edit edit(trace());
    edit.remove("layers/001-linear/A");
    H5Lcreate_external("secret.h5", "/x", edit.id(), "layers/001-linear/A", H5P_DEFAULT,
                       H5P_DEFAULT);
  }
  EXPECT_THAT(refusal(), StartsWith("layers/001-linear/A: is a soft or external link"));
}

// --- codes ---

TEST_F(TraceFaults, ANegativeZeroIsNamedWithItsIndexAndRemedy) {
  std::vector<std::uint8_t> codes(36, 0x07);
  codes[12 + 5] = 0x18;
  codes[30] = 0xFF;  // only the first is named
  Hdf5Edit(trace()).replace_tensor("layers/001-linear/A", {3, 12}, codes);
  EXPECT_EQ(refusal(),
            "layers/001-linear/A: code 0x18 at [1, 5] (element 17) is a negative zero, which is "
            "not canonical; write zero as 0x08");
}

TEST_F(TraceFaults, BitsAboveTheCodeAreNamed) {
  std::vector<std::uint8_t> codes(36, 0x07);
  codes[35] = 0x20;
  Hdf5Edit(trace()).replace_tensor("layers/001-linear/A", {3, 12}, codes);
  EXPECT_THAT(refusal(),
              StartsWith("layers/001-linear/A: code 0x20 at [2, 11] (element 35) has bits above "
                         "the 5 of a 5-bit code; write one code per byte"));
}

TEST_F(TraceFaults, EveryCodeOfEveryWidthIsJudgedAsTheFormatSays) {
  for (int bits = rtl::kMinPotBits; bits <= rtl::kMaxPotBits; ++bits) {
    const rtl::PotFormat format(bits);
    for (int code = 0; code < 256; ++code) {
      QuantizedTensor tensor{.shape = {40}, .bits = bits, .beta = 0, .codes = {}};
      tensor.codes.assign(40, format.zero());
      tensor.codes[33] = static_cast<rtl::PotCode>(code);
      const auto judge = [&] { check_codes(tensor, "f", "p"); };
      if (format.is_canonical(static_cast<rtl::PotCode>(code))) {
        EXPECT_NO_THROW(judge()) << bits << ' ' << code;
      } else {
        EXPECT_THROW(judge(), InputError) << bits << ' ' << code;
      }
    }
  }
}

// --- what is not a fault ---

TEST_F(TraceFaults, MoreAttributesAndDatasetsThanNeededAreNotAFault) {
  {
    const Hdf5Edit edit(trace());
    edit.set_text("/", "gamma", "0.95");
    edit.create_group("notes");
    const std::uint8_t value = 0;
    edit.create_dataset(
        "layers/000-conv/mask", H5T_STD_U8LE, {1}, [](hid_t) {}, H5T_NATIVE_UINT8, &value);
  }
  EXPECT_TRUE(equal(read_trace(TraceReader(trace())), sample_layers()));
}

TEST_F(TraceFaults, DataWithoutAChecksumSayHowToConvertThem) {
  const std::vector<Layer> layers = sample_layers();
  {
    const Hdf5Edit edit(trace());
    edit.replace_tensor("layers/001-linear/A", {3, 12}, layers[1].a.codes, [](hid_t) {});
  }
  EXPECT_THAT(refusal(), StartsWith("layers/001-linear/A: is not stored in chunks with the "
                                    "Fletcher-32 filter, without checksums"));
  EXPECT_EQ(TraceReader(trace(), Hdf5Guard::kNone).read(1)->a.codes, layers[1].a.codes);
}

}  // namespace
}  // namespace potomac::workloads
