// Bytes in whatever encoding to UTF-8, by ICU where they are not UTF-8 already.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attar/result.h"

namespace attar::data {

struct Decoded {
  std::string text;          ///< UTF-8 without NUL
  std::uint64_t offset = 0;  ///< bytes of the byte order mark
  bool verbatim = false;     ///< the text is the bytes behind the mark
};

/// Decodes a whole file; spec.md has the order in which encodings are tried. `declared` is what the file says of
/// itself, or
/// "". `invalid_data` where it is binary, or in no encoding that can be told.
[[nodiscard]] Result<Decoded> decode(std::string bytes, std::string_view declared = {});

/// The charset that an HTML page declares in its first KiB; "" for none.
[[nodiscard]] std::string_view declared_charset(std::string_view html) noexcept;

}  // namespace attar::data
