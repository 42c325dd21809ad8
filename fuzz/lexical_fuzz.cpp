// Words and their index. The first byte chooses: text is cut into tokens and words, whose places must lie in it; or the
// input is taken for the two sections of a lexical index, built of the same text and damaged by the rest, and asked
// everything.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "index/lexical/builder.h"
#include "index/lexical/search.h"
#include "text/wordpiece/wordpiece.h"
#include "text/words/words.h"

namespace {

using namespace attar;
namespace lexical = index::lexical;

void require(bool holds) {
  if (!holds) std::abort();
}

const text::WordPiece& tokenizer() {
  static const text::WordPiece out =
      text::WordPiece::make("[UNK]\na\nb\ne\nthe\n##a\n##b\n##e\n##the\n,\n.\n\u00df\n\u6f22\n").value();
  return out;
}

void cut(std::string_view input) {
  std::vector<text::Token> tokens;
  tokenizer().tokenize(input, 1'000, tokens);
  std::uint32_t before = 0;
  for (const text::Token& token : tokens) {
    require(token.id < tokenizer().size() && token.begin >= before && token.begin <= token.end &&
            token.end <= input.size());
    before = token.begin;
  }
  static text::WordSplitter splitter = text::WordSplitter::make("english").value();
  before = 0;
  for (const text::Word& word : splitter.split(input)) {
    require(!word.term.empty() && word.begin >= before && word.begin < word.end && word.end <= input.size());
    before = word.end;
  }
}

// Documents of a hundred bytes and more, some empty, so that lists of both forms come about.
lexical::Sections some_sections() {
  lexical::Builder builder;
  const std::vector<std::string> words = {"a", "b", "c", "d", "e", "f"};
  for (std::uint32_t d = 0; d < 300; ++d) {
    std::vector<std::string_view> own;
    for (std::uint32_t w = 0; w < words.size(); ++w)
      for (std::uint32_t i = 0; d % (1u << (2 * w)) == 0 && i < 1 + d % 5; ++i) own.push_back(words[w]);
    require(builder.add(own).has_value());
  }
  return builder.finish().value();
}

// Pairs of place and change, one after another.
void damage(std::vector<std::byte>& bytes, std::string_view changes) {
  for (; changes.size() >= 3; changes.remove_prefix(3)) {
    const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(changes[i])); };
    bytes[(byte(0) | byte(1) << 8) % bytes.size()] ^= static_cast<std::byte>(byte(2));
  }
}

void ask(std::string_view input) {
  static const lexical::Sections sound = some_sections();
  lexical::Sections sections = sound;
  const std::size_t half = input.size() / 4;
  damage(sections.terms, input.substr(0, half));
  damage(sections.lexical, input.substr(half));
  const auto index =
      lexical::LexicalIndex::open(format::SectionReader::trusted(sections.lexical, "lexical", 0, lexical::wire_version),
                                  format::SectionReader::trusted(sections.terms, "terms", 0, 1), 300);
  if (!index) return;
  const bool whole = index->check().has_value();
  const std::vector<std::string_view> query = {"f", "a", "c", "a", "x", "b"};
  const std::vector<std::uint64_t> allowed = {~0ull, 0, 0, 5, 0};
  for (const auto filter : {std::span<const std::uint64_t>(), std::span(allowed)}) {
    const auto found = lexical::search(*index, query, {.k = 7, .allowed = filter});
    require(found.has_value() || !whole);
    for (std::size_t i = 0; found && i < found->size(); ++i) {
      require((*found)[i].row < 300);
      require(i == 0 || (*found)[i - 1].before((*found)[i]));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  (data[0] % 2 == 0 ? cut : ask)(input);
  return 0;
}
