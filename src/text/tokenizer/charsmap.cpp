#include "text/tokenizer/charsmap.h"

#include <cstring>
#include <utility>

#include "text/unicode.h"

namespace attar::text {
namespace {

constexpr std::string_view blank = "\u2581";

// A unit of a double array (darts-clone): an offset, a label, and whether a value hangs below.
constexpr bool has_value(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
constexpr std::uint32_t value_of(std::uint32_t unit) { return unit & 0x7fff'ffffu; }
constexpr std::uint32_t label_of(std::uint32_t unit) { return unit & (0x8000'0000u | 0xffu); }
constexpr std::uint32_t offset_of(std::uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }

class SentencePieceStep final : public Step {
 public:
  explicit SentencePieceStep(SpaceRules rules) : rules_(std::move(rules)) {}

  void run(std::string_view text, const Parts& out) const override {
    std::string made;
    made.reserve(text.size() + text.size() / 2);
    const std::string_view space = rules_.escape ? blank : std::string_view(" ");
    while (rules_.remove_extra && !text.empty()) {
      const CharacterMap::Found first = next(text);
      if (first.made != " ") break;
      text.remove_prefix(first.length);
    }
    if (text.empty()) return;
    if (rules_.dummy_prefix && !rules_.suffix) made.append(space);
    for (bool after_space = rules_.remove_extra; !text.empty(); after_space = after_space && rules_.remove_extra) {
      CharacterMap::Found now = next(text);
      while (after_space && now.made.starts_with(' ')) now.made.remove_prefix(1);
      if (!now.made.empty()) after_space = now.made.ends_with(' ');
      for (const char c : now.made) c == ' ' ? made.append(space) : made.append(1, c);
      text.remove_prefix(now.length);
    }
    while (rules_.remove_extra && made.ends_with(space)) made.resize(made.size() - space.size());
    if (rules_.dummy_prefix && rules_.suffix) made.append(space);
    if (!made.empty()) out(made);
  }

 private:
  // What the beginning of a text becomes, and how much of it that is.
  [[nodiscard]] CharacterMap::Found next(std::string_view text) const {
    if (rules_.keeps)
      if (const std::size_t length = longest_prefix(rules_.kept, text); length != 0)
        return {length, text.substr(0, length)};
    const CharacterMap::Found found = rules_.map.longest(text);
    if (found.length != 0) return found;
    std::size_t end = 0;
    (void)next_code_point(text, end);
    return {end, text.substr(0, end)};
  }

  SpaceRules rules_;
};

}  // namespace

Result<CharacterMap> CharacterMap::make(std::string_view bytes) {
  CharacterMap out;
  if (bytes.empty()) return out;
  std::uint32_t size = 0;
  if (bytes.size() > sizeof size) std::memcpy(&size, bytes.data(), sizeof size);
  bytes.remove_prefix(std::min(bytes.size(), sizeof size));
  if (size == 0 || size % sizeof(std::uint32_t) != 0 || size >= bytes.size() || bytes.back() != '\0')
    return fail(ErrorCode::invalid_data, "has a precompiled_charsmap that is no double array with texts behind it");
  out.units_.resize(size / sizeof(std::uint32_t));
  std::memcpy(out.units_.data(), bytes.data(), size);
  out.texts_ = bytes.substr(size);
  return out;
}

CharacterMap::Found CharacterMap::longest(std::string_view text) const noexcept {
  Found out;
  if (units_.empty()) return out;
  std::size_t at = offset_of(units_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    at ^= byte;
    if (at >= units_.size() || label_of(units_[at]) != byte) break;
    const std::uint32_t unit = units_[at];
    at ^= offset_of(unit);
    if (!has_value(unit)) continue;
    if (at >= units_.size() || value_of(units_[at]) >= texts_.size()) break;
    out = {i + 1, std::string_view(texts_.c_str() + value_of(units_[at]))};
  }
  return out;
}

StepPointer make_sentencepiece_step(SpaceRules rules) { return std::make_unique<SentencePieceStep>(std::move(rules)); }

std::size_t longest_prefix(const Trie& trie, std::string_view text) noexcept {
  std::size_t longest = 0;
  std::uint32_t node = Trie::root;
  for (std::size_t i = 0; i < text.size(); ++i) {
    node = trie.step(node, static_cast<unsigned char>(text[i]));
    if (node == Trie::none) break;
    if (trie.number(node) != Trie::none) longest = i + 1;
  }
  return longest;
}

}  // namespace attar::text
