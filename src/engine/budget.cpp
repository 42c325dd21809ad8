// Reading and printing budgets, floors and goals in time.
#include "attar/budget.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace attar {
namespace {

constexpr std::string_view budget_forms =
    "a budget is a size of the whole file (\"200MB\", \"1.5GiB\", \"300000B\"), bytes a vector (\"64B/vec\"), bits a "
    "value "
    "(\"2.5bit\") or a share of the input (\"30%\")";
constexpr std::string_view floor_forms =
    "a floor is a recall above 0 and below 1, with the k it holds for: \"0.95@10\"";
constexpr std::string_view latency_forms =
    "a latency is a time above 0 that a query may take: \"2ms\", \"500us\" or \"0.1s\"";
constexpr std::string_view throughput_forms = "a throughput is a number of queries a second above 0: \"5000\"";

struct Unit {
  std::string_view suffix;
  Budget::Unit unit;
  double factor;
};

// Longer suffixes before the shorter ones that they end in.
constexpr std::array units = {
    Unit{"B/vec", Budget::Unit::bytes_per_vector, 1},
    Unit{"bits", Budget::Unit::bits_per_value, 1},
    Unit{"bit", Budget::Unit::bits_per_value, 1},
    Unit{"%", Budget::Unit::percent, 1},
    Unit{"KiB", Budget::Unit::bytes, 1024.0},
    Unit{"MiB", Budget::Unit::bytes, 1024.0 * 1024},
    Unit{"GiB", Budget::Unit::bytes, 1024.0 * 1024 * 1024},
    Unit{"TiB", Budget::Unit::bytes, 1024.0 * 1024 * 1024 * 1024},
    Unit{"kB", Budget::Unit::bytes, 1e3},
    Unit{"KB", Budget::Unit::bytes, 1e3},
    Unit{"MB", Budget::Unit::bytes, 1e6},
    Unit{"GB", Budget::Unit::bytes, 1e9},
    Unit{"TB", Budget::Unit::bytes, 1e12},
    Unit{"B", Budget::Unit::bytes, 1},
};

struct TimeUnit {
  std::string_view suffix;
  double seconds;
};

// Longer suffixes before the shorter one that they end in.
constexpr std::array time_units = {TimeUnit{"us", 1e-6}, TimeUnit{"ms", 1e-3}, TimeUnit{"s", 1}};

// A plain decimal number that is all of the text.
std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// As number() reads it: no exponent, and the digits that tell it from every other.
std::string decimal(double value) {
  std::array<char, 512> digits{};  // the smallest and the largest double take fewer
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed);
  return error == std::errc{} ? std::string(digits.data(), end) : std::string();
}

// Rounded down, and so that no count of bytes is passed; what 64 bits cannot hold is no limit at all.
std::uint64_t whole_bytes(double bytes) noexcept {
  if (!(bytes > 0)) return 0;
  if (bytes >= 0x1p63) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace

std::uint64_t Budget::bytes(std::uint64_t rows, std::uint32_t dims,
                            std::uint32_t input_bytes_per_value) const noexcept {
  const double vectors = static_cast<double>(rows), values = vectors * dims;
  switch (unit) {
    case Unit::bytes: return whole_bytes(value);
    case Unit::bytes_per_vector: return whole_bytes(value * vectors);
    case Unit::bits_per_value: return whole_bytes(value * values / 8);
    case Unit::percent: return whole_bytes(value / 100 * values * input_bytes_per_value);
  }
  return 0;
}

std::string Budget::text() const {
  switch (unit) {
    case Unit::bytes: return fmt::format("{}B", whole_bytes(value));
    case Unit::bytes_per_vector: return decimal(value) + "B/vec";
    case Unit::bits_per_value: return decimal(value) + "bit";
    case Unit::percent: return decimal(value) + "%";
  }
  return {};
}

Result<Budget> parse_budget(std::string_view text) {
  const std::string_view whole = trimmed(text);
  for (const Unit& unit : units) {
    if (!whole.ends_with(unit.suffix)) continue;
    const auto value = number(trimmed(whole.substr(0, whole.size() - unit.suffix.size())));
    if (!value) break;
    if (!(*value > 0))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("a budget of \"{}\" leaves no room; {}", text, budget_forms));
    return Budget{.value = *value * unit.factor, .unit = unit.unit};
  }
  return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is no budget: {}", text, budget_forms));
}

std::string Floor::text() const { return fmt::format("{}@{}", decimal(recall), k); }

Result<Floor> parse_floor(std::string_view text) {
  const std::string_view whole = trimmed(text);
  const auto at = whole.find('@');
  Floor out;
  const auto recall = number(whole.substr(0, at));
  bool valid = recall && *recall > 0 && *recall < 1;
  if (at != std::string_view::npos) {
    const std::string_view k = whole.substr(at + 1);
    const auto [end, error] = std::from_chars(k.data(), k.data() + k.size(), out.k);
    valid = valid && error == std::errc{} && end == k.data() + k.size() && out.k > 0;
  }
  if (!valid) return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is no floor: {}", text, floor_forms));
  out.recall = *recall;
  return out;
}

std::string Latency::text() const { return decimal(seconds) + "s"; }

Result<Latency> parse_latency(std::string_view text) {
  const std::string_view whole = trimmed(text);
  for (const TimeUnit& unit : time_units) {
    if (!whole.ends_with(unit.suffix)) continue;
    const auto value = number(trimmed(whole.substr(0, whole.size() - unit.suffix.size())));
    if (!value || !(*value * unit.seconds > 0)) break;
    return Latency{.seconds = *value * unit.seconds};
  }
  return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is no latency: {}", text, latency_forms));
}

std::string Throughput::text() const { return decimal(queries_per_second); }

Result<Throughput> parse_throughput(std::string_view text) {
  const auto value = number(trimmed(text));
  if (!value || !(*value > 0))
    return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is no throughput: {}", text, throughput_forms));
  return Throughput{.queries_per_second = *value};
}

}  // namespace attar
