// libFuzzer's entry: POTOMAC_FUZZ_TARGET names the format.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fuzz/fuzz_targets.hpp"

namespace {

const potomac::FuzzTarget* chosen = nullptr;
std::filesystem::path file;

void remove_file() {
  std::error_code ignored;
  std::filesystem::remove_all(file.parent_path(), ignored);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*count*/, char*** /*arguments*/) {
  const char* const name = std::getenv("POTOMAC_FUZZ_TARGET");
  chosen = name == nullptr ? nullptr : potomac::find_fuzz_target(name);
  if (chosen == nullptr) {
    std::fputs("POTOMAC_FUZZ_TARGET is one of:", stderr);
    for (const potomac::FuzzTarget& target : potomac::fuzz_targets()) {
      std::fprintf(stderr, " %s", std::string(target.name).c_str());
    }
    std::fputs("\n", stderr);
    std::exit(2);
  }
  std::string folder = (std::filesystem::temp_directory_path() / "potomac-fuzz-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    std::exit(1);
  }
  file = std::filesystem::path(folder) / (std::string("input") + std::string(chosen->extension));
  std::atexit(remove_file);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  {
    std::ofstream stream(file, std::ios::binary | std::ios::trunc);
    stream.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  }
  potomac::fuzz(*chosen, file);
  return 0;
}
