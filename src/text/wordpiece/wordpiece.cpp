#include "text/wordpiece/wordpiece.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "text/unicode.h"
#include "text/word_memory.h"

namespace attar::text {
namespace {

constexpr std::uint32_t most_tokens = 1u << 20;
constexpr std::size_t longest_token = 256;
constexpr std::size_t most_nodes = (std::size_t{1} << 24) - 2;
constexpr std::size_t longest_word = 100;  // in code points
constexpr std::string_view unknown_token = "[UNK]", continuation = "##";

}  // namespace

// The pieces of a word, where they are few.
struct WordPiece::Pieces {
  struct Piece {
    std::uint32_t id;
    std::uint8_t first, last;  // bytes of the word
  };
  static constexpr std::size_t most = 6;

  std::uint8_t count = 0;
  std::array<Piece, most> pieces;
};

Result<WordPiece> WordPiece::make(std::string_view vocabulary) {
  static std::atomic<std::uint64_t> made{0};
  WordPiece out;
  out.identity_ = ++made;
  std::size_t bytes = 0;
  while (!vocabulary.empty()) {
    const std::size_t end = std::min(vocabulary.find('\n'), vocabulary.size());
    std::string_view token = vocabulary.substr(0, end);
    vocabulary.remove_prefix(std::min(end + 1, vocabulary.size()));
    if (token.ends_with('\r')) token.remove_suffix(1);
    bytes += token.size();
    if (out.size_ == most_tokens || token.size() > longest_token || bytes > most_nodes)
      return fail(ErrorCode::over_limit,
                  fmt::format("line {} of the vocabulary passes a limit: {} tokens, {} bytes a token, {} bytes in all",
                              out.size_ + 1, most_tokens, longest_token, most_nodes));
    out.trie_.add(token, out.size_++);
  }
  const auto unknown = out.trie_.find(unknown_token);
  if (!unknown)
    return fail(ErrorCode::invalid_data, "the vocabulary holds no [UNK]: it is none of WordPiece, one token a line");
  out.unknown_ = *unknown;
  out.continuing_ = out.trie_.node_of(continuation);
  return out;
}

// One text: gathers a word in its normal form, and cuts it where it ends.
class WordPiece::Reading {
  using Memory = WordMemory<Pieces, 24, 4096>;

 public:
  Reading(const WordPiece& owner, std::size_t most, std::vector<Token>& out)
      : owner_(owner), memory_(Memory::of(owner.identity_)), most_(out.size() + most), out_(out) {}

  void read(std::string_view text) {
    for (std::size_t at = 0; at < text.size() && out_.size() < most_;) {
      const auto byte = static_cast<unsigned char>(text[at]);
      const std::size_t begin = at;
      if (byte < 0x80) {
        ++at;
        take_ascii(static_cast<char>(byte), begin);
      } else {
        const char32_t c = next_code_point(text, at);
        take(c, begin, at);
      }
    }
    finish_word();
  }

 private:
  void take_ascii(char c, std::size_t begin) {
    switch (ascii_kinds[static_cast<unsigned char>(c)]) {
      case AsciiKind::other: return put(c, begin, begin + 1);
      case AsciiKind::upper: return put(static_cast<char>(c + ('a' - 'A')), begin, begin + 1);
      case AsciiKind::space: return finish_word();
      case AsciiKind::punctuation:
        finish_word();
        put(c, begin, begin + 1);
        return finish_word();
      case AsciiKind::control: return;
    }
  }

  void take(char32_t c, std::size_t begin, std::size_t end) {
    if (is_dropped(c)) return;
    if (is_space(c)) return finish_word();
    const bool alone = is_ideograph(c);
    if (alone) finish_word();
    for (const char32_t part : decomposition(c)) {
      if (is_nonspacing_mark(part)) continue;
      const char32_t lower = to_lower(part);
      const bool punctuation = is_punctuation(lower);
      if (punctuation) finish_word();
      put(lower, begin, end);
      if (punctuation) finish_word();
    }
    if (alone) finish_word();
  }

  void put(char byte, std::size_t begin, std::size_t end) {
    ++points_;
    put_byte(byte, begin, end);
  }

  void put(char32_t c, std::size_t begin, std::size_t end) {
    ++points_;
    for (const char byte : to_utf8(c)) put_byte(byte, begin, end);
  }

  void put_byte(char byte, std::size_t begin, std::size_t end) {
    if (points_ > longest_word) {
      end_ = end;
      return;
    }
    if (length_ == 0) begin_ = begin;
    word_[length_] = byte;
    places_[length_++] = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
    end_ = end;
  }

  void finish_word() {
    if (length_ == 0) return;
    if (out_.size() < most_) cut();
    length_ = points_ = 0;
  }

  void cut() {
    if (length_ > Memory::longest || points_ > longest_word) return walk();
    const std::string_view word(word_.data(), length_);
    Memory::Entry& known = memory_.at(word);
    if (!known.holds(word)) return remember(known, word);
    for (std::size_t i = 0; i < known.value.count && out_.size() < most_; ++i) {
      const Pieces::Piece& piece = known.value.pieces[i];
      out_.push_back({piece.id, places_[piece.first].begin, places_[piece.last].end});
    }
  }

  // Cuts a word, and keeps its pieces in the place of another's where they are few.
  void remember(Memory::Entry& to, std::string_view word) {
    const std::size_t before = out_.size();
    pieces_.clear();
    walk();
    if (pieces_.empty() || pieces_.size() > Pieces::most || out_.size() != before + pieces_.size()) return;
    to.take(word);
    to.value.count = static_cast<std::uint8_t>(pieces_.size());
    std::ranges::copy(pieces_, to.value.pieces.begin());
  }

  void walk() {
    const Trie& trie = owner_.trie_;
    const std::size_t before = out_.size();
    std::size_t at = 0;
    while (at < length_ && points_ <= longest_word) {
      std::uint32_t node = at == 0 ? Trie::root : owner_.continuing_, id = Trie::none;
      std::size_t end = at;
      for (std::size_t i = at; i < length_ && node != Trie::none; ++i) {
        node = trie.step(node, static_cast<unsigned char>(word_[i]));
        if (node == Trie::none || trie.number(node) == Trie::none) continue;
        id = trie.number(node);
        end = i + 1;
      }
      if (id == Trie::none) break;
      out_.push_back({id, places_[at].begin, places_[end - 1].end});
      if (length_ <= Memory::longest)
        pieces_.push_back({id, static_cast<std::uint8_t>(at), static_cast<std::uint8_t>(end - 1)});
      at = end;
    }
    if (at < length_ || points_ > longest_word) {
      out_.resize(before);
      pieces_.clear();
      out_.push_back({owner_.unknown_, static_cast<std::uint32_t>(begin_), static_cast<std::uint32_t>(end_)});
    }
    if (out_.size() > most_) out_.resize(most_);
  }

  struct Place {
    std::uint32_t begin, end;
  };
  static constexpr std::size_t longest_bytes = 4 * longest_word;

  const WordPiece& owner_;
  Memory& memory_;
  std::vector<Pieces::Piece> pieces_;  // of the word that is walked
  std::size_t most_;
  std::vector<Token>& out_;
  std::array<char, longest_bytes> word_;
  std::array<Place, longest_bytes> places_;
  std::size_t length_ = 0, points_ = 0;  // bytes kept, code points seen
  std::size_t begin_ = 0, end_ = 0;
};

void WordPiece::tokenize(std::string_view text, std::size_t most, std::vector<Token>& out) const {
  Reading(*this, most, out).read(text);
}

}  // namespace attar::text
