#include "support/digest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>

#include "support/error.hpp"

namespace potomac {
namespace {

void require(bool good) {
  if (!good) {
    throw MachineError({"", "", "libcrypto computes no SHA-256", "check its installation"});
  }
}

Sha256::Digest digest_of(std::string_view bytes) {
  Sha256 sha256;
  sha256.add(bytes);
  return sha256.take();
}

}  // namespace

struct Sha256::Context {
  std::unique_ptr<EVP_MD_CTX, decltype(&::EVP_MD_CTX_free)> state{::EVP_MD_CTX_new(),
                                                                  &::EVP_MD_CTX_free};

  void begin() const {
    require(state != nullptr && ::EVP_DigestInit_ex(state.get(), ::EVP_sha256(), nullptr) == 1);
  }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  context_->begin();
}

Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) {
  require(::EVP_DigestUpdate(context_->state.get(), bytes.data(), bytes.size()) == 1);
}

Sha256::Digest Sha256::take() {
  Digest digest{};
  unsigned int size = 0;
  require(::EVP_DigestFinal_ex(context_->state.get(), digest.data(), &size) == 1 && size == kBytes);
  context_->begin();
  return digest;
}

std::string hex_of(const Sha256::Digest& digest) {
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

std::string sha256_of(std::string_view bytes) {
  return hex_of(digest_of(bytes));
}

std::string sha256_base64_of(std::string_view bytes) {
  const Sha256::Digest digest = digest_of(bytes);
  std::array<unsigned char, (Sha256::kBytes + 2) / 3 * 4 + 1> text{};
  const int size = ::EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
  return {text.begin(), text.begin() + size};
}

}  // namespace potomac
