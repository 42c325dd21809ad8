#include "text/words/words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libstemmer.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "text/unicode.h"

namespace attar::text {
namespace {

constexpr std::size_t longest_word = 64;  // in code points
constexpr std::size_t stems_kept = 8192;
constexpr std::size_t shortest_part = 2;  // of a compound, in code points

std::vector<std::string_view> languages() {
  std::vector<std::string_view> out;
  for (const char** name = sb_stemmer_list(); *name != nullptr; ++name) out.emplace_back(*name);
  return out;
}

bool is_apostrophe(char32_t c) noexcept { return c == '\'' || c == 0x2019; }
bool is_ascii_letter(char32_t c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// What a compound is cut by.
enum class Shape : std::uint8_t { upper, lower, digit, other };
Shape shape_of(char32_t c) noexcept {
  if (c >= 0x80 && is_nonspacing_mark(c)) return Shape::lower;
  if (is_letter(c)) return fold(c) != c ? Shape::upper : Shape::lower;
  return c == '_' ? Shape::other : Shape::digit;
}

}  // namespace

void WordSplitter::Free::operator()(sb_stemmer* stemmer) const noexcept { sb_stemmer_delete(stemmer); }

Result<WordSplitter> WordSplitter::make(std::string_view language) {
  WordSplitter out;
  if (language == "none") return out;
  out.stemmer_.reset(sb_stemmer_new(std::string(language).c_str(), nullptr));
  if (out.stemmer_ == nullptr)
    return fail(ErrorCode::invalid_argument, fmt::format("there is no stemmer for '{}'; there are none, {}", language,
                                                         fmt::join(languages(), ", ")));
  out.stems_.resize(stems_kept);
  return out;
}

class WordSplitter::Reading {
 public:
  Reading(WordSplitter& owner, std::string_view text, bool with_parts)
      : owner_(owner), text_(text), with_parts_(with_parts) {}

  void read(std::size_t most) {
    const std::string_view text = text_;
    for (std::size_t at = 0; at < text.size() && owner_.pieces_.size() < most;) {
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
    if (c < 0x80) {  // most of most texts
      owner_.terms_.push_back(static_cast<char>(fold(c)));
      return;
    }
    for (const char32_t part : decomposition(fold(c)))
      if (!is_nonspacing_mark(part))
        for (const char byte : to_utf8(part)) owner_.terms_.push_back(byte);
  }

  void finish() {
    if (points_ == 0) return;
    points_ = 0;
    word_ended_at_ = piece_.end;
    if (!keep()) return;  // marks alone leave nothing
    if (with_parts_) add_parts(piece_.begin, piece_.end);
  }

  bool keep() {
    piece_.size = owner_.terms_.size() - piece_.first;
    if (piece_.size == 0) return false;
    owner_.pieces_.push_back(piece_);
    return true;
  }

  // Of the word [begin, end). It is cut between a small letter and a capital (FormHandler), before the last of several
  // capitals that a small letter follows (HTMLForm), between letters and digits, and at underscores.
  void add_parts(std::size_t begin, std::size_t end) {
    for (std::size_t at = begin; at < end;) {
      const std::size_t stop = part_end(at, end);
      if (stop - at < end - begin) add_part(at, stop);
      at = stop;
    }
  }

  [[nodiscard]] std::size_t part_end(std::size_t at, std::size_t end) const {
    Shape last = shape_of(next_code_point(text_, at));
    while (at < end) {
      const std::size_t here = at;
      const Shape shape = shape_of(next_code_point(text_, at));
      const bool capitalized = last == Shape::upper && shape == Shape::lower;
      if (shape != last && !capitalized) return here;
      if (shape == Shape::upper && at < end && followed_by_small(at)) return here;
      last = shape;
    }
    return end;
  }

  [[nodiscard]] bool followed_by_small(std::size_t at) const {
    return shape_of(next_code_point(text_, at)) == Shape::lower;
  }

  void add_part(std::size_t begin, std::size_t end) {
    std::size_t letters = 0;
    for (std::size_t at = begin; at < end;) {
      const std::size_t first = at;
      const char32_t c = next_code_point(text_, at);
      if (c == '_') continue;
      put(c, first, at);
      if (!is_nonspacing_mark(c)) ++letters;
    }
    points_ = 0;
    if (letters >= shortest_part) keep();
  }

  WordSplitter& owner_;
  std::string_view text_;
  bool with_parts_;
  Piece piece_;
  std::size_t points_ = 0;
  std::size_t word_ended_at_ = std::numeric_limits<std::size_t>::max();
  bool after_apostrophe_ = false;
};

const std::vector<Word>& WordSplitter::split(std::string_view text, std::size_t most) {
  return read(text, most, false);
}
const std::vector<Word>& WordSplitter::split_with_parts(std::string_view text) {
  return read(text, ~std::size_t{0}, true);
}

const std::vector<Word>& WordSplitter::read(std::string_view text, std::size_t most, bool with_parts) {
  terms_.clear();
  pieces_.clear();
  words_.clear();
  Reading(*this, text, with_parts).read(most);
  if (stemmer_ != nullptr)
    for (Piece& piece : pieces_)
      if (piece.letters) stem(piece);
  for (const Piece& piece : pieces_)
    words_.push_back({std::string_view(terms_).substr(piece.first, piece.size), piece.begin, piece.end});
  return words_;
}

// In place: a stem that is longer than its word goes to the end.
void WordSplitter::stem(Piece& piece) {
  const std::string_view term = stem_of(std::string_view(terms_).substr(piece.first, piece.size));
  if (term.size() > piece.size) {
    piece.first = terms_.size();
    terms_.append(term);
  } else {
    std::ranges::copy(term, terms_.begin() + static_cast<std::ptrdiff_t>(piece.first));
  }
  piece.size = term.size();
}

// Texts repeat their words, and looking one up takes a fraction of stemming it.
std::string_view WordSplitter::stem_of(std::string_view word) {
  Stem& known = stems_[std::hash<std::string_view>()(word) % stems_.size()];
  if (known.word == word) return known.term;
  const sb_symbol* stemmed =
      sb_stemmer_stem(stemmer_.get(), reinterpret_cast<const sb_symbol*>(word.data()), static_cast<int>(word.size()));
  if (stemmed == nullptr) return word;  // out of memory: the word stays
  known.word = word;
  known.term.assign(reinterpret_cast<const char*>(stemmed),
                    static_cast<std::size_t>(sb_stemmer_length(stemmer_.get())));
  return known.term;
}

}  // namespace attar::text
