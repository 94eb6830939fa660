#include "support/hdf5/hdf5_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hdf5.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <exception>
#include <limits>
#include <system_error>
#include <type_traits>
#include <utility>

#include "support/error.hpp"
#include "support/plain_text.hpp"

namespace potomac {
namespace {

namespace fs = std::filesystem;

static_assert(std::is_same_v<hid_t, Hdf5Handle::Id> && std::is_same_v<herr_t, int>);

constexpr std::size_t kLongestText = std::size_t{64} << 10U;
// Deflate cannot shrink data further than this.
constexpr std::int64_t kMaxDeflateRatio = 1032;
constexpr std::int64_t kAutomaticChunkBytes = std::int64_t{256} << 10U;

Hdf5Handle own(hid_t id, Hdf5Handle::Closer closer) {
  return {id, closer};
}

// Must be called before any other use of libhdf5. All uses in Potomac go through this file's
// functions.
void prepare_hdf5() {
  static const bool prepared = [] {
    // libhdf5 1.10 crashes when, at exit, it comes upon a file whose last write had failed (a full
    // disk). Files are closed by their handles, so that it has nothing to do there.
    return H5dont_atexit() >= 0;
  }();
  // Errors are ours to report. Where libhdf5 is built thread-safe, each thread has its own switch.
  static const thread_local bool silenced = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  static_cast<void>(prepared);
  static_cast<void>(silenced);
}

herr_t keep_first_description(unsigned /*depth*/, const H5E_error2_t* error, void* into) noexcept {
  try {
    auto& reason = *static_cast<std::string*>(into);
    if (reason.empty() && error->desc != nullptr) {
      reason = error->desc;
    }
    return 0;
  } catch (...) {
    return -1;  // no exception may pass through C
  }
}

hid_t memory_type(Hdf5Type type) {
  switch (type) {
    case Hdf5Type::kUint8:
      return H5T_NATIVE_UINT8;
    case Hdf5Type::kInt64:
      return H5T_NATIVE_INT64;
    case Hdf5Type::kFloat32:
      return H5T_NATIVE_FLOAT;
    case Hdf5Type::kOther:
      break;
  }
  assert(false);
  return H5I_INVALID_HID;
}

// Files look the same whatever machine wrote them.
hid_t file_type(Hdf5Type type) {
  switch (type) {
    case Hdf5Type::kUint8:
      return H5T_STD_U8LE;
    case Hdf5Type::kInt64:
      return H5T_STD_I64LE;
    case Hdf5Type::kFloat32:
      return H5T_IEEE_F32LE;
    case Hdf5Type::kOther:
      break;
  }
  assert(false);
  return H5I_INVALID_HID;
}

std::size_t size_of(Hdf5Type type) {
  return H5Tget_size(memory_type(type));
}

std::vector<hsize_t> to_hsize(const Hdf5Extents& extents) {
  return {extents.begin(), extents.end()};
}

// Whole innermost axes while they fit; the first that does not is cut; the outer ones are 1. Such a
// chunk is one run of the row-major tensor.
Hdf5Extents automatic_chunk(const Hdf5Extents& extents, std::size_t element_size) {
  Hdf5Extents chunk(extents.size(), 1);
  std::int64_t room =
      std::max<std::int64_t>(1, kAutomaticChunkBytes / static_cast<std::int64_t>(element_size));
  for (std::size_t axis = extents.size(); axis-- > 0 && room > 1;) {
    chunk[axis] = std::min(extents[axis], room);
    room = chunk[axis] < extents[axis] ? 1 : room / chunk[axis];
  }
  return chunk;
}

// A version number that this libhdf5 does not know is of a newer one, or of damage. Metadata lie
// under checksums, which are looked at first, so it is hardly damage.
bool is_of_newer_format(const std::string& reason) {
  return reason.find("bad version number") != std::string::npos ||
         reason.find("unknown version") != std::string::npos ||
         reason.find("bad superblock version") != std::string::npos;
}

constexpr const char* kWriteForOldReaders =
    "write it again in the 1.10 format (in h5py, libver=('v110', 'v110'))";

// Opens or makes a file by `attempt`. A file system without locks is no reason not to.
template <typename Attempt>
Hdf5Handle with_locks_if_there_are(const Hdf5Handle& access, const Attempt& attempt) {
  H5Pset_file_locking(access.id(), true, true);
  Hdf5Handle file = attempt();
  const std::string reason = file.valid() ? std::string() : hdf5_reason();
  for (const int lacking : {ENOLCK, EOPNOTSUPP, ENOSYS}) {
    if (!reason.empty() && reason == std::generic_category().message(lacking)) {
      H5Pset_file_locking(access.id(), false, true);
      return attempt();
    }
  }
  return file;
}

std::string open_problem() {
  const std::string reason = hdf5_reason();
  if (reason.find("truncated file") != std::string::npos) {
    return fmt::format("is truncated ({})", reason);
  }
  if (reason.find("temporarily unavailable") != std::string::npos ||
      reason.find("already open for write") != std::string::npos) {
    return fmt::format("is being written, or its writer died ({})", reason);
  }
  if (is_of_newer_format(reason)) {
    return fmt::format("is written in a newer HDF5 format ({})", reason);
  }
  return fmt::format("cannot be read as HDF5 ({})", reason);
}

}  // namespace

// ---------------------------------------------------------------- handles

Hdf5Handle::Hdf5Handle(Hdf5Handle&& other) noexcept
    : id_(std::exchange(other.id_, -1)), closer_(other.closer_) {}

Hdf5Handle& Hdf5Handle::operator=(Hdf5Handle&& other) noexcept {
  if (this != &other) {
    close();
    id_ = std::exchange(other.id_, -1);
    closer_ = other.closer_;
  }
  return *this;
}

bool Hdf5Handle::close() {
  const Id id = std::exchange(id_, -1);
  return id < 0 || closer_(id) >= 0;
}

std::string hdf5_reason() {
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first_description, &reason);
  // A failed system call's own message says most: "No space left on device".
  constexpr std::string_view kMark = "error message = '";
  if (const std::size_t begin = reason.find(kMark); begin != std::string::npos) {
    const std::size_t message = begin + kMark.size();
    reason = reason.substr(message, reason.find('\'', message) - message);
  }
  return reason.empty() ? "no reason given" : printable(reason, 200);
}

