// HDF5 through handles that close themselves, and errors that name file and place. Trace files and
// result dumps both go through here. libhdf5 is not thread-safe: at most one thread of the process
// may be inside of these classes at a time.
//
// Files are guarded against damage, not against attack: a file that is read must hold a checksum
// over every byte that matters (HDF5's 1.10 format over metadata, Fletcher-32 over data), so that
// libhdf5 itself notices a flipped bit before it acts on it.
//
// Reading throws InputError (the file is at fault), writing throws MachineError (the disk is);
// the message ends with libhdf5's own innermost reason, which it no longer prints by itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace potomac {

// Owns one HDF5 identifier. hid_t is a 64-bit integer: hdf5.h stays out of our headers.
class Hdf5Handle {
 public:
  using Id = std::int64_t;
  using Closer = int (*)(Id);

  Hdf5Handle() = default;
  Hdf5Handle(Id id, Closer closer) : id_(id), closer_(closer) {}
  ~Hdf5Handle() { close(); }
  Hdf5Handle(Hdf5Handle&& other) noexcept;
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept;
  Hdf5Handle(const Hdf5Handle&) = delete;
  Hdf5Handle& operator=(const Hdf5Handle&) = delete;

  bool valid() const { return id_ >= 0; }
  Id id() const { return id_; }
  bool close();  // false if libhdf5 could not; harmless when nothing is owned

 private:
  Id id_ = -1;
  Closer closer_ = nullptr;
};

// What went wrong in the last HDF5 call, in libhdf5's own words: the innermost message of its error
// stack. Any later HDF5 call, closing a handle too, forgets it.
std::string hdf5_reason();

// Extents, outermost first; row-major.
using Hdf5Extents = std::vector<std::int64_t>;

// The element types that Potomac writes, and kOther for what it may meet.
enum class Hdf5Type { kUint8, kInt64, kFloat32, kOther };

template <class T>
constexpr Hdf5Type hdf5_type_of();
template <>
constexpr Hdf5Type hdf5_type_of<std::uint8_t>() {
  return Hdf5Type::kUint8;
}
template <>
constexpr Hdf5Type hdf5_type_of<std::int64_t>() {
  return Hdf5Type::kInt64;
}
template <>
constexpr Hdf5Type hdf5_type_of<float>() {
  return Hdf5Type::kFloat32;
}

// Whether a file that is read must carry checksums. Without, a flipped bit may pass unseen: only to
// convert old files.
enum class Hdf5Guard { kChecksums, kNone };

// How a new dataset is stored.
struct Hdf5Storage {
  Hdf5Extents chunk;       // empty: whole innermost axes, about 256 KiB
  int deflate_level = 4;   // 0: not compressed
  bool fletcher32 = true;  // a checksum per chunk
  bool zeros = false;      // what is never written reads as zero; else it must all be written
};

// A group or a dataset: something with a place in a file, and attributes.
class Hdf5Object {
 public:
  Hdf5Handle::Id id() const { return handle_.id(); }
  const std::string& file() const { return file_; }
  const std::string& place() const { return place_; }  // "layers/000-conv1/W"; "" is the root

  // An InputError at this place.
  [[noreturn]] void fail(const std::string& problem, const std::string& remedy) const;

  // --- attributes; each reader throws InputError if it is missing or not of that kind ---
  bool has_attribute(const std::string& name) const;
  std::int64_t integer(const std::string& name) const;  // any integer or boolean type
  // ASCII or UTF-8, at most 64 KiB of plain text; of fixed length, or if unguarded of variable.
  std::string text(const std::string& name) const;
  // Integers in one axis, as many as one of `counts` says.
  std::vector<std::int64_t> integers(const std::string& name,
                                     std::initializer_list<std::int64_t> counts) const;

  void set_integer(const std::string& name, std::int64_t value) const;
  void set_text(const std::string& name, std::string_view value) const;  // fixed length, UTF-8
  void set_integers(const std::string& name, std::span<const std::int64_t> values) const;

