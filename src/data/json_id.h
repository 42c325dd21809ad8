// Ids in JSON lines of others: queries, judgements.
#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace attar::data {

/// A field that holds a string or an integer, as text; nothing where it is missing or holds something else.
[[nodiscard]] inline std::optional<std::string> id_of(simdjson::dom::object fields, std::string_view key) {
  simdjson::dom::element value;
  if (fields.at_key(key).get(value) != simdjson::SUCCESS) return std::nullopt;
  if (std::string_view text; value.get(text) == simdjson::SUCCESS) return std::string(text);
  if (std::int64_t number = 0; value.get(number) == simdjson::SUCCESS) return fmt::to_string(number);
  return std::nullopt;
}

}  // namespace attar::data
