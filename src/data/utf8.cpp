#include "data/utf8.h"

#include <simdjson.h>

namespace attar::data {

bool is_utf8(std::string_view text) noexcept { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace attar::data
