#include "workloads/sources/hdf5_chunks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "support/error.hpp"
#include "tests/workloads/sources/hdf5_edits.hpp"
#include "tests/workloads/sources/trace_samples.hpp"

namespace potomac::workloads {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::int64_t kLimit = 1 << 20;

class Hdf5ChunksTest : public TraceFolder {
 protected:
  // Makes a file with the one dataset "data".
  void make(const std::vector<hsize_t>& extents, const std::vector<std::uint8_t>& bytes,
            const std::function<void(hid_t)>& plan,
            H5F_libver_t version = H5F_LIBVER_EARLIEST) const {
    const Hdf5Edit edit(path("a.h5"), version);
    edit.create_dataset("data", H5T_STD_U8LE, extents, plan, H5T_NATIVE_UINT8,
                        bytes.empty() ? nullptr : bytes.data());
  }

  std::vector<std::uint8_t> read(std::size_t size) const {
    const Hdf5File file = Hdf5File::open(path("a.h5"));
    const Hdf5Dataset dataset = file.open_dataset("data");
    check_byte_storage(dataset, kLimit);
    std::vector<std::uint8_t> bytes(size);
    read_bytes(dataset, bytes);
    return bytes;
  }

  std::string refusal() const {
    try {
      read(0);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  }
};

std::vector<std::uint8_t> random_bytes(std::size_t size, std::uint64_t seed, unsigned values) {
  std::mt19937_64 random(seed);
  std::vector<std::uint8_t> bytes(size);
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(random() % values);
  }
  return bytes;
}

// Whatever extents, chunk shape, filters and file version: the bytes that libhdf5 wrote come back.
TEST_F(Hdf5ChunksTest, ReadsWhatLibhdf5Writes) {
  rc::check([&] {
    const auto rank = *rc::gen::inRange<std::size_t>(1, 5);
    std::vector<hsize_t> extents(rank);
    std::vector<hsize_t> chunk(rank);
    std::size_t size = 1;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      extents[axis] = *rc::gen::inRange<hsize_t>(1, 9);
      chunk[axis] = *rc::gen::inRange<hsize_t>(1, extents[axis] + 1);
      size *= extents[axis];
    }
    const bool shuffle = *rc::gen::arbitrary<bool>();
    const unsigned deflate = *rc::gen::inRange(0U, 10U);
    // 0: none, 1: before deflate, 2: after it, as is usual
    const int fletcher = *rc::gen::inRange(0, 3);
    const auto bytes =
        random_bytes(size, *rc::gen::arbitrary<std::uint64_t>(), *rc::gen::element(1U, 3U, 256U));
    make(
        extents, bytes,
        [&](hid_t plan) {
          H5Pset_chunk(plan, static_cast<int>(rank), chunk.data());
          if (shuffle) {
            H5Pset_shuffle(plan);
          }
          if (fletcher == 1) {
            H5Pset_fletcher32(plan);
          }
          if (deflate > 0) {
            H5Pset_deflate(plan, deflate);
          }
          if (fletcher == 2) {
            H5Pset_fletcher32(plan);
          }
        },
        *rc::gen::element(H5F_LIBVER_EARLIEST, H5F_LIBVER_V110));
    RC_ASSERT(read(size) == bytes);
  });
}

TEST_F(Hdf5ChunksTest, ReadsContiguousAndCompactDatasets) {
  const auto bytes = random_bytes(60, 1, 256);
  make({3, 20}, bytes, [](hid_t) {});
  EXPECT_EQ(read(60), bytes);
  make({3, 20}, bytes, [](hid_t plan) { H5Pset_layout(plan, H5D_COMPACT); });
  EXPECT_EQ(read(60), bytes);
}

TEST_F(Hdf5ChunksTest, ReadsAChunkLargerThanItsDataset) {
  const auto bytes = random_bytes(15, 1, 256);
  {
    const Hdf5Edit edit(path("a.h5"), H5F_LIBVER_V110);
    const hsize_t extents[2] = {3, 5};
    const hsize_t growable[2] = {H5S_UNLIMITED, 64};
    const hsize_t chunk[2] = {16, 32};
    const hid_t space = H5Screate_simple(2, extents, growable);
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plan, 2, chunk);
    H5Pset_deflate(plan, 9);
    const hid_t dataset =
        H5Dcreate2(edit.id(), "data", H5T_STD_U8LE, space, H5P_DEFAULT, plan, H5P_DEFAULT);
    H5Dwrite(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data());
    H5Dclose(dataset);
    H5Pclose(plan);
    H5Sclose(space);
  }
  EXPECT_EQ(read(15), bytes);
}

TEST_F(Hdf5ChunksTest, ADamagedChunkIsNamed) {
  const auto bytes = random_bytes(400, 1, 256);
  make({4, 100}, bytes, [](hid_t plan) {
    const hsize_t chunk[2] = {2, 100};
    H5Pset_chunk(plan, 2, chunk);
    H5Pset_fletcher32(plan);
  });
  std::string file = bytes_of(path("a.h5"));
  const std::string second_chunk(bytes.begin() + 200, bytes.begin() + 220);
  file[file.find(second_chunk) + 5] ^= 0x10;
  put_bytes(path("a.h5"), file);
  EXPECT_THROW(read(400), InputError);
  try {
    read(400);
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("data: the chunk at [2, 0]"),
                                    HasSubstr("Fletcher-32 checksum"), HasSubstr("copy or make")));
  }
}