// ---------------------------------------------------------------- attributes

namespace {

// One attribute, opened, with its type and number of elements.
struct Attribute {
  Hdf5Handle handle, type, space;
  H5T_class_t kind;
  hssize_t count;
};

Attribute open_attribute(const Hdf5Object& object, const std::string& name) {
  const htri_t exists = H5Aexists(object.id(), name.c_str());
  if (exists == 0) {
    object.fail(fmt::format("attribute '{}' is missing", name), "add it (docs/trace-format.md)");
  }
  Attribute attribute{};
  if (exists > 0) {
    attribute.handle = own(H5Aopen(object.id(), name.c_str(), H5P_DEFAULT), H5Aclose);
  }
  if (attribute.handle.valid()) {
    attribute.type = own(H5Aget_type(attribute.handle.id()), H5Tclose);
    attribute.space = own(H5Aget_space(attribute.handle.id()), H5Sclose);
  }
  if (attribute.type.valid() && attribute.space.valid()) {
    attribute.kind = H5Tget_class(attribute.type.id());
    attribute.count = H5Sget_simple_extent_npoints(attribute.space.id());
    return attribute;
  }
  object.fail(fmt::format("attribute '{}' cannot be read ({})", name, hdf5_reason()),
              "the file is damaged; make it again");
}

void read_attribute(const Hdf5Object& object, const std::string& name, const Attribute& attribute,
                    hid_t type, void* into) {
  if (H5Aread(attribute.handle.id(), type, into) < 0) {
    object.fail(fmt::format("attribute '{}' cannot be read ({})", name, hdf5_reason()),
                "the file is damaged; make it again");
  }
}

std::string name_of_type(const Hdf5Handle& type) {
  const std::size_t bits = type.valid() ? 8 * H5Tget_size(type.id()) : 0;
  switch (type.valid() ? H5Tget_class(type.id()) : H5T_NO_CLASS) {
    case H5T_INTEGER:
      return fmt::format("{}int{}", H5Tget_sign(type.id()) == H5T_SGN_NONE ? "u" : "", bits);
    case H5T_FLOAT:
      return fmt::format("float{}", bits);
    case H5T_STRING:
      return "string";
    case H5T_ENUM:
      return "enumeration";
    case H5T_COMPOUND:
      return "compound";
    default:
      return "another type";
  }
}

// What an attribute is, for whoever expected something else: "float64 -3", "3 of int32".
std::string text_of(const Attribute& attribute) {
  const std::string type = name_of_type(attribute.type);
  double value = 0.0;
  if (attribute.kind == H5T_FLOAT && attribute.count == 1 &&
      H5Aread(attribute.handle.id(), H5T_NATIVE_DOUBLE, &value) >= 0) {
    return fmt::format("{} {}", type, value);
  }
  return attribute.count == 1 ? type : fmt::format("{} of {}", attribute.count, type);
}

bool is_integer(const Attribute& attribute) {
  // h5py writes booleans as an enumeration.
  return (attribute.kind == H5T_INTEGER || attribute.kind == H5T_ENUM) &&
         H5Tget_size(attribute.type.id()) <= sizeof(std::int64_t);
}

std::vector<std::int64_t> read_integers(const Hdf5Object& object, const std::string& name,
                                        const Attribute& attribute) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(attribute.count));
  const bool is_wide_unsigned = attribute.kind == H5T_INTEGER &&
                                H5Tget_size(attribute.type.id()) == sizeof(std::int64_t) &&
                                H5Tget_sign(attribute.type.id()) == H5T_SGN_NONE;
  if (is_wide_unsigned) {
    // Converted to int64, libhdf5 would clamp what does not fit.
    read_attribute(object, name, attribute, H5T_NATIVE_UINT64, values.data());
    if (std::any_of(values.begin(), values.end(), [](std::int64_t v) { return v < 0; })) {
      object.fail(fmt::format("attribute '{}' is larger than 2^63 - 1", name),
                  "write a smaller number");
    }
  } else {
    read_attribute(object, name, attribute, H5T_NATIVE_INT64, values.data());
  }
  return values;
}

