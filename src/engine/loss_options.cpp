// Reading and printing what may be lost of tensors.
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "attar/loss.h"

namespace attar {
namespace {

constexpr std::string_view bound_forms =
    "a bound on errors is a number (\"1e-3\"), or a share of each tensor's largest magnitude (\"0.1%\")";
constexpr std::string_view pin_forms =
    "a pin is a pattern of names with what holds for them: \"embed.*=lossless\", \"embed.*=8bit\" (about that many "
    "bits "
    "a weight), \"embed.*>=4bit\" (at least), \"embed.*=1e-3\" or \"embed.*=0.1%\" (no element further off)";
constexpr double most_bits = 32;

std::optional<double> positive(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || !(value > 0))
    return std::nullopt;
  return value;
}

std::optional<ErrorBound> bound_of(std::string_view text) {
  const bool relative = text.ends_with('%');
  if (relative) text.remove_suffix(1);
  const auto value = positive(text);
  if (!value) return std::nullopt;
  return ErrorBound{.value = relative ? *value / 100 : *value, .relative = relative};
}

std::optional<double> bits_of(std::string_view text) {
  for (const std::string_view unit : {"bits", "bit"})
    if (text.ends_with(unit)) {
      const auto value = positive(text.substr(0, text.size() - unit.size()));
      return value && *value <= most_bits ? value : std::nullopt;
    }
  return std::nullopt;
}

std::optional<TensorPin> pin_of(std::string_view text) {
  const std::size_t equal = text.rfind('=');
  if (equal == std::string_view::npos || equal == 0) return std::nullopt;
  const bool least = text[equal - 1] == '>';
  TensorPin out{.pattern = std::string(text.substr(0, equal - (least ? 1 : 0)))};
  const std::string_view value = text.substr(equal + 1);
  if (out.pattern.empty()) return std::nullopt;
  if (const auto bits = bits_of(value)) {
    out.kind = least ? TensorPin::Kind::least_bits : TensorPin::Kind::bits;
    out.bits = *bits;
    return out;
  }
  if (least) return std::nullopt;
  if (value == "lossless") return out;
  const auto bound = bound_of(value);
  if (!bound) return std::nullopt;
  out.kind = TensorPin::Kind::bound;
  out.bound = *bound;
  return out;
}

}  // namespace

std::string ErrorBound::text() const { return relative ? fmt::format("{}%", value * 100) : fmt::format("{}", value); }

Result<ErrorBound> parse_error_bound(std::string_view text) {
  if (const auto out = bound_of(text)) return *out;
  return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is no bound: {}", text, bound_forms));
}

std::string TensorPin::text() const {
  switch (kind) {
    case Kind::lossless: return fmt::format("{}=lossless", pattern);
    case Kind::bits: return fmt::format("{}={}bit", pattern, bits);
    case Kind::least_bits: return fmt::format("{}>={}bit", pattern, bits);
    case Kind::bound: return fmt::format("{}={}", pattern, bound.text());
  }
  return {};
}

Result<TensorPin> parse_tensor_pin(std::string_view text) {
  if (auto out = pin_of(text)) return *std::move(out);
  return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is no pin: {}", text, pin_forms));
}

}  // namespace attar
