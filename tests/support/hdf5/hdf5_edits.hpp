// Makes HDF5 files odd by hand, past our own writer: straight through the C API.
#pragma once

#include <gtest/gtest.h>
#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace potomac::workloads {

// Opens an HDF5 file for changes, and closes it behind them.
class Hdf5Edit {
 public:
  explicit Hdf5Edit(const std::filesystem::path& path) {
    prepare();
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    file_ = H5Fopen(path.c_str(), H5F_ACC_RDWR, access);
    EXPECT_GE(file_, 0);
    H5Pclose(access);
  }
  // A new file in the given version of the HDF5 format.
  Hdf5Edit(const std::filesystem::path& path, H5F_libver_t version) {
    prepare();
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, version, H5F_LIBVER_LATEST);
    file_ = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
    EXPECT_GE(file_, 0);
    H5Pclose(access);
  }
  ~Hdf5Edit() { H5Fclose(file_); }
  Hdf5Edit(const Hdf5Edit&) = delete;
  Hdf5Edit& operator=(const Hdf5Edit&) = delete;

  hid_t id() const { return file_; }

  void remove_attribute(const std::string& object, const std::string& name) const {
    EXPECT_GE(H5Adelete_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT), 0);
  }
  // Sets or replaces an attribute of `count` elements (0: a scalar).
  void set_attribute(const std::string& object, const std::string& name, hid_t type,
                     const void* values, hsize_t count = 0) const {
    if (H5Aexists_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT) > 0) {
      remove_attribute(object, name);
    }
    const hid_t space = count == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, nullptr);
    const hid_t attribute = H5Acreate_by_name(file_, object.c_str(), name.c_str(), type, space,
                                              H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_GE(H5Awrite(attribute, type, values), 0);
    H5Aclose(attribute);
    H5Sclose(space);
  }
  void set_integer(const std::string& object, const std::string& name, std::int64_t value) const {
    set_attribute(object, name, H5T_NATIVE_INT64, &value);
  }
  void set_integers(const std::string& object, const std::string& name,
                    const std::vector<std::int64_t>& values) const {
    set_attribute(object, name, H5T_NATIVE_INT64, values.data(), values.size());
  }
  // Writes a text of fixed length, in UTF-8.
  void set_text(const std::string& object, const std::string& name,
                const std::string& value) const {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, value.size() + 1);
    H5Tset_cset(type, H5T_CSET_UTF8);
    set_attribute(object, name, type, value.c_str());
    H5Tclose(type);
  }
  // Writes a text of variable length, as h5py writes a str.
  void set_variable_text(const std::string& object, const std::string& name,
                         const std::string& value) const {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    const char* pointer = value.c_str();
    set_attribute(object, name, type, &pointer);
    H5Tclose(type);
  }

  void create_group(const std::string& name) const {
    H5Gclose(H5Gcreate2(file_, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  }
  void remove(const std::string& name) const {
    EXPECT_GE(H5Ldelete(file_, name.c_str(), H5P_DEFAULT), 0);
  }
  // A dataset whose creation property list `plan` fills in. Without values nothing is written.
  void create_dataset(const std::string& name, hid_t type, const std::vector<hsize_t>& extents,
                      const std::function<void(hid_t plan)>& plan, hid_t value_type,
                      const void* values) const {
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    plan(list);
    const hid_t space = H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr);
    const hid_t dataset =
        H5Dcreate2(file_, name.c_str(), type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    EXPECT_GE(dataset, 0);
    if (values != nullptr) {
      EXPECT_GE(H5Dwrite(dataset, value_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    }
    H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(list);
  }
  // Puts bytes in place of the tensor of that name, with its attributes.
  void replace_tensor(const std::string& name, const std::vector<hsize_t>& extents,
                      std::span<const std::uint8_t> codes,
                      const std::function<void(hid_t plan)>& plan = {}) const {
    remove(name);
    const auto as_in_a_trace = [&extents](hid_t list) {
      H5Pset_chunk(list, static_cast<int>(extents.size()), extents.data());
      H5Pset_fletcher32(list);
    };
    create_dataset(name, H5T_STD_U8LE, extents, plan ? plan : as_in_a_trace, H5T_NATIVE_UINT8,
                   codes.empty() ? nullptr : codes.data());
    set_integer(name, "bits", 5);
    set_integer(name, "beta", 0);
  }

 private:
  // Our handles ask for this too, but a test may come here first, when it is too late for them.
  static void prepare() { static_cast<void>(H5dont_atexit()); }

  hid_t file_ = -1;
};

}  // namespace potomac::workloads