std::string read_variable_text(const Hdf5Object& object, const std::string& name,
                               const Attribute& attribute) {
  const Hdf5Handle type = own(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.id(), H5T_VARIABLE);
  H5Tset_cset(type.id(), H5Tget_cset(attribute.type.id()));
  char* text = nullptr;
  read_attribute(object, name, attribute, type.id(), static_cast<void*>(&text));
  if (text == nullptr) {
    return {};
  }
  std::string value(text, ::strnlen(text, kLongestText + 1));
  H5free_memory(text);
  return value;
}

std::string read_fixed_text(const Hdf5Object& object, const std::string& name,
                            const Attribute& attribute) {
  const std::size_t size = H5Tget_size(attribute.type.id());
  if (size > kLongestText) {
    return std::string(kLongestText + 1, ' ');  // the caller refuses it for its length
  }
  std::string value(size, '\0');
  read_attribute(object, name, attribute, attribute.type.id(), value.data());
  if (H5Tget_strpad(attribute.type.id()) == H5T_STR_SPACEPAD) {
    value.erase(value.find_last_not_of(' ') + 1);
  } else {
    value.resize(std::min(value.find('\0'), value.size()));
  }
  return value;
}

}  // namespace

Hdf5Object::Hdf5Object(Hdf5Handle handle, std::string file, std::string place, Hdf5Guard guard)
    : handle_(std::move(handle)), guard_(guard), file_(std::move(file)), place_(std::move(place)) {
  H5O_info_t info{};
  if (guard_ == Hdf5Guard::kChecksums && handle_.valid() &&
      (H5Oget_info2(id(), &info, H5O_INFO_HDR) < 0 || info.hdr.version < 2)) {
    fail_unguarded("its metadata are in an older format");
  }
}

void Hdf5Object::fail_unguarded(const std::string& what) const {
  fail(fmt::format("{}, without checksums, so that damage would not be noticed", what),
       fmt::format("convert the file: potomac trace import {} -o NEW.h5", file_));
}

void Hdf5Object::fail(const std::string& problem, const std::string& remedy) const {
  throw InputError({file_, place_, problem, remedy});
}

