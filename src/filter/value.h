// Values of attributes: their types, the keys that put numbers and dates in order, and ISO 8601.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace attar::filter {

/// What a column holds. Numbers are on the wire.
enum class ColumnType : std::uint8_t {
  integer = 0,
  floating = 1,
  boolean = 2,
  date = 3,  ///< days since 1970-01-01
  time = 4,  ///< seconds since 1970-01-01T00:00:00 UTC
  string = 5,
  strings = 6,  ///< a list
};

/// "integer", "list of strings": for messages and listings.
[[nodiscard]] std::string_view type_name(ColumnType type) noexcept;

/// True for what has keys: all but strings and lists.
[[nodiscard]] constexpr bool is_numeric(ColumnType type) noexcept { return type <= ColumnType::time; }

/// A row's value; dates and times are in ISO 8601. Empty: the row has none.
using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::string>>;

/// Keys: unsigned numbers in the order of the values (FORMAT.md, "Attributes section").
inline constexpr std::uint64_t key_zero = 1ull << 63;
[[nodiscard]] constexpr std::uint64_t key_of(std::int64_t value) noexcept {
  return static_cast<std::uint64_t>(value) + key_zero;
}
[[nodiscard]] constexpr std::int64_t integer_of(std::uint64_t key) noexcept {
  return static_cast<std::int64_t>(key - key_zero);
}
/// `value` is finite; −0 counts as 0.
[[nodiscard]] std::uint64_t key_of(double value) noexcept;
[[nodiscard]] double float_of(std::uint64_t key) noexcept;

/// False for a key that no value of the type has.
[[nodiscard]] bool is_key(ColumnType type, std::uint64_t key) noexcept;
/// The value with that key, which is one of the type.
[[nodiscard]] Value value_of(ColumnType type, std::uint64_t key);

inline constexpr std::int64_t seconds_a_day = 86'400;

/// A date or a moment of ISO 8601, UTC where it names no offset; fractions of a second are dropped.
struct Moment {
  std::int64_t seconds = 0;  ///< since 1970-01-01T00:00:00 UTC
  bool whole_day = false;    ///< "2024-05-01": no time was named

  [[nodiscard]] std::int64_t days() const noexcept { return seconds / seconds_a_day - (seconds % seconds_a_day < 0); }
};

/// "2024-05-01", "2024-05-01T12:30", "2024-05-01 12:30:59.5Z", "…+02:00". Nothing for any other text.
[[nodiscard]] std::optional<Moment> parse_moment(std::string_view text) noexcept;
/// "2024-05-01".
[[nodiscard]] std::string date_text(std::int64_t days);
/// "2024-05-01T12:30:00Z".
[[nodiscard]] std::string time_text(std::int64_t seconds);

/// A value as text: numbers in the fewest digits that tell them apart, lists with ", " between; "" for none.
[[nodiscard]] std::string text_of(const Value& value);

}  // namespace attar::filter
