// What tells files apart.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace potomac {

// SHA-256 of bytes that come piece by piece. Throws MachineError if libcrypto has none.
class Sha256 {
 public:
  static constexpr std::size_t kBytes = 32;
  using Digest = std::array<unsigned char, kBytes>;

  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::string_view bytes);
  // Ends it, and begins anew.
  Digest take();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// The hexadecimal digits of a digest.
std::string hex_of(const Sha256::Digest& digest);

// SHA-256 in hexadecimal digits, as `sha256sum` prints it.
std::string sha256_of(std::string_view bytes);

// SHA-256 in Base64, as a page's Content-Security-Policy names a script.
std::string sha256_base64_of(std::string_view bytes);

}  // namespace potomac
