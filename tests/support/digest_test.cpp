// SHA-256 against the published examples.
#include "support/digest.hpp"

#include <gtest/gtest.h>

namespace potomac {
namespace {

// FIPS 180-4's examples.
TEST(Digest, IsSha256AsSha256sumPrintsIt) {
  EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, IsTheSameInBase64) {
  EXPECT_EQ(sha256_base64_of("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  EXPECT_EQ(sha256_base64_of(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

}  // namespace
}  // namespace potomac
