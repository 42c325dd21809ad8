#include "text/words/words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libstemmer.h>

#include <limits>

#include "text/unicode.h"

namespace attar::text {
namespace {

constexpr std::size_t longest_word = 64;  // in code points

std::vector<std::string_view> languages() {
  std::vector<std::string_view> out;
  for (const char** name = sb_stemmer_list(); *name != nullptr; ++name) out.emplace_back(*name);
  return out;
}

bool is_apostrophe(char32_t c) noexcept { return c == '\'' || c == 0x2019; }
bool is_ascii_letter(char32_t c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

void WordSplitter::Free::operator()(sb_stemmer* stemmer) const noexcept { sb_stemmer_delete(stemmer); }

Result<WordSplitter> WordSplitter::make(std::string_view language) {
  WordSplitter out;
  if (language == "none") return out;
  out.stemmer_.reset(sb_stemmer_new(std::string(language).c_str(), nullptr));
  if (out.stemmer_ == nullptr)
    return fail(ErrorCode::invalid_argument, fmt::format("there is no stemmer for '{}'; there are none, {}", language,
                                                         fmt::join(languages(), ", ")));
  return out;
}

class WordSplitter::Reading {
 public:
  explicit Reading(WordSplitter& owner) : owner_(owner) {}

  void read(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = at;
      const char32_t c = next_code_point(text, at);
      if (!is_word(c)) {
        finish();
        after_apostrophe_ = is_apostrophe(c) && word_ended_at_ == begin;
        continue;
      }
      if (after_apostrophe_ && is_ascii_letter(c) && !goes_on(text, at)) {
        after_apostrophe_ = false;
        continue;
      }
      after_apostrophe_ = false;
      const bool alone = is_own_word(c);
      if (alone || points_ == longest_word) finish();
      put(c, begin, at);
      if (alone) finish();
    }
    finish();
  }

 private:
  [[nodiscard]] static bool goes_on(std::string_view text, std::size_t at) noexcept {
    return at < text.size() && is_word(next_code_point(text, at));
  }

  void put(char32_t c, std::size_t begin, std::size_t end) {
    if (points_++ == 0) piece_ = {.first = owner_.terms_.size(), .begin = static_cast<std::uint32_t>(begin)};
    piece_.end = static_cast<std::uint32_t>(end);
    piece_.letters = piece_.letters && is_letter(c);
    for (const char32_t part : decomposition(fold(c)))
      if (!is_nonspacing_mark(part))
        for (const char byte : to_utf8(part)) owner_.terms_.push_back(byte);
  }

  void finish() {
    if (points_ == 0) return;
    points_ = 0;
    word_ended_at_ = piece_.end;
    piece_.size = owner_.terms_.size() - piece_.first;
    if (piece_.size != 0) owner_.pieces_.push_back(piece_);  // marks alone leave nothing
  }

  WordSplitter& owner_;
  Piece piece_;
  std::size_t points_ = 0;
  std::size_t word_ended_at_ = std::numeric_limits<std::size_t>::max();
  bool after_apostrophe_ = false;
};

const std::vector<Word>& WordSplitter::split(std::string_view text) {
  terms_.clear();
  pieces_.clear();
  words_.clear();
  Reading(*this).read(text);
  if (stemmer_ != nullptr)
    for (Piece& piece : pieces_)
      if (piece.letters) stem(piece);
  for (const Piece& piece : pieces_)
    words_.push_back({std::string_view(terms_).substr(piece.first, piece.size), piece.begin, piece.end});
  return words_;
}

// In place: a stem that is longer than its word goes to the end.
void WordSplitter::stem(Piece& piece) {
  const auto* word = reinterpret_cast<const sb_symbol*>(terms_.data() + piece.first);
  const sb_symbol* stemmed = sb_stemmer_stem(stemmer_.get(), word, static_cast<int>(piece.size));
  if (stemmed == nullptr) return;  // out of memory: the word stays
  const auto size = static_cast<std::size_t>(sb_stemmer_length(stemmer_.get()));
  const std::string_view term(reinterpret_cast<const char*>(stemmed), size);
  if (size > piece.size) piece.first = terms_.size();
  if (size > piece.size)
    terms_.append(term);
  else
    terms_.replace(piece.first, size, term);
  piece.size = size;
}

}  // namespace attar::text
