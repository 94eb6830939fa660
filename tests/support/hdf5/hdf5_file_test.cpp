#include "support/hdf5/hdf5_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <numeric>
#include <string>

#include "support/error.hpp"
#include "tests/support/hdf5/hdf5_edits.hpp"
#include "tests/workloads/sources/trace_samples.hpp"

namespace potomac::workloads {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class Hdf5HandleTest : public TraceFolder {
 protected:
  // The line of the InputError that `action` ends with.
  template <class Action>
  static std::string refusal(const Action& action) {
    try {
      action();
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  }
};

TEST_F(Hdf5HandleTest, AttributesComeBackAsWritten) {
  {
    Hdf5File file = Hdf5File::create(path("a.h5"), "a.h5");
    file.set_integer("integer", INT64_MIN);
    file.set_text("text", "caf\xC3\xA9");
    file.set_text("empty", "");
    const Hdf5Group group = file.create_group("group");
    group.set_integers("pair", std::vector<std::int64_t>{-3, 4});
    file.close();
  }
  const Hdf5File file = Hdf5File::open(path("a.h5"));
  EXPECT_EQ(file.integer("integer"), INT64_MIN);
  EXPECT_EQ(file.text("text"), "caf\xC3\xA9");
  EXPECT_EQ(file.text("empty"), "");
  EXPECT_THAT(file.open_group("group").integers("pair", {2}), ElementsAre(-3, 4));
  EXPECT_TRUE(file.has_attribute("text"));
  EXPECT_FALSE(file.has_attribute("none"));
}

TEST_F(Hdf5HandleTest, ReadsTextInEveryFormThatOthersWrite) {
  {
    const Hdf5Edit edit(path("a.h5"), H5F_LIBVER_EARLIEST);
    edit.set_variable_text("/", "variable utf-8", "\xE2\x82\xAC");
    const char* pointer = "plain";
    const hid_t variable = H5Tcopy(H5T_C_S1);
    H5Tset_size(variable, H5T_VARIABLE);
    edit.set_attribute("/", "variable ascii", variable, &pointer);
    const auto fixed = [&](const char* name, H5T_str_t padding, H5T_cset_t set,
                           const std::string& bytes) {
      ASSERT_EQ(bytes.size(), 6U);
      const hid_t type = H5Tcopy(H5T_C_S1);
      H5Tset_size(type, 6);
      H5Tset_strpad(type, padding);
      H5Tset_cset(type, set);
      edit.set_attribute("/", name, type, bytes.data());
      H5Tclose(type);
    };
    fixed("null padded", H5T_STR_NULLPAD, H5T_CSET_ASCII, std::string("plain") + '\0');
    fixed("null padded, full", H5T_STR_NULLPAD, H5T_CSET_UTF8, "plains");
    fixed("null terminated", H5T_STR_NULLTERM, H5T_CSET_UTF8,
          "\xE2\x82\xAC" + std::string(3, '\0'));
    fixed("space padded", H5T_STR_SPACEPAD, H5T_CSET_ASCII, "ab    ");
    H5Tclose(variable);
  }
  const Hdf5File file = Hdf5File::open(path("a.h5"), Hdf5Guard::kNone);
  EXPECT_EQ(file.text("variable utf-8"), "\xE2\x82\xAC");
  EXPECT_EQ(file.text("variable ascii"), "plain");
  EXPECT_EQ(file.text("null padded"), "plain");
  EXPECT_EQ(file.text("null padded, full"), "plains");
  EXPECT_EQ(file.text("null terminated"), "\xE2\x82\xAC");
  EXPECT_EQ(file.text("space padded"), "ab");
}

TEST_F(Hdf5HandleTest, WhatLiesUnderNoChecksumIsRefusedUnlessAskedFor) {
  const auto refusal = [&](const std::string& name) -> std::string {
    try {
      const Hdf5File file = Hdf5File::open(path(name));
      file.text("text");
      file.open_dataset("data").check_storage(1000);
      return "";
    } catch (const InputError& error) {
      return error.what();
    }
  };
  const std::vector<std::uint8_t> values(12, 1);
  const auto make = [&](const std::string& name, H5F_libver_t version, bool variable,
                        bool checksum) {
    const Hdf5Edit edit(path(name), version);
    variable ? edit.set_variable_text("/", "text", "x") : edit.set_text("/", "text", "x");
    edit.create_dataset(
        "data", H5T_STD_U8LE, {3, 4},
        [&](hid_t plan) {
          const hsize_t chunk[2] = {2, 4};
          H5Pset_chunk(plan, 2, chunk);
          if (checksum) {
            H5Pset_fletcher32(plan);
          }
        },
        H5T_NATIVE_UINT8, values.data());
  };
  make("good.h5", H5F_LIBVER_V110, false, true);
  EXPECT_EQ(refusal("good.h5"), "");
  make("old.h5", H5F_LIBVER_EARLIEST, false, true);
  EXPECT_NE(refusal("old.h5").find("its metadata are in an older format"), std::string::npos);
  make("variable.h5", H5F_LIBVER_V110, true, true);
  EXPECT_NE(refusal("variable.h5").find("'text' is a text of variable length"), std::string::npos);
  make("bare.h5", H5F_LIBVER_V110, false, false);
  EXPECT_NE(refusal("bare.h5").find("Fletcher-32"), std::string::npos);
  for (const char* name : {"old.h5", "variable.h5", "bare.h5"}) {
    const Hdf5File any = Hdf5File::open(path(name), Hdf5Guard::kNone);
    EXPECT_EQ(any.text("text"), "x");
    EXPECT_NO_THROW(any.open_dataset("data").check_storage(1000));
  }
}

TEST_F(Hdf5HandleTest, ReadsIntegersOfEveryWidthAndSign) {
  {
    const Hdf5Edit edit(path("a.h5"), H5F_LIBVER_V110);
    const std::uint8_t byte = 200;
    const std::int16_t word = -300;
    const std::uint64_t fits = INT64_MAX;
    const std::uint64_t overflows = std::uint64_t{1} << 63U;
    const std::int64_t one[1] = {17};
    edit.set_attribute("/", "u8", H5T_NATIVE_UINT8, &byte);
    edit.set_attribute("/", "i16", H5T_NATIVE_INT16, &word);
    edit.set_attribute("/", "u64", H5T_NATIVE_UINT64, &fits);
    edit.set_attribute("/", "u64 too large", H5T_NATIVE_UINT64, &overflows);
    edit.set_attribute("/", "one in a list", H5T_NATIVE_INT64, one, 1);
    // What h5py makes of a bool.
    const hid_t boolean = H5Tenum_create(H5T_NATIVE_INT8);
    const std::int8_t no = 0;
    const std::int8_t yes = 1;
    H5Tenum_insert(boolean, "FALSE", &no);
    H5Tenum_insert(boolean, "TRUE", &yes);
    edit.set_attribute("/", "bool", boolean, &yes);
    H5Tclose(boolean);
  }
  const Hdf5File file = Hdf5File::open(path("a.h5"));
  EXPECT_EQ(file.integer("u8"), 200);
  EXPECT_EQ(file.integer("i16"), -300);
  EXPECT_EQ(file.integer("u64"), INT64_MAX);
  EXPECT_EQ(file.integer("one in a list"), 17);
  EXPECT_EQ(file.integer("bool"), 1);
  EXPECT_THAT(refusal([&] { file.integer("u64 too large"); }), HasSubstr("larger than 2^63 - 1"));
}

TEST_F(Hdf5HandleTest, RefusesAttributesOfAnotherKind) {
  {
    Hdf5File file = Hdf5File::create(path("a.h5"), "a.h5");
    file.set_integers("list", std::vector<std::int64_t>{1, 2, 3});
    file.set_text("text", "7");
    file.close();
  }
  constexpr double kMinusThree = -3.0;
  Hdf5Edit(path("a.h5")).set_attribute("/", "float", H5T_NATIVE_DOUBLE, &kMinusThree);
  const Hdf5File file = Hdf5File::open(path("a.h5"));
  EXPECT_THAT(refusal([&] { file.integer("list"); }),
              HasSubstr("'list' is 3 of int64, not one whole number"));
  EXPECT_THAT(refusal([&] { file.integer("text"); }),
              HasSubstr("'text' is string, not one whole number"));
  EXPECT_THAT(refusal([&] { file.integer("float"); }),
              HasSubstr("'float' is float64 -3, not one whole number"));
  EXPECT_THAT(refusal([&] { file.integers("list", {2}); }),
              HasSubstr("'list' is 3 of int64, not a list of 2 whole numbers"));
  EXPECT_THAT(refusal([&] { file.text("list"); }), HasSubstr("'list' is 3 of int64, not one text"));
  EXPECT_THAT(refusal([&] { file.integer("none"); }),
              AllOf(StartsWith(path("a.h5").string()), HasSubstr("attribute 'none' is missing")));
}

TEST_F(Hdf5HandleTest, RefusesTextThatIsNotPlainOrTooLong) {
  {
    const Hdf5Edit edit(path("a.h5"), H5F_LIBVER_LATEST);
    edit.set_text("/", "escape", "a\x1B[2J");
    edit.set_text("/", "latin-1", "caf\xE9");
    edit.set_text("/", "long", std::string(70'000, 'x'));
  }
  const Hdf5File file = Hdf5File::open(path("a.h5"));
  EXPECT_THAT(refusal([&] { file.text("escape"); }),
              HasSubstr("control characters or broken UTF-8 ('a\\x1B[2J')"));
  EXPECT_THAT(refusal([&] { file.text("latin-1"); }), HasSubstr("('caf\\xE9')"));
  EXPECT_THAT(refusal([&] { file.text("long"); }), HasSubstr("longer than 64 KiB"));
}

TEST_F(Hdf5HandleTest, WholeDatasetsOfEveryTypeComeBack) {
  std::vector<std::uint8_t> bytes(24);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{240});
  const std::vector<std::int64_t> longs = {INT64_MIN, -1, INT64_MAX};
  const std::vector<float> floats = {-0.5F, 3.25F};
  {
    Hdf5File file = Hdf5File::create(path("a.h5"), "a.h5");
    const auto write = [&]<class T>(const char* name, const Hdf5Extents& extents,
                                    const std::vector<T>& values) {
      file.create_dataset(name, hdf5_type_of<T>(), extents).write(std::span<const T>(values));
    };
    write("bytes", {2, 3, 4}, bytes);
    write("longs", {3, 1}, longs);
    write("floats", {1, 2}, floats);
    file.close();
  }
  const Hdf5File file = Hdf5File::open(path("a.h5"));
  EXPECT_THAT(file.children(), ElementsAre("bytes", "floats", "longs"));
  EXPECT_EQ(file.open_dataset("bytes").extents(), (Hdf5Extents{2, 3, 4}));
  const auto expect = [&]<class T>(const char* name, const std::vector<T>& values) {
    const Hdf5Dataset dataset = file.open_dataset(name);
    EXPECT_EQ(dataset.type(), hdf5_type_of<T>());
    std::vector<T> read(values.size());
    dataset.read(std::span<T>(read));
    EXPECT_EQ(read, values);
  };
  expect("bytes", bytes);
  expect("longs", longs);
  expect("floats", floats);
}

TEST_F(Hdf5HandleTest, BoxesAreWrittenInPlace) {
  {
    Hdf5File file = Hdf5File::create(path("a.h5"), "a.h5");
    const Hdf5Dataset dataset =
        file.create_group("gemms").create_dataset("acc", Hdf5Type::kInt64, {3, 4});
    for (std::int64_t row = 0; row < 3; ++row) {
      const std::vector<std::int64_t> values = {row, row + 10, row + 20, row + 30};
      dataset.write({{row, 0}, {1, 4}}, std::span<const std::int64_t>(values));
    }
    file.close();
  }
  const Hdf5File file = Hdf5File::open(path("a.h5"));
  std::vector<std::int64_t> all(12);
  file.open_group("gemms").open_dataset("acc").read(std::span(all));
  EXPECT_THAT(all, ElementsAre(0, 10, 20, 30, 1, 11, 21, 31, 2, 12, 22, 32));
}

TEST_F(Hdf5HandleTest, DamagedDataAreAnErrorNotWrongValues) {
  {
    Hdf5File file = Hdf5File::create(path("a.h5"), "a.h5");
    const std::vector<std::int64_t> values(100, 0x1234567890ABCDEF);
    file.create_dataset("acc", Hdf5Type::kInt64, {100}, {.chunk = {}, .deflate_level = 0})
        .write(std::span<const std::int64_t>(values));
    file.close();
  }
  std::string bytes = bytes_of(path("a.h5"));
  bytes[bytes.find("\xEF\xCD\xAB")] ^= 1;
  put_bytes(path("a.h5"), bytes);
  const Hdf5File file = Hdf5File::open(path("a.h5"));
  std::vector<std::int64_t> values(100);
  EXPECT_THAT(refusal([&] { file.open_dataset("acc").read(std::span(values)); }),
              HasSubstr("acc: its data cannot be read"));
}

TEST_F(Hdf5HandleTest, ChildrenOfAnotherKindAreRefused) {
  {
    Hdf5File file = Hdf5File::create(path("a.h5"), "a.h5");
    file.create_group("group").create_dataset("data", Hdf5Type::kUint8, {1});
    file.close();
  }
  const Hdf5File file = Hdf5File::open(path("a.h5"));
  const Hdf5Group group = file.open_group("group");
  EXPECT_THAT(refusal([&] { group.open_group("data"); }), HasSubstr("group/data: is not a group"));
  EXPECT_THAT(refusal([&] { file.open_dataset("group"); }), HasSubstr("group: is not a dataset"));
  EXPECT_THAT(refusal([&] { group.open_dataset("none"); }), HasSubstr("group/none: is missing"));
  EXPECT_TRUE(group.has("data"));
  EXPECT_FALSE(group.has("none"));
}

TEST_F(Hdf5HandleTest, LinksThatLeadElsewhereAreRefused) {
  {
    const Hdf5Edit edit(path("a.h5"), H5F_LIBVER_LATEST);
    edit.create_group("real");
    H5Lcreate_soft("/real", edit.id(), "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("other.h5", "/", edit.id(), "external", H5P_DEFAULT, H5P_DEFAULT);
  }
  const Hdf5File file = Hdf5File::open(path("a.h5"));
  EXPECT_NO_THROW(file.open_group("real"));
  EXPECT_THAT(refusal([&] { file.open_group("soft"); }), HasSubstr("soft or external link"));
  EXPECT_THAT(refusal([&] { file.open_group("external"); }), HasSubstr("soft or external link"));
}

TEST_F(Hdf5HandleTest, Hdf5ItselfPrintsNothing) {
  testing::internal::CaptureStderr();
  put_bytes(path("a.h5"), "\x89HDF\r\n\x1A\n and then nothing of the kind");
  EXPECT_THROW(Hdf5File::open(path("a.h5")), InputError);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(Hdf5HandleTest, AFileOfANewerFormatIsNotCalledDamaged) {
  Hdf5File::create(path("a.h5"), "a.h5").close();
  std::string bytes = bytes_of(path("a.h5"));
  bytes.at(8) = 9;  // the superblock's version
  put_bytes(path("a.h5"), bytes);
  const std::string line = refusal([&] { Hdf5File::open(path("a.h5")); });
  EXPECT_THAT(line, HasSubstr("is written in a newer HDF5 format"));
  EXPECT_THAT(line, HasSubstr("libver=('v110', 'v110')"));
}

TEST_F(Hdf5HandleTest, AFileThatIsBeingWrittenIsNotRead) {
  Hdf5File::create(path("a.h5"), "a.h5").close();
  const int writer = ::open(path("a.h5").c_str(), O_RDWR);
  ASSERT_EQ(::flock(writer, LOCK_EX), 0);  // as libhdf5 does while it writes
  EXPECT_THAT(refusal([&] { Hdf5File::open(path("a.h5")); }), HasSubstr("is being written"));
  ::close(writer);
  EXPECT_NO_THROW(Hdf5File::open(path("a.h5")));
}

// The exit status: 7 if writing more than the process may is the expected error.
int write_to_a_full_disk(const std::filesystem::path& path) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{16'384, 16'384};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  try {
    Hdf5File file = Hdf5File::create(path, "full.h5");
    const std::vector<std::uint8_t> values(100'000, 1);
    const Hdf5Storage storage{.chunk = {1000}, .deflate_level = 0};
    file.create_dataset("data", Hdf5Type::kUint8, {100'000}, storage)
        .write(std::span<const std::uint8_t>(values));
    file.close();
  } catch (const MachineError& error) {
    const std::string line = error.what();
    return line.starts_with("full.h5: ") && line.find("disk") != std::string::npos ? 7 : 8;
  }
  return 9;
}

TEST_F(Hdf5HandleTest, AFullDiskIsAMachineError) {
  // It has a process of its own, since the limit stays.
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread calls exit() there.
  EXPECT_EXIT(std::exit(write_to_a_full_disk(path("a.h5"))), testing::ExitedWithCode(7), "^$");
}

}  // namespace
}  // namespace potomac::workloads
