#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <functional>
#include <utility>

#include "data/input_file.h"
#include "text/tokenizer/byte_pairs.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/files.h"
#include "text/tokenizer/unigram.h"

namespace attar::text {
namespace {

using base::ByteReader;
using base::ByteView;

// ---- messages of protocol buffers ----

struct Field {
  std::uint32_t number = 0, wire = 0;
  std::uint64_t value = 0;  // wires 0, 1 and 5
  ByteView bytes = {};      // wire 2
};

Result<std::uint64_t> read_varint(ByteReader& in) {
  std::uint64_t out = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    ATTAR_ASSIGN(const std::uint8_t byte, in.read<std::uint8_t>());
    out |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return out;
  }
  return fail(ErrorCode::invalid_data, "has a number of more than 64 bits");
}

Result<Field> read_field(ByteReader& in) {
  Field out;
  ATTAR_ASSIGN(const std::uint64_t tag, read_varint(in));
  if (tag >> 32 != 0 || tag >> 3 == 0) return fail(ErrorCode::invalid_data, "has a field without a number");
  out.number = static_cast<std::uint32_t>(tag >> 3);
  out.wire = static_cast<std::uint32_t>(tag & 7);
  switch (out.wire) {
    case 0: {
      ATTAR_ASSIGN(out.value, read_varint(in));
      return out;
    }
    case 1: {
      ATTAR_ASSIGN(out.value, in.read<std::uint64_t>());
      return out;
    }
    case 2: {
      ATTAR_ASSIGN(const std::uint64_t size, read_varint(in));
      ATTAR_ASSIGN(out.bytes, in.take(size));
      return out;
    }
    case 5: {
      ATTAR_ASSIGN(out.value, in.read<std::uint32_t>());
      return out;
    }
    default: return fail(ErrorCode::invalid_data, fmt::format("has a field of wire type {}", out.wire));
  }
}

template <class Use>
Status for_each_field(ByteView message, const Use& use) {
  ByteReader in(message);
  while (in.remaining() != 0) {
    ATTAR_ASSIGN(const Field field, read_field(in));
    ATTAR_TRY(use(field));
  }
  return {};
}

// ---- the model ----

enum PieceType : std::uint64_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };
enum ModelType : std::uint64_t { unigram = 1, bpe = 2 };

struct Piece {
  std::string_view text = {};
  float score = 0;
  std::uint64_t type = normal;
};

struct Model {
  std::vector<Piece> pieces = {};
  std::uint64_t type = unigram;
  std::string_view map = {};
  bool byte_fallback = false;
  SpaceRules spaces = {};
};

Result<Piece> read_piece(ByteView message) {
  Piece out;
  ATTAR_TRY(for_each_field(message, [&](const Field& field) -> Status {
    if (field.number == 1 && field.wire == 2) out.text = base::as_text(field.bytes);
    if (field.number == 2 && field.wire == 5) out.score = std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
    if (field.number == 3 && field.wire == 0) out.type = field.value;
    return {};
  }));
  if (out.text.empty() || out.type < normal || out.type > byte || !std::isfinite(out.score))
    return fail(ErrorCode::invalid_data, "has a piece that is empty, of no type, or whose score is no number");
  if (out.text.size() > longest_token)
    return fail(ErrorCode::over_limit, fmt::format("has a piece of more than {} bytes", longest_token));
  return out;
}

Status read_settings(const Field& part, Model& out) {
  return for_each_field(part.bytes, [&](const Field& field) -> Status {
    const bool on = field.value != 0;
    if (part.number == 2 && field.wire == 0) {
      if (field.number == 3) out.type = field.value;
      if (field.number == 24) out.spaces.suffix = on;
      if (field.number == 35) out.byte_fallback = on;
    }
    if (part.number == 3 && field.wire == 2 && field.number == 2) out.map = base::as_text(field.bytes);
    if (part.number == 3 && field.wire == 0) {
      if (field.number == 3) out.spaces.dummy_prefix = on;
      if (field.number == 4) out.spaces.remove_extra = on;
      if (field.number == 5) out.spaces.escape = on;
    }
    return {};
  });
}

Result<Model> read_model(ByteView bytes) {
  Model out;
  ATTAR_TRY(for_each_field(bytes, [&](const Field& field) -> Status {
    if (field.wire != 2) return {};
    if (field.number == 2 || field.number == 3) return read_settings(field, out);
    if (field.number != 1) return {};
    if (out.pieces.size() == most_tokens)
      return fail(ErrorCode::over_limit, fmt::format("has more than {} pieces", most_tokens));
    ATTAR_ASSIGN(const Piece piece, read_piece(field.bytes));
    out.pieces.push_back(piece);
    return {};
  }));
  constexpr std::size_t most_bytes = (std::size_t{1} << 24) - 2;  // a node of the trie for each
  std::size_t total = 0;
  for (const Piece& piece : out.pieces) total += piece.text.size();
  if (out.pieces.empty()) return fail(ErrorCode::invalid_data, "has no pieces: it is no model of SentencePiece");
  if (total > most_bytes) return fail(ErrorCode::over_limit, fmt::format("has pieces of {} bytes", total));
  if (out.type != unigram && out.type != bpe)
    return fail(ErrorCode::unsupported,
                fmt::format("has model_type {}; Attar reads 1 (unigram) and 2 (BPE)", out.type));
  ATTAR_ASSIGN(out.spaces.map, CharacterMap::make(out.map));
  for (const Piece& piece : out.pieces) {
    if (piece.type != user_defined) continue;
    out.spaces.kept.add(piece.text, 0);
    out.spaces.keeps = true;
  }
  return out;
}

