// Reads datasets of bytes from files that nobody vouches for. libhdf5 finds the chunks; decoding
// them (Fletcher-32, inflate) is done here, because libhdf5 neither checks that an inflated chunk
// has its chunk's size nor says which chunk is damaged.
#pragma once

#include <cstdint>
#include <span>

#include "workloads/sources/hdf5_handle.hpp"

namespace potomac::workloads {

// Deflate cannot shrink data further than this.
inline constexpr std::int64_t kMaxDeflateRatio = 1032;

// Proves, without reading data or allocating for it, that the file holds a dataset of this many
// bytes: extents that multiply to at most `max_bytes`, only deflate, shuffle and Fletcher-32 as
// filters, nothing stored outside of the file, every chunk there and of a believable size.
// Throws InputError. Precondition: the dataset's type is kUint8.
void check_byte_storage(const Hdf5Dataset& dataset, std::int64_t max_bytes);

// Reads the whole dataset. Throws InputError that names the chunk that is damaged.
// Preconditions: check_byte_storage() passed; `bytes` holds exactly its elements.
void read_bytes(const Hdf5Dataset& dataset, std::span<std::uint8_t> bytes);

}  // namespace potomac::workloads
