// Text in UTF-8. Apart, so that who asks only this does not compile all of simdjson.
#pragma once

#include <string_view>

namespace attar::data {

/// What some editors write in front of such a text.
inline constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace attar::data
