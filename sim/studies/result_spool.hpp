// The results of one pass, in a file without a name, as they come: tiles of several threads, in any
// order. From there they go to a dump in the order of its chunks, so that the same results are the
// same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace potomac::sim {

class ResultSpool {
 public:
  // `target`: the file for which it is, beside which it lies. Throws MachineError, as all of it
  // does where the disk does not take what is written.
  explicit ResultSpool(const std::filesystem::path& target);
  ~ResultSpool();
  ResultSpool(const ResultSpool&) = delete;
  ResultSpool& operator=(const ResultSpool&) = delete;

  // For a pass of so many bytes, of which those that nobody writes are zero.
  void begin(std::int64_t bytes);
  // From any thread.
  void write(std::int64_t offset, const void* bytes, std::size_t size);
  void read(std::int64_t offset, void* bytes, std::size_t size);

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path target_;
  int file_ = -1;
};

}  // namespace potomac::sim
