// Text to the terms of a lexical index. spec.md has the rules.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"

struct sb_stemmer;

namespace attar::text {

struct Word {
  std::string_view term;  ///< good until the splitter reads again
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// Reads one text at a time: for one thread.
class WordSplitter {
 public:
  /// A language of the Snowball stemmers ("english", "german", "fr" …), or "none". `invalid_argument` names those that
  /// there are.
  [[nodiscard]] static Result<WordSplitter> make(std::string_view language);

  /// The words of a text of less than 4 GiB, in order; of the first `most` at least.
  [[nodiscard]] const std::vector<Word>& split(std::string_view text, std::size_t most = ~std::size_t{0});
  /// The same for an index: after a compound (FormHandler, rotate_keys, utf8) come its parts, so that it is found by
  /// them as well.
  [[nodiscard]] const std::vector<Word>& split_with_parts(std::string_view text);

 private:
  struct Free {
    void operator()(sb_stemmer* stemmer) const noexcept;
  };
  // A word before its term stands still in memory.
  struct Piece {
    std::size_t first = 0, size = 0;  // of its bytes in terms_
    std::uint32_t begin = 0, end = 0;
    bool letters = true;
  };
  class Reading;

  // A word and its stem.
  struct Stem {
    std::string word, term;
  };

  const std::vector<Word>& read(std::string_view text, std::size_t most, bool with_parts);
  void stem(Piece& piece);
  std::string_view stem_of(std::string_view word);

  std::unique_ptr<sb_stemmer, Free> stemmer_;  // null: none
  std::vector<Stem> stems_;                    // of words met before, by a hash of the word
  std::string terms_;
  std::vector<Piece> pieces_;
  std::vector<Word> words_;
};

}  // namespace attar::text