void Hdf5Object::fail_write(const std::string& what) const {
  throw MachineError({file_, place_,
                      fmt::format("{} could not be written ({})", what, hdf5_reason()),
                      "check that the disk has space left and still answers"});
}

std::string Hdf5Object::child_place(std::string_view name) const {
  return place_.empty() ? printable(name, 255) : fmt::format("{}/{}", place_, printable(name, 255));
}

bool Hdf5Object::has_attribute(const std::string& name) const {
  return H5Aexists(id(), name.c_str()) > 0;
}

std::int64_t Hdf5Object::integer(const std::string& name) const {
  const Attribute attribute = open_attribute(*this, name);
  if (!is_integer(attribute) || attribute.count != 1) {
    fail(fmt::format("attribute '{}' is {}, not one whole number", name, text_of(attribute)),
         "write one integer of at most 64 bits");
  }
  return read_integers(*this, name, attribute).front();
}

std::vector<std::int64_t> Hdf5Object::integers(const std::string& name,
                                               std::initializer_list<std::int64_t> counts) const {
  const Attribute attribute = open_attribute(*this, name);
  if (!is_integer(attribute) || std::ranges::find(counts, attribute.count) == counts.end() ||
      H5Sget_simple_extent_ndims(attribute.space.id()) != 1) {
    const std::string wanted = fmt::format("{}", fmt::join(counts, " or "));
    fail(fmt::format("attribute '{}' is {}, not a list of {} whole numbers", name,
                     text_of(attribute), wanted),
         fmt::format("write {} integers of at most 64 bits", wanted));
  }
  return read_integers(*this, name, attribute);
}

std::string Hdf5Object::text(const std::string& name) const {
  const Attribute attribute = open_attribute(*this, name);
  if (attribute.kind != H5T_STRING || attribute.count != 1) {
    fail(fmt::format("attribute '{}' is {}, not one text", name, text_of(attribute)),
         "write one string");
  }
  const bool is_variable = H5Tis_variable_str(attribute.type.id()) > 0;
  if (is_variable && guard_ == Hdf5Guard::kChecksums) {
    fail_unguarded(fmt::format("attribute '{}' is a text of variable length", name));
  }
  std::string value = is_variable ? read_variable_text(*this, name, attribute)
                                  : read_fixed_text(*this, name, attribute);
  if (value.size() > kLongestText) {
    fail(fmt::format("attribute '{}' is longer than 64 KiB", name), "write a shorter text");
  }
  if (!is_plain_text(value)) {
    fail(fmt::format("attribute '{}' holds control characters or broken UTF-8 ('{}')", name,
                     printable(value)),
         "write plain UTF-8 text");
  }
  return value;
}

