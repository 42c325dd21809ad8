#include "filter/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>

namespace attar::filter {
namespace {

constexpr std::uint64_t float_sign = 1ull << 63;
constexpr std::uint64_t float_infinity = 0x7ff0'0000'0000'0000;

/// Takes `count` digits from the front.
std::optional<int> take_digits(std::string_view& text, std::size_t count) noexcept {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + count, value);
  if (error != std::errc{} || end != text.data() + count || text.front() == '-') return std::nullopt;
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char wanted) noexcept {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::int64_t> take_date(std::string_view& text) noexcept {
  using namespace std::chrono;
  const auto y = take_digits(text, 4);
  if (!y || !take(text, '-')) return std::nullopt;
  const auto m = take_digits(text, 2);
  if (!m || !take(text, '-')) return std::nullopt;
  const auto d = take_digits(text, 2);
  if (!d) return std::nullopt;
  const year_month_day date{year(*y), month(static_cast<unsigned>(*m)), day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  return sys_days(date).time_since_epoch().count();
}

/// Hours and minutes, in seconds.
std::optional<std::int64_t> take_clock(std::string_view& text, bool colon_needed) noexcept {
  const auto hours = take_digits(text, 2);
  if (!hours || *hours > 23) return std::nullopt;
  if (!take(text, ':') && colon_needed) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return *hours * 3600 + *minutes * 60;
}

/// ":59.25", in whole seconds; 0 where it is not there.
std::optional<std::int64_t> take_seconds(std::string_view& text) noexcept {
  if (!take(text, ':')) return 0;
  const auto seconds = take_digits(text, 2);
  if (!seconds || *seconds > 59) return std::nullopt;
  if (take(text, '.')) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
  }
  return *seconds;
}

/// "Z", "+02:00", "-0530", or nothing: the offset from UTC in seconds.
std::optional<std::int64_t> take_offset(std::string_view& text) noexcept {
  if (text.empty() || take(text, 'Z')) return 0;
  const bool west = text.front() == '-';
  if (!west && text.front() != '+') return std::nullopt;
  text.remove_prefix(1);
  const auto offset = take_clock(text, false);
  if (!offset) return std::nullopt;
  return west ? -*offset : *offset;
}

}  // namespace

std::string_view type_name(ColumnType type) noexcept {
  switch (type) {
    case ColumnType::integer: return "integer";
    case ColumnType::floating: return "float";
    case ColumnType::boolean: return "boolean";
    case ColumnType::date: return "date";
    case ColumnType::time: return "time";
    case ColumnType::string: return "string";
    case ColumnType::strings: return "list of strings";
  }
  return "unknown";
}

std::uint64_t key_of(double value) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const std::uint64_t magnitude = bits & ~float_sign;
  return (bits & float_sign) != 0 ? key_zero - magnitude : key_zero + magnitude;
}

double float_of(std::uint64_t key) noexcept {
  if (key >= key_zero) return std::bit_cast<double>(key - key_zero);
  return std::bit_cast<double>((key_zero - key) | float_sign);
}

bool is_key(ColumnType type, std::uint64_t key) noexcept {
  if (type == ColumnType::boolean) return key <= 1;
  if (type == ColumnType::floating) return (key >= key_zero ? key - key_zero : key_zero - key) < float_infinity;
  return true;
}

Value value_of(ColumnType type, std::uint64_t key) {
  switch (type) {
    case ColumnType::integer: return integer_of(key);
    case ColumnType::floating: return float_of(key);
    case ColumnType::boolean: return key != 0;
    case ColumnType::date: return date_text(integer_of(key));
    case ColumnType::time: return time_text(integer_of(key));
    case ColumnType::string:
    case ColumnType::strings: break;
  }
  return {};
}

std::optional<Moment> parse_moment(std::string_view text) noexcept {
  const auto days = take_date(text);
  if (!days) return std::nullopt;
  Moment out{.seconds = *days * seconds_a_day, .whole_day = text.empty()};
  if (out.whole_day) return out;
  if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
  const auto clock = take_clock(text, true);
  if (!clock) return std::nullopt;
  const auto seconds = take_seconds(text);
  if (!seconds) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  out.seconds += *clock + *seconds - *offset;
  return out;
}

std::string date_text(std::int64_t days) {
  using namespace std::chrono;
  // The calendar of the library ends with the year 32767; a hostile file may name any day.
  constexpr std::int64_t most = 11'000'000;
  if (days < -most || days > most) return fmt::format("day {}", days);
  const year_month_day date{sys_days(std::chrono::days(days))};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::string time_text(std::int64_t seconds) {
  const Moment moment{.seconds = seconds};
  const std::int64_t rest = (seconds % seconds_a_day + seconds_a_day) % seconds_a_day;
  return fmt::format("{}T{:02}:{:02}:{:02}Z", date_text(moment.days()), rest / 3600, rest / 60 % 60, rest % 60);
}

std::string text_of(const Value& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return fmt::to_string(*whole);
  if (const auto* real = std::get_if<double>(&value)) return fmt::to_string(*real);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* list = std::get_if<std::vector<std::string>>(&value))
    return fmt::format("{}", fmt::join(*list, ", "));
  return {};
}

}  // namespace attar::filter