TEST_F(Hdf5ChunksTest, ExtentsThatNoMemoryHoldsAreRefused) {
  const auto chunked = [](hid_t plan) {
    const hsize_t chunk[2] = {1024, 1024};
    H5Pset_chunk(plan, 2, chunk);
    H5Pset_deflate(plan, 4);
  };
  make({std::uint64_t{1} << 18U, std::uint64_t{1} << 18U}, {}, chunked);
  EXPECT_THAT(refusal(), HasSubstr("[262144, 262144] are absurdly large"));
  make({std::uint64_t{1} << 62U, std::uint64_t{1} << 62U}, {}, chunked);
  EXPECT_THAT(refusal(), HasSubstr("are absurdly large"));
}

TEST_F(Hdf5ChunksTest, ADatasetThatIsNotThereIsRefused) {
  const auto plan = [](hid_t list) {
    const hsize_t chunk = 10;
    H5Pset_chunk(list, 1, &chunk);
    H5Pset_deflate(list, 4);
  };
  make({30}, {}, plan);
  EXPECT_THAT(refusal(), HasSubstr("was never written"));
  make({30}, {}, [](hid_t) {});
  EXPECT_THAT(refusal(), HasSubstr("was never written"));
  // Of three chunks only the first is there.
  {
    make({30}, {}, plan);
    const Hdf5Edit edit(path("a.h5"));
    const hid_t dataset = H5Dopen2(edit.id(), "data", H5P_DEFAULT);
    const hsize_t start = 0;
    const hsize_t count = 10;
    const hid_t memory = H5Screate_simple(1, &count, nullptr);
    const hid_t space = H5Dget_space(dataset);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &count, nullptr);
    const auto bytes = random_bytes(10, 1, 256);
    H5Dwrite(dataset, H5T_NATIVE_UINT8, memory, space, H5P_DEFAULT, bytes.data());
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(dataset);
  }
  EXPECT_THAT(refusal(), HasSubstr("chunk at [10] was never written"));
}

TEST_F(Hdf5ChunksTest, AClaimBeyondWhatTheBytesCanHoldIsRefused) {
  // 100 stored bytes cannot unpack to a million codes, whatever they are.
  {
    make({1'000'000}, {}, [](hid_t plan) {
      const hsize_t chunk = 1'000'000;
      H5Pset_chunk(plan, 1, &chunk);
      H5Pset_deflate(plan, 4);
    });
    const Hdf5Edit edit(path("a.h5"));
    const hid_t dataset = H5Dopen2(edit.id(), "data", H5P_DEFAULT);
    const hsize_t offset = 0;
    const auto raw = random_bytes(100, 1, 256);
    H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &offset, raw.size(), raw.data());
    H5Dclose(dataset);
  }
  EXPECT_THAT(refusal(),
              HasSubstr("claims [1000000] = 1000000 codes, but the file stores 100 bytes"));
}

TEST_F(Hdf5ChunksTest, AChunkOfTheWrongLengthIsRefused) {
  for (const std::size_t length : {50U, 200U}) {
    make({100}, {}, [](hid_t plan) {
      const hsize_t chunk = 100;
      H5Pset_chunk(plan, 1, &chunk);
      H5Pset_deflate(plan, 4);
    });
    {
      const Hdf5Edit edit(path("a.h5"));
      const hid_t dataset = H5Dopen2(edit.id(), "data", H5P_DEFAULT);
      const hsize_t offset = 0;
      const auto raw = random_bytes(length, 1, 256);
      const std::uint32_t skipped = 1;  // as if deflate had not been worth it
      H5Dwrite_chunk(dataset, H5P_DEFAULT, skipped, &offset, raw.size(), raw.data());
      H5Dclose(dataset);
    }
    const Hdf5File file = Hdf5File::open(path("a.h5"));
    std::vector<std::uint8_t> bytes(100);
    try {
      read_bytes(file.open_dataset("data"), bytes);
      ADD_FAILURE();
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), HasSubstr("bytes instead of 100"));
    }
  }
}

TEST_F(Hdf5ChunksTest, FiltersOfOthersAreRefusedByNumber) {
  make({100}, random_bytes(100, 1, 4), [](hid_t plan) {
    const hsize_t chunk = 100;
    H5Pset_chunk(plan, 1, &chunk);
    H5Pset_scaleoffset(plan, H5Z_SO_INT, H5Z_SO_INT_MINBITS_DEFAULT);
  });
  EXPECT_THAT(refusal(), HasSubstr("uses HDF5 filter number 6, which is not supported"));
}

TEST_F(Hdf5ChunksTest, DataOutsideOfTheFileAreRefused) {
  make({100}, {},
       [&](hid_t plan) { H5Pset_external(plan, path("outside.bin").c_str(), 0, H5F_UNLIMITED); });
  EXPECT_THAT(refusal(), HasSubstr("is stored outside of this file"));
}

}  // namespace
}  // namespace potomac::workloads
