// Patterns of "like".
#include <algorithm>

#include "filter/where.h"

namespace attar::filter {
namespace {

// Bytes of the UTF-8 character that begins a text; 1 where it is none.
std::size_t character_bytes(std::string_view text) noexcept {
  std::size_t count = 1;
  while (count < text.size() && count < 4 && (static_cast<unsigned char>(text[count]) & 0xc0) == 0x80) ++count;
  return static_cast<unsigned char>(text.front()) < 0x80 ? 1 : count;
}

bool is_escape(std::string_view pattern) noexcept { return pattern.size() > 1 && pattern.front() == '\\'; }

}  // namespace

bool is_like(std::string_view text, std::string_view pattern) noexcept {
  // Where the last % stood, and from where on it is tried again with one more character.
  std::string_view after, again;
  bool open = false;
  for (;;) {
    if (pattern.starts_with('%')) {
      pattern.remove_prefix(1);
      after = pattern;
      again = text;
      open = true;
      continue;
    }
    if (text.empty() && pattern.empty()) return true;
    if (!text.empty() && !pattern.empty()) {
      if (pattern.front() == '_') {
        text.remove_prefix(character_bytes(text));
        pattern.remove_prefix(1);
        continue;
      }
      const std::size_t skip = is_escape(pattern) ? 1 : 0;
      if (text.front() == pattern[skip]) {
        text.remove_prefix(1);
        pattern.remove_prefix(1 + skip);
        continue;
      }
    }
    if (!open || again.empty()) return false;
    again.remove_prefix(character_bytes(again));
    text = again;
    pattern = after;
  }
}

LikePrefix prefix_of(std::string_view pattern) {
  LikePrefix out;
  while (!pattern.empty() && pattern.front() != '%' && pattern.front() != '_') {
    const std::size_t skip = is_escape(pattern) ? 1 : 0;
    out.text += pattern[skip];
    pattern.remove_prefix(1 + skip);
  }
  out.whole = pattern == "%";
  return out;
}

}  // namespace attar::filter