void Hdf5Object::set_attribute(const std::string& name, std::int64_t memory_type_id,
                               std::int64_t file_type_id, std::int64_t space,
                               const void* values) const {
  const Hdf5Handle attribute =
      own(H5Acreate2(id(), name.c_str(), file_type_id, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (!attribute.valid() || H5Awrite(attribute.id(), memory_type_id, values) < 0) {
    fail_write(fmt::format("attribute '{}'", name));
  }
}

void Hdf5Object::set_integer(const std::string& name, std::int64_t value) const {
  const Hdf5Handle space = own(H5Screate(H5S_SCALAR), H5Sclose);
  set_attribute(name, H5T_NATIVE_INT64, H5T_STD_I64LE, space.id(), &value);
}

void Hdf5Object::set_text(const std::string& name, std::string_view value) const {
  const Hdf5Handle space = own(H5Screate(H5S_SCALAR), H5Sclose);
  const Hdf5Handle type = own(H5Tcopy(H5T_C_S1), H5Tclose);
  // A fixed length: texts of variable length lie in the file's global heap, which has no checksum.
  std::string padded(value);
  padded.push_back('\0');
  H5Tset_size(type.id(), padded.size());
  H5Tset_cset(type.id(), H5T_CSET_UTF8);
  set_attribute(name, type.id(), type.id(), space.id(), padded.data());
}

void Hdf5Object::set_integers(const std::string& name, std::span<const std::int64_t> values) const {
  const hsize_t count = values.size();
  const Hdf5Handle space = own(H5Screate_simple(1, &count, nullptr), H5Sclose);
  set_attribute(name, H5T_NATIVE_INT64, H5T_STD_I64LE, space.id(), values.data());
}

// ---------------------------------------------------------------- datasets

Hdf5Type Hdf5Dataset::type() const {
  const Hdf5Handle type = own(H5Dget_type(id()), H5Tclose);
  for (const Hdf5Type known : {Hdf5Type::kUint8, Hdf5Type::kInt64, Hdf5Type::kFloat32}) {
    if (type.valid() && H5Tequal(type.id(), file_type(known)) > 0) {
      return known;
    }
  }
  // The order of a single byte says nothing.
  if (type.valid() && H5Tequal(type.id(), H5T_STD_U8BE) > 0) {
    return Hdf5Type::kUint8;
  }
  return Hdf5Type::kOther;
}

std::string Hdf5Dataset::type_name() const {
  return name_of_type(own(H5Dget_type(id()), H5Tclose));
}

Hdf5Extents Hdf5Dataset::extents() const {
  const Hdf5Handle space = own(H5Dget_space(id()), H5Sclose);
  const int rank = space.valid() ? H5Sget_simple_extent_ndims(space.id()) : -1;
  if (rank < 0 || H5Sget_simple_extent_type(space.id()) == H5S_NULL) {
    fail("has no extents", "the file is damaged; make it again");
  }
  std::vector<hsize_t> raw(static_cast<std::size_t>(rank));
  if (rank > 0 && H5Sget_simple_extent_dims(space.id(), raw.data(), nullptr) < 0) {
    fail(fmt::format("its extents cannot be read ({})", hdf5_reason()),
         "the file is damaged; make it again");
  }
  Hdf5Extents extents;
  for (const hsize_t extent : raw) {
    extents.push_back(static_cast<std::int64_t>(
        std::min<hsize_t>(extent, std::numeric_limits<std::int64_t>::max())));
  }
  return extents;
}

namespace {

bool element_count_is_positive(const Hdf5Extents& shape) {
  return std::ranges::all_of(shape, [](std::int64_t extent) { return extent > 0; });
}

}  // namespace

void Hdf5Dataset::check_storage(std::int64_t most) const {
  const Hdf5Extents shape = extents();
  std::int64_t elements = 1;
  for (const std::int64_t extent : shape) {
    if (extent > 0 && elements > most / extent) {
      fail(fmt::format("its extents [{}] are absurdly large: a tensor holds at most {} codes",
                       fmt::join(shape, ", "), most),
           "split the layer, or make the file again if it is damaged");
    }
    elements *= extent;
  }
  const Hdf5Handle plan = own(H5Dget_create_plist(id()), H5Pclose);
  const H5D_layout_t layout = plan.valid() ? H5Pget_layout(plan.id()) : H5D_LAYOUT_ERROR;
  const bool chunked = layout == H5D_CHUNKED;
  if (layout == H5D_VIRTUAL || (plan.valid() && H5Pget_external_count(plan.id()) > 0)) {
    fail("its data lies in another file, which is not read", "store it in this file");
  }
  if (guard_ == Hdf5Guard::kChecksums) {
    H5D_chunk_index_t index = H5D_CHUNK_IDX_BTREE;
    unsigned flags = 0;
    std::size_t parameters = 0;
    if (!chunked || H5Pget_filter_by_id2(plan.id(), H5Z_FILTER_FLETCHER32, &flags, &parameters,
                                         nullptr, 0, nullptr, nullptr) < 0) {
      fail_unguarded("is not stored in chunks with the Fletcher-32 filter");
    }
    if (H5Dget_chunk_index_type(id(), &index) < 0 || index == H5D_CHUNK_IDX_BTREE) {
      fail_unguarded("its chunks are indexed in an older format");
    }
  }
  if (chunked) {
    std::vector<hsize_t> chunk(shape.size());
    hsize_t written = 0;
    hsize_t expected = 1;
    H5Pget_chunk(plan.id(), static_cast<int>(chunk.size()), chunk.data());
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const hsize_t step = std::max<hsize_t>(chunk[axis], 1);
      expected *= (static_cast<hsize_t>(shape[axis]) + step - 1) / step;
    }
    const Hdf5Handle everything = own(H5Dget_space(id()), H5Sclose);
    if (H5Dget_num_chunks(id(), everything.id(), &written) < 0 || written != expected) {
      fail(fmt::format("holds {} of its {} chunks", written, expected), "write all of its codes");
    }
    // Without checksums a chunk may be anywhere.
    if (guard_ == Hdf5Guard::kNone) {
      check_chunk_places(shape, chunk);
    }
  }
  const auto stored = static_cast<std::int64_t>(H5Dget_storage_size(id()));
  if (elements / kMaxDeflateRatio > stored || (stored == 0 && elements > 0)) {
    fail(fmt::format("claims [{}] = {} codes, but the file stores {} bytes for it",
                     fmt::join(shape, ", "), elements, stored),
         "write all of its codes");
  }
}

void Hdf5Dataset::check_chunk_places(const Hdf5Extents& shape,
                                     const std::vector<hsize_t>& chunk) const {
  hsize_t size_of_file = 0;
  const Hdf5Handle file = own(H5Iget_file_id(id()), H5Fclose);
  H5Fget_filesize(file.id(), &size_of_file);
  std::vector<std::pair<hsize_t, hsize_t>> places;  // begin and end
  std::vector<hsize_t> at(shape.size(), 0);
  for (bool more = element_count_is_positive(shape); more;) {
    unsigned mask = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t size = 0;
    const bool found = H5Dget_chunk_info_by_coord(id(), at.data(), &mask, &address, &size) >= 0 &&
                       address != HADDR_UNDEF;
    if (!found || size == 0 || size > size_of_file || address > size_of_file - size) {
      fail(fmt::format("has no chunk at [{}], or none within the file", fmt::join(at, ", ")),
           "the file is damaged; make it again");
    }
    places.emplace_back(address, address + size);
    more = false;
    for (std::size_t axis = shape.size(); axis-- > 0 && !more;) {
      at[axis] += std::max<hsize_t>(chunk[axis], 1);
      more = at[axis] < static_cast<hsize_t>(shape[axis]);
      at[axis] = more ? at[axis] : 0;
    }
  }
  std::ranges::sort(places);
  for (std::size_t i = 1; i < places.size(); ++i) {
    if (places[i].first < places[i - 1].second) {
      fail("has chunks that lie in one another", "the file is damaged; make it again");
    }
  }
}

namespace {

// The selections in the file and in memory of a transfer of `size` elements. Null box: everything.
struct Transfer {
  Hdf5Handle file, memory;
};

Transfer transfer_of(Hdf5Handle::Id dataset, const Hdf5Dataset::Box* box,
                     [[maybe_unused]] std::size_t size) {
  Transfer transfer{own(H5Dget_space(dataset), H5Sclose), {}};
  // Memory has the shape of what it holds: between shapes of different rank libhdf5 goes element by
  // element.
  if (box == nullptr) {
    transfer.memory = own(H5Scopy(transfer.file.id()), H5Sclose);
  } else {
    transfer.memory = own(
        H5Screate_simple(static_cast<int>(box->count.size()), to_hsize(box->count).data(), nullptr),
        H5Sclose);
    assert(static_cast<int>(box->start.size()) == H5Sget_simple_extent_ndims(transfer.file.id()));
    assert(box->start.size() == box->count.size());
    H5Sselect_hyperslab(transfer.file.id(), H5S_SELECT_SET, to_hsize(box->start).data(),
                        box->stride.empty() ? nullptr : to_hsize(box->stride).data(),
                        to_hsize(box->count).data(), nullptr);
  }
  assert(H5Sget_select_npoints(transfer.file.id()) == static_cast<hssize_t>(size));
  assert(H5Sget_select_npoints(transfer.memory.id()) == static_cast<hssize_t>(size));
  return transfer;
}

}  // namespace

void Hdf5Dataset::write_elements(Hdf5Type type, const Box* box, const void* values,
                                 std::size_t size) const {
  prepare_hdf5();  // perhaps on a thread of its own
  const Transfer transfer = transfer_of(id(), box, size);
  if (H5Dwrite(id(), memory_type(type), transfer.memory.id(), transfer.file.id(), H5P_DEFAULT,
               values) < 0) {
    fail_write("data");
  }
}

void Hdf5Dataset::read_elements(Hdf5Type type, void* values, std::size_t size) const {
  prepare_hdf5();  // perhaps on a thread of its own
  const Transfer transfer = transfer_of(id(), nullptr, size);
  if (H5Dread(id(), memory_type(type), transfer.memory.id(), transfer.file.id(), H5P_DEFAULT,
              values) < 0) {
    fail(fmt::format("its data cannot be read ({})", hdf5_reason()),
         "the file is damaged; make it again");
  }
}

// ---------------------------------------------------------------- groups

bool Hdf5Group::has(const std::string& name) const {
  return H5Lexists(id(), name.c_str(), H5P_DEFAULT) > 0;
}

std::vector<std::string> Hdf5Group::children() const {
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* into) noexcept {
    try {
      static_cast<std::vector<std::string>*>(into)->emplace_back(name);
      return 0;
    } catch (...) {
      return -1;  // no exception may pass through C
    }
  };
  if (H5Literate(id(), H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, collect, &names) < 0) {
    fail(fmt::format("its members cannot be listed ({})", hdf5_reason()),
         "the file is damaged; make it again");
  }
  std::sort(names.begin(), names.end());
  return names;
}

