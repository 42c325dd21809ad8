#include "text/windows/cut.h"

#include <algorithm>

namespace attar::text {
namespace {

constexpr std::size_t back_to_blank = 64;  // bytes

bool continues(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// The place moved back to where a code point begins. Bytes that are no UTF-8 may be parted anywhere.
std::size_t boundary(std::string_view text, std::size_t at) noexcept {
  std::size_t place = at;
  while (place > 0 && at - place < 3 && place < text.size() && continues(text[place])) --place;
  return place < text.size() && continues(text[place]) ? at : place;
}

/// Behind the last blank of the piece's end, so that no word is parted; the end itself where there is none.
std::size_t behind_blank(std::string_view text, std::size_t begin, std::size_t end) noexcept {
  if (end == begin || end == text.size()) return end;
  const std::size_t lowest = std::max(begin + 1, end - std::min(end, back_to_blank));
  for (std::size_t at = end; at >= lowest; --at)
    if (text[at - 1] == ' ' || text[at - 1] == '\n' || text[at - 1] == '\t') return at;
  return end;
}

/// The longest piece from `begin`: a bracket around its end doubled until it is too long, then halved.
TextPiece next_piece(std::string_view text, std::size_t begin, const Tokenizer& tokenizer, std::uint32_t room) {
  const auto tokens_to = [&](std::size_t end) { return tokenizer.count(text.substr(begin, end - begin)); };
  std::size_t fits = begin;               // an end that does
  std::size_t low = begin, high = begin;  // ends up to `low` lead back to `fits` at most, `high` is too far
  for (std::size_t length = 2 * std::size_t{room}; high == begin; length *= 2) {
    const std::size_t at = std::min(begin + length, text.size()), end = boundary(text, at);
    if (end > begin && tokens_to(end) > room) {
      high = at;
    } else {
      low = at;
      fits = end;
      if (end == text.size()) high = end + 1;
    }
  }
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2, end = boundary(text, middle);
    if (end > fits && tokens_to(end) > room) {
      high = middle;
    } else {
      low = middle;
      fits = std::max(fits, end);
    }
  }
  const std::size_t end = behind_blank(text, begin, fits), tokens = tokens_to(end);
  // Parted at a blank a text may have more tokens than parted in a word.
  if (tokens > room) return {.begin = begin, .end = fits, .tokens = static_cast<std::uint32_t>(tokens_to(fits))};
  return {.begin = begin, .end = end, .tokens = static_cast<std::uint32_t>(tokens)};
}

}  // namespace

std::vector<TextPiece> cut_text(std::string_view text, const Tokenizer& tokenizer, std::uint32_t room) {
  std::vector<TextPiece> out;
  for (std::size_t begin = 0; begin < text.size(); begin = out.back().end) {
    out.push_back(next_piece(text, begin, tokenizer, room));
    if (out.back().size() == 0) return {};
  }
  return out;
}

}  // namespace attar::text
