#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "text/tokenizer/byte_pairs.h"
#include "text/tokenizer/files.h"

namespace attar::text {
namespace {

constexpr std::array<std::int8_t, 256> make_digits_of_base64() {
  std::array<std::int8_t, 256> out{};
  out.fill(-1);
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < digits.size(); ++i)
    out[static_cast<unsigned char>(digits[i])] = static_cast<std::int8_t>(i);
  return out;
}
constexpr std::array<std::int8_t, 256> digits_of_base64 = make_digits_of_base64();

std::optional<std::string> from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::int8_t digit = digits_of_base64[static_cast<unsigned char>(c)];
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return out;
}

struct Line {
  std::string token;
  std::uint32_t rank;
};

std::optional<Line> read_line(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  std::optional<std::string> token = from_base64(line.substr(0, space));
  const std::string_view digits = line.substr(space + 1);
  Line out{{}, 0};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.rank);
  if (!token || error != std::errc() || end != digits.data() + digits.size() || out.rank == Vocabulary::none)
    return std::nullopt;
  out.token = *std::move(token);
  return out;
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Status check(const Vocabulary& tokens, std::vector<std::uint32_t> ranks) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (tokens.find({&c, 1}) == Vocabulary::none)
      return fail(ErrorCode::invalid_data, fmt::format("has no token for the byte {}; every byte is one", byte));
  }
  std::ranges::sort(ranks);
  if (const auto twice = std::ranges::adjacent_find(ranks); twice != ranks.end())
    return fail(ErrorCode::invalid_data, fmt::format("has two tokens of rank {}", *twice));
  return {};
}

}  // namespace

bool looks_like_tiktoken(std::string_view bytes) noexcept {
  bytes = bytes.substr(0, 4 * longest_token);
  return read_line(take_line(bytes)).has_value();
}

Result<Pipeline> read_tiktoken(std::string_view bytes, Pattern pattern) {
  Vocabulary tokens;
  std::vector<std::uint32_t> ranks;
  for (std::size_t number = 1; !bytes.empty(); ++number) {
    const std::string_view line = take_line(bytes);
    if (line.empty()) continue;
    std::optional<Line> read = read_line(line);
    if (!read)
      return fail(ErrorCode::invalid_data, fmt::format("line {} is not a base64 token, a space and a rank", number));
    if (tokens.size() == most_tokens || read->token.size() > longest_token)
      return fail(ErrorCode::over_limit, fmt::format("line {} passes a limit: {} tokens, {} bytes a token", number,
                                                     most_tokens, longest_token));
    if (!tokens.add(read->token, static_cast<std::uint32_t>(ranks.size())))
      return fail(ErrorCode::invalid_data, fmt::format("line {} has a token that stood there before", number));
    ranks.push_back(read->rank);
  }
  ATTAR_TRY(check(tokens, ranks));
  ATTAR_ASSIGN(const std::vector<Merge> merges, BytePairs::pairs_of(tokens, ranks));
  Pipeline out;
  out.splits.push_back(make_scan(pattern));
  ATTAR_ASSIGN(out.model, BytePairs::make(std::move(tokens), merges, {.whole_first = true}));
  return out;
}

}  // namespace attar::text