Hdf5Handle Hdf5Group::open_child(const std::string& name, int wanted_type,
                                 const char* wanted) const {
  const std::string place = child_place(name);
  const htri_t exists = H5Lexists(id(), name.c_str(), H5P_DEFAULT);
  if (exists == 0) {
    throw InputError({file(), place, "is missing", fmt::format("add the {}", wanted)});
  }
  H5L_info_t link{};
  if (exists > 0 && H5Lget_info(id(), name.c_str(), &link, H5P_DEFAULT) >= 0) {
    // A link that leads elsewhere, even to another file, would escape every check of this file.
    if (link.type != H5L_TYPE_HARD) {
      throw InputError({file(), place, "is a soft or external link",
                        fmt::format("store the {} itself there", wanted)});
    }
    Hdf5Handle child = own(H5Oopen(id(), name.c_str(), H5P_DEFAULT), H5Oclose);
    if (child.valid()) {
      if (H5Iget_type(child.id()) != wanted_type) {
        throw InputError({file(), place, fmt::format("is not a {}", wanted),
                          fmt::format("put a {} there", wanted)});
      }
      return child;
    }
  }
  const std::string reason = hdf5_reason();
  if (is_of_newer_format(reason)) {
    throw InputError({file(), place, fmt::format("is written in a newer HDF5 format ({})", reason),
                      kWriteForOldReaders});
  }
  throw InputError({file(), place, fmt::format("cannot be opened ({})", reason),
                    "the file is damaged; make it again"});
}

