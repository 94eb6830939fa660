// What tells files apart.
#pragma once

#include <string>
#include <string_view>

namespace potomac {

// SHA-256 in hexadecimal digits, as `sha256sum` prints it.
std::string sha256_of(std::string_view bytes);

// SHA-256 in Base64, as a page's Content-Security-Policy names a script.
std::string sha256_base64_of(std::string_view bytes);

}  // namespace potomac
