#include "text/question/question.h"

#include <algorithm>

namespace attar::text {

Question read_question(std::string_view text, WordSplitter& splitter) {
  Question out;
  out.words.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t quote = text.find('"', at);
    const std::size_t end = quote == std::string_view::npos ? quote : text.find('"', quote + 1);
    if (end == std::string_view::npos) {
      out.words += text.substr(at);
      break;
    }
    // The quotes become blanks: words on both sides stay apart.
    ((out.words += text.substr(at, quote - at)) += ' ');
    const std::string_view inside = text.substr(quote + 1, end - quote - 1);
    (out.words += inside) += ' ';
    std::vector<std::string> phrase;
    for (const Word& word : splitter.split(inside)) phrase.emplace_back(word.term);
    if (!phrase.empty()) out.phrases.push_back(std::move(phrase));
    at = end + 1;
  }
  for (const Word& word : splitter.split(out.words)) out.terms.emplace_back(word.term);
  return out;
}

bool holds_phrase(const std::vector<Word>& words, const std::vector<std::string>& phrase) noexcept {
  return !std::ranges::search(words, phrase, {}, &Word::term).empty();
}

}  // namespace attar::text