std::unique_ptr<const TokenModel> make_unigram(const Model& model) {
  constexpr float unknown_penalty = 10;
  constexpr float bonus = 0.1f;  // of a user's piece, for each byte but the first
  float least = FLT_MAX;
  for (const Piece& piece : model.pieces)
    if (piece.type == normal) least = std::min(least, piece.score);
  auto out = std::make_unique<Unigram>(
      Unigram::Options{.unknown_score = least - unknown_penalty, .byte_fallback = model.byte_fallback});
  for (const Piece& piece : model.pieces) {
    if (piece.type == normal) out->add(piece.text, piece.score);
    if (piece.type == user_defined) out->add(piece.text, bonus * static_cast<float>(piece.text.size() - 1));
  }
  return out;
}

constexpr std::string_view blank = "\u2581";

// Pieces of the user's are cut out first; what is left is merged, word by word where merges cross no word's beginning.
class PiecePairs final : public TokenModel {
 public:
  PiecePairs(std::unique_ptr<BytePairs> pairs, AddedTokens kept, bool words)
      : pairs_(std::move(pairs)), kept_(std::move(kept)), words_(words) {}

  [[nodiscard]] std::size_t count(std::string_view part) const override {
    std::size_t merged = 0;
    const std::size_t kept = kept_.cut(part, [&](std::string_view rest) { merged += count_words(rest); });
    return kept + merged;
  }

 private:
  [[nodiscard]] std::size_t count_words(std::string_view part) const {
    if (!words_) return pairs_->count(part);
    std::size_t tokens = 0;
    while (!part.empty()) {
      std::size_t begin = 0;
      while (part.substr(begin).starts_with(blank)) begin += blank.size();
      const std::size_t end = std::min(part.find(blank, begin), part.size());
      tokens += pairs_->count(part.substr(0, end));
      part.remove_prefix(end);
    }
    return tokens;
  }

  std::unique_ptr<BytePairs> pairs_;
  AddedTokens kept_;
  bool words_;
};

// No piece has a space behind another character, and a space is a piece: then no merge, and no run of unknown
// characters, crosses the beginning of a word.
bool words_are_apart(const Vocabulary& pieces) {
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::string_view rest = pieces.token(i);
    while (rest.starts_with(blank)) rest.remove_prefix(blank.size());
    if (rest.find(blank) != std::string_view::npos) return false;
  }
  return pieces.find(blank) != Vocabulary::none;
}

// The highest score first; equal scores are one rank.
std::vector<std::uint32_t> ranks_of(const std::vector<float>& scores) {
  std::vector<float> order = scores;
  std::ranges::sort(order, std::greater<>());
  std::vector<std::uint32_t> out(scores.size());
  std::ranges::transform(scores, out.begin(), [&](float score) {
    return static_cast<std::uint32_t>(std::ranges::lower_bound(order, score, std::greater<>()) - order.begin());
  });
  return out;
}

Result<std::unique_ptr<const TokenModel>> make_pairs(const Model& model) {
  Vocabulary pieces;
  AddedTokens kept;
  std::vector<float> scores;
  for (const Piece& piece : model.pieces) {
    if (piece.type == unused)
      return fail(ErrorCode::unsupported, "has unused pieces, which Attar reads in unigram models only");
    if (piece.type == user_defined) kept.add({std::string(piece.text)});
    if (piece.type != normal) continue;
    if (!pieces.add(piece.text, static_cast<std::uint32_t>(scores.size())))
      return fail(ErrorCode::invalid_data, fmt::format("has the piece {} twice", data::in_quotes(piece.text)));
    scores.push_back(piece.score);
  }
  const bool words = words_are_apart(pieces);
  ATTAR_ASSIGN(const std::vector<Merge> merges, BytePairs::pairs_of(pieces, ranks_of(scores)));
  // Bytes are no part of any pair.
  auto number = static_cast<std::uint32_t>(scores.size());
  for (const Piece& piece : model.pieces)
    if (piece.type == byte) pieces.add(piece.text, number++);
  const PairOptions options{
      .bytes = false, .byte_fallback = model.byte_fallback, .fuse_unknown = true, .unknown = number};
  ATTAR_ASSIGN(auto pairs, BytePairs::make(std::move(pieces), merges, options));
  return std::make_unique<PiecePairs>(std::move(pairs), std::move(kept), words);
}

}  // namespace

Result<Pipeline> read_sentencepiece(ByteView bytes) {
  ATTAR_ASSIGN(Model model, read_model(bytes));
  Pipeline out;
  if (model.type == unigram) {
    out.model = make_unigram(model);
  } else {
    ATTAR_ASSIGN(out.model, make_pairs(model));
  }
  out.normalizers.push_back(make_sentencepiece_step(std::move(model.spaces)));
  return out;
}

}  // namespace attar::text
