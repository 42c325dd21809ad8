#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "text/tokenizer/files.h"

namespace attar::text {
namespace {

class WordModel final : public TokenModel {
 public:
  explicit WordModel(std::function<std::size_t(std::string_view)> length) : length_(std::move(length)) {}

  // In stretches that end at a space, so that memory does not grow with the text.
  [[nodiscard]] std::size_t count(std::string_view part) const override {
    constexpr std::size_t stretch = std::size_t{1} << 16;
    std::size_t tokens = 0;
    while (!part.empty()) {
      const std::size_t end = std::min(part.find_first_of(" \t\n\r", std::min(stretch, part.size())), part.size());
      tokens += length_(part.substr(0, end));
      part.remove_prefix(end);
    }
    return tokens;
  }

 private:
  std::function<std::size_t(std::string_view)> length_;
};

}  // namespace

std::unique_ptr<const TokenModel> make_word_model(std::function<std::size_t(std::string_view)> length) {
  return std::make_unique<WordModel>(std::move(length));
}

std::unique_ptr<const TokenModel> make_word_model(WordPiece words) {
  const auto shared = std::make_shared<const WordPiece>(std::move(words));
  return make_word_model([shared](std::string_view text) {
    thread_local std::vector<Token> tokens;
    tokens.clear();
    shared->tokenize(text, std::numeric_limits<std::uint32_t>::max(), tokens);
    return tokens.size();
  });
}

Result<Pipeline> read_vocabulary(std::string_view bytes) {
  ATTAR_ASSIGN(WordPiece words, WordPiece::make(bytes));
  Pipeline out;
  out.model = make_word_model(std::move(words));
  out.joins = Joins::at_spaces;
  return out;
}

}  // namespace attar::text