Hdf5Group Hdf5Group::open_group(const std::string& name) const {
  return {open_child(name, H5I_GROUP, "group"), file(), child_place(name), guard_};
}

Hdf5Dataset Hdf5Group::open_dataset(const std::string& name) const {
  return {open_child(name, H5I_DATASET, "dataset"), file(), child_place(name), guard_};
}

Hdf5Group Hdf5Group::create_group(const std::string& name) const {
  const Hdf5Handle plan = own(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
  H5Pset_obj_track_times(plan.id(), false);  // the same content gives the same bytes
  Hdf5Handle group =
      own(H5Gcreate2(id(), name.c_str(), H5P_DEFAULT, plan.id(), H5P_DEFAULT), H5Gclose);
  if (!group.valid()) {
    fail_write(fmt::format("group '{}'", printable(name, 255)));
  }
  return {std::move(group), file(), child_place(name), guard_};
}

Hdf5Dataset Hdf5Group::create_dataset(const std::string& name, Hdf5Type type,
                                      const Hdf5Extents& extents,
                                      const Hdf5Storage& storage) const {
  const int rank = static_cast<int>(extents.size());
  const Hdf5Handle space = own(H5Screate_simple(rank, to_hsize(extents).data(), nullptr), H5Sclose);
  const Hdf5Handle plan = own(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  // The same content gives the same bytes: no time of day.
  H5Pset_obj_track_times(plan.id(), false);
  H5Pset_fill_time(plan.id(), storage.zeros ? H5D_FILL_TIME_ALLOC : H5D_FILL_TIME_NEVER);
  if (rank > 0) {
    const Hdf5Extents chunk =
        storage.chunk.empty() ? automatic_chunk(extents, size_of(type)) : storage.chunk;
    H5Pset_chunk(plan.id(), rank, to_hsize(chunk).data());
    if (storage.deflate_level > 0) {
      if (size_of(type) > 1) {
        H5Pset_shuffle(plan.id());
      }
      H5Pset_deflate(plan.id(), static_cast<unsigned>(storage.deflate_level));
    }
    if (storage.fletcher32) {
      H5Pset_fletcher32(plan.id());
    }
  }
  Hdf5Handle dataset = own(H5Dcreate2(id(), name.c_str(), file_type(type), space.id(), H5P_DEFAULT,
                                      plan.id(), H5P_DEFAULT),
                           H5Dclose);
  if (!dataset.valid()) {
    fail_write(fmt::format("dataset '{}'", printable(name, 255)));
  }
  return {std::move(dataset), file(), child_place(name), guard_};
}

// ---------------------------------------------------------------- files

Hdf5File::Hdf5File(Hdf5Handle root, Hdf5Handle file, std::string name, Hdf5Guard guard)
    : Hdf5Group(std::move(root), std::move(name), "", guard), file_handle_(std::move(file)) {}

Hdf5File Hdf5File::open(const fs::path& path, Hdf5Guard guard) {
  prepare_hdf5();
  const auto refuse = [&](const std::string& problem, const std::string& remedy) {
    throw InputError({path.string(), "", problem, remedy});
  };
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    refuse("there is no such file", "check the name");
  }
  if (error) {
    refuse(fmt::format("cannot be reached ({})", error.message()), "check the name");
  }
  // Opening a pipe would wait for a writer for ever.
  if (status.type() != fs::file_type::regular) {
    refuse(status.type() == fs::file_type::directory ? "is a folder" : "is not a regular file",
           "name an HDF5 file");
  }
  if (::access(path.c_str(), R_OK) != 0) {
    refuse(fmt::format("cannot be read ({})", std::generic_category().message(errno)),
           "check its permissions");
  }
  const htri_t is_hdf5 = H5Fis_hdf5(path.c_str());
  if (is_hdf5 <= 0) {
    refuse("is not an HDF5 file", "name an HDF5 file, such as a trace");
  }
  const Hdf5Handle access = own(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG);
  Hdf5Handle file = with_locks_if_there_are(
      access, [&] { return own(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose); });
  if (!file.valid()) {
    const bool newer = is_of_newer_format(hdf5_reason());
    refuse(open_problem(), newer ? kWriteForOldReaders : "make or copy the file again");
  }
  Hdf5Handle root = own(H5Gopen2(file.id(), "/", H5P_DEFAULT), H5Gclose);
  if (!root.valid()) {
    refuse(open_problem(), "make or copy the file again");
  }
  return {std::move(root), std::move(file), path.string(), guard};
}

Hdf5File Hdf5File::create(const fs::path& path, const std::string& name) {
  prepare_hdf5();
  const Hdf5Handle access = own(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG);
  H5Pset_libver_bounds(access.id(), H5F_LIBVER_V110, H5F_LIBVER_V110);
  const Hdf5Handle creation = own(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation.id(), false);
  Hdf5Handle file = with_locks_if_there_are(access, [&] {
    return own(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), H5Fclose);
  });
  Hdf5Handle root =
      file.valid() ? own(H5Gopen2(file.id(), "/", H5P_DEFAULT), H5Gclose) : Hdf5Handle();
  if (!root.valid()) {
    throw MachineError({name, "", fmt::format("cannot be created ({})", hdf5_reason()),
                        "check the folder and the disk"});
  }
  return {std::move(root), std::move(file), name, Hdf5Guard::kChecksums};
}

void Hdf5File::close() {
  const bool flushed = !file_handle_.valid() || H5Fflush(file_handle_.id(), H5F_SCOPE_LOCAL) >= 0;
  if (!flushed) {
    fail_write("the end of the file");
  }
  handle_.close();
  if (!file_handle_.close()) {
    fail_write("the end of the file");
  }
}

}  // namespace potomac
