#include "text/encoder/static/static_encoder.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/checked.h"
#include "base/half.h"
#include "base/hash.h"
#include "simd/clones.h"

namespace attar::text {
namespace {

constexpr std::string_view magic = "attarenc";
constexpr std::uint32_t version = 1;
constexpr std::uint64_t header_bytes = 64;
constexpr std::uint32_t most_tokens = 1u << 20, most_dims = 4096, dims_step = 16;
constexpr std::uint64_t most_vocabulary_bytes = 16u << 20;
constexpr std::uint32_t tokens_of_a_text = 1024;
constexpr std::size_t texts_of_a_piece = 256;

std::unexpected<Error> corrupt(std::string_view what) {
  return fail(ErrorCode::corrupt, fmt::format("the encoder's table {}; take another copy of it", what));
}

ATTAR_VECTOR_CLONES void add_scaled(const std::int8_t* entries, float scale, std::size_t dims, float* sum) noexcept {
  for (std::size_t i = 0; i < dims; ++i) sum[i] += scale * static_cast<float>(entries[i]);
}

ATTAR_VECTOR_CLONES void raise(float* values, std::size_t dims) noexcept {
  for (std::size_t i = 0; i < dims; ++i) {
    const float half = std::sqrt(std::fabs(values[i]));
    const float eighth = std::sqrt(std::sqrt(half)), sixteenth = std::sqrt(eighth);
    values[i] = std::copysign(half * (eighth * sixteenth), values[i]);
  }
}

void to_unit_length(std::span<float> values) noexcept {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  if (sum == 0) return;
  const auto factor = static_cast<float>(1 / std::sqrt(sum));
  for (float& value : values) value *= factor;
}

Result<std::string> decompress_vocabulary(base::ByteView frame) {
  const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size > most_vocabulary_bytes) return corrupt("states no size of its vocabulary that may be");
  std::string out(size, '\0');
  if (ZSTD_decompress(out.data(), out.size(), frame.data(), frame.size()) != size)
    return corrupt("has a vocabulary that cannot be decompressed");
  return out;
}

}  // namespace

// The fields of a table, checked.
struct StaticEncoder::Parts {
  std::uint32_t tokens = 0, dims = 0;
  std::array<std::int8_t, 16> levels{};
  base::ByteView scales, codes, vocabulary;

  static Result<Parts> of(base::ByteView table) {
    if (table.size() < header_bytes || base::as_text(table.first(magic.size())) != magic) return corrupt("is none");
    const auto found = base::load<std::uint32_t>(table.data() + 8);
    if (found != version)
      return fail(found > version ? ErrorCode::too_new : ErrorCode::too_old,
                  fmt::format("the encoder's table has version {}, this build reads {}", found, version));
    Parts out;
    out.tokens = base::load<std::uint32_t>(table.data() + 12);
    out.dims = base::load<std::uint32_t>(table.data() + 16);
    const auto vocabulary_bytes = base::load<std::uint32_t>(table.data() + 20);
    std::memcpy(out.levels.data(), table.data() + 24, out.levels.size());
    if (out.tokens == 0 || out.tokens > most_tokens || out.dims == 0 || out.dims > most_dims ||
        out.dims % dims_step != 0 || !std::ranges::is_sorted(out.levels))
      return corrupt("has a field out of range");
    const std::uint64_t codes_at = base::round_up(header_bytes + 2 * std::uint64_t{out.tokens}, 8);
    const std::uint64_t codes_bytes = std::uint64_t{out.tokens} * (out.dims / 2);
    if (table.size() != codes_at + codes_bytes + vocabulary_bytes)
      return corrupt("has another size than its fields say");
    out.scales = table.subspan(header_bytes, 2 * std::uint64_t{out.tokens});
    out.codes = table.subspan(codes_at, codes_bytes);
    out.vocabulary = table.subspan(codes_at + codes_bytes);
    return out;
  }
};

Result<std::unique_ptr<StaticEncoder>> StaticEncoder::make(base::ByteView table) {
  ATTAR_ASSIGN(const Parts parts, Parts::of(table));
  ATTAR_ASSIGN(const std::string vocabulary, decompress_vocabulary(parts.vocabulary));
  ATTAR_ASSIGN(WordPiece words, WordPiece::make(vocabulary));
  if (words.size() != parts.tokens)
    return corrupt(fmt::format("has {} tokens and a vocabulary of {}", parts.tokens, words.size()));
  EncoderInfo info{.name = fmt::format("attar-static-{}", parts.dims),
                   .dims = parts.dims,
                   .max_tokens = tokens_of_a_text,
                   .digest = base::sha256(table).hex()};
  std::unique_ptr<StaticEncoder> out(new StaticEncoder(std::move(info), std::move(words)));
  out->unknown_ = out->words_.id_of("[UNK]");
  out->scales_.resize(parts.tokens);
  for (std::uint32_t i = 0; i < parts.tokens; ++i) {
    out->scales_[i] = base::half_to_float(base::load<std::uint16_t>(parts.scales.data() + 2 * std::size_t{i}));
    if (!std::isfinite(out->scales_[i]) || out->scales_[i] < 0) return corrupt("has a scale that is none");
  }
  out->entries_.resize(std::size_t{parts.tokens} * parts.dims);
  for (std::size_t i = 0; i < parts.codes.size(); ++i) {
    const auto byte = std::to_integer<std::uint8_t>(parts.codes[i]);
    out->entries_[2 * i] = parts.levels[byte & 15];
    out->entries_[2 * i + 1] = parts.levels[byte >> 4];
  }
  return out;
}

void StaticEncoder::tokenize(std::string_view text, std::vector<Token>& out) const {
  words_.tokenize(text, info_.max_tokens, out);
  std::erase_if(out, [this](const Token& token) { return token.id == unknown_; });
}

void StaticEncoder::add(std::uint32_t token, std::span<float> sum) const noexcept {
  add_scaled(levels(token).data(), scales_[token], sum.size(), sum.data());
}

void StaticEncoder::finish(std::span<float> sum) noexcept {
  raise(sum.data(), sum.size());
  to_unit_length(sum);
}

void StaticEncoder::encode_one(std::string_view text, std::vector<Token>& tokens, std::span<float> out) const {
  tokens.clear();
  tokenize(text, tokens);
  std::ranges::fill(out, 0.0f);
  for (const Token& token : tokens) add(token.id, out);
  finish(out);
}

Status StaticEncoder::encode(std::span<const std::string_view> texts, base::ThreadPool& pool,
                             std::span<float> out) const {
  if (out.size() != texts.size() * info_.dims)
    return fail(ErrorCode::invalid_argument, fmt::format("room for {} values is not that of {} vectors of {}",
                                                         out.size(), texts.size(), info_.dims));
  const std::size_t pieces = base::ceil_div(texts.size(), texts_of_a_piece);
  std::vector<std::vector<Token>> tokens(pool.size());
  pool.run(pieces, [&](std::size_t piece, unsigned worker) {
    const std::size_t first = piece * texts_of_a_piece, last = std::min(first + texts_of_a_piece, texts.size());
    for (std::size_t i = first; i < last; ++i)
      encode_one(texts[i], tokens[worker], out.subspan(i * info_.dims, info_.dims));
  });
  return {};
}

std::size_t StaticEncoder::count_tokens(std::string_view text) const {
  thread_local std::vector<Token> tokens;
  tokens.clear();
  words_.tokenize(text, text.size(), tokens);
  return tokens.size();
}

}  // namespace attar::text
