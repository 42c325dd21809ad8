#include "cache/normal.h"

#include <span>

#include "base/hash.h"
#include "text/unicode.h"

namespace attar::cache {

std::string normal_form(std::string_view prompt) {
  std::string out;
  out.reserve(prompt.size());
  bool blank = false;
  for (std::size_t at = 0; at < prompt.size();) {
    const char32_t c = text::next_code_point(prompt, at);
    if (text::is_space(c) || c == ' ') {
      blank = !out.empty();
      continue;
    }
    if (blank) out += ' ';
    blank = false;
    for (const char byte : text::to_utf8(text::fold(c))) out += byte;
  }
  while (!out.empty() && (out.back() == '.' || out.back() == '!' || out.back() == '?' || out.back() == ' '))
    out.pop_back();
  return out;
}

std::uint64_t key_of(std::string_view normal) noexcept {
  return base::checksum(std::as_bytes(std::span(normal.data(), normal.size())));
}

}  // namespace attar::cache