 protected:
  Hdf5Object(Hdf5Handle handle, std::string file, std::string place, Hdf5Guard guard);
  // An InputError at this place: it has no checksum, and how to give it one.
  [[noreturn]] void fail_unguarded(const std::string& what) const;
  // A MachineError at this place, with libhdf5's reason.
  [[noreturn]] void fail_write(const std::string& what) const;
  std::string child_place(std::string_view name) const;

  Hdf5Handle handle_;
  Hdf5Guard guard_;

 private:
  void set_attribute(const std::string& name, std::int64_t memory_type, std::int64_t file_type,
                     std::int64_t space, const void* values) const;

  std::string file_;
  std::string place_;
};

class Hdf5Dataset : public Hdf5Object {
 public:
  Hdf5Type type() const;
  std::string type_name() const;  // for messages: "64-bit float"
  Hdf5Extents extents() const;

  // Proves, before anything is allocated, that the file stores all elements of a dataset of at most
  // `most` elements, and, if guarded, that they lie under checksums. Throws InputError.
  void check_storage(std::int64_t most) const;

  // The whole dataset; `values` holds exactly its elements.
  template <class T>
  void write(std::span<const T> values) const {
    write_elements(hdf5_type_of<T>(), nullptr, values.data(), values.size());
  }
  template <class T>
  void read(std::span<T> values) const {
    read_elements(hdf5_type_of<T>(), values.data(), values.size());
  }

  // A box of the dataset: elements [start, start + count) of each axis.
  struct Box {
    Hdf5Extents start;
    Hdf5Extents count;
    Hdf5Extents stride = {};  // empty: next to each other
  };
  template <class T>
  void write(const Box& box, std::span<const T> values) const {
    write_elements(hdf5_type_of<T>(), &box, values.data(), values.size());
  }

 private:
  friend class Hdf5Group;
  using Hdf5Object::Hdf5Object;
  void write_elements(Hdf5Type type, const Box* box, const void* values, std::size_t size) const;
  void read_elements(Hdf5Type type, void* values, std::size_t size) const;
  // Every chunk is where the extents have one, in the file, and not in another.
  void check_chunk_places(const Hdf5Extents& shape,
                          const std::vector<unsigned long long>& chunk) const;
};

class Hdf5Group : public Hdf5Object {
 public:
  bool has(const std::string& name) const;
  std::vector<std::string> children() const;  // names, sorted by their bytes

  // Throw InputError if there is no such child, or it is a link to elsewhere, or of another kind.
  Hdf5Group open_group(const std::string& name) const;
  Hdf5Dataset open_dataset(const std::string& name) const;

  Hdf5Group create_group(const std::string& name) const;
  // The elements are undefined until written.
  Hdf5Dataset create_dataset(const std::string& name, Hdf5Type type, const Hdf5Extents& extents,
                             const Hdf5Storage& storage = {}) const;

 protected:
  using Hdf5Object::Hdf5Object;

 private:
  Hdf5Handle open_child(const std::string& name, int wanted_type, const char* wanted) const;
};

// A file, which is also its root group. Its objects must not outlive it.
class Hdf5File : public Hdf5Group {
 public:
  // Opens it for reading. Throws InputError: no such file, a folder, not HDF5, truncated, being
  // written.
  static Hdf5File open(const std::filesystem::path& path, Hdf5Guard guard = Hdf5Guard::kChecksums);

  // A new file, or an old one emptied. `name` stands for it in messages (the file may be a
  // temporary one). All its metadata carry checksums (HDF5 1.10 file format).
  static Hdf5File create(const std::filesystem::path& path, const std::string& name);

  // Writes what is still in memory. Throws MachineError if that fails.
  void close();

 private:
  Hdf5File(Hdf5Handle root, Hdf5Handle file, std::string name, Hdf5Guard guard);
  Hdf5Handle file_handle_;
};

}  // namespace potomac
