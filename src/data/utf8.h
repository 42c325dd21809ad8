// Whether bytes are UTF-8. Apart, so that who asks only this does not compile all of simdjson.
#pragma once

#include <string_view>

namespace attar::data {

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace attar::data
