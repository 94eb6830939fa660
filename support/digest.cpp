#include "support/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <span>

#include "support/error.hpp"

namespace potomac {
namespace {

struct Sha256 {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;

  explicit Sha256(std::string_view content) {
    if (::EVP_Digest(content.data(), content.size(), bytes.data(), &size, ::EVP_sha256(),
                     nullptr) != 1) {
      throw MachineError({"", "", "libcrypto computes no SHA-256", "check its installation"});
    }
  }
  std::span<const unsigned char> digest() const { return std::span(bytes).first(size); }
};

}  // namespace

std::string sha256_of(std::string_view bytes) {
  const Sha256 sha256(bytes);
  std::string text;
  for (const unsigned char byte : sha256.digest()) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

std::string sha256_base64_of(std::string_view bytes) {
  const Sha256 sha256(bytes);
  std::array<unsigned char, (EVP_MAX_MD_SIZE + 2) / 3 * 4 + 1> text{};
  const int size =
      ::EVP_EncodeBlock(text.data(), sha256.digest().data(), static_cast<int>(sha256.size));
  return {text.begin(), text.begin() + size};
}

}  // namespace potomac
