// An encoder that is a table of token vectors. spec.md has the table and the formulas.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "text/encoder/encoder.h"
#include "text/wordpiece/wordpiece.h"

namespace attar::text {

class StaticEncoder final : public Encoder {
 public:
  /// `too_new` for a later version of the table, `corrupt` for what is none. The bytes may go afterwards.
  [[nodiscard]] static Result<std::unique_ptr<StaticEncoder>> make(base::ByteView table);

  [[nodiscard]] const EncoderInfo& info() const noexcept override { return info_; }
  [[nodiscard]] Status encode(std::span<const std::string_view> texts, base::ThreadPool& pool,
                              std::span<float> out) const override;
  [[nodiscard]] std::size_t count_tokens(std::string_view text) const override;

  /// Appends the tokens of a text that the table knows, but no more than max_tokens are looked at.
  void tokenize(std::string_view text, std::vector<Token>& out) const;
  /// A token's vector: its scale times its levels, of info().dims.
  [[nodiscard]] std::span<const std::int8_t> levels(std::uint32_t token) const noexcept {
    return std::span(entries_).subspan(std::size_t{token} * info_.dims, info_.dims);
  }
  [[nodiscard]] float scale(std::uint32_t token) const noexcept { return scales_[token]; }
  [[nodiscard]] std::uint32_t tokens() const noexcept { return words_.size(); }
  /// sum += the token's vector; of info().dims.
  void add(std::uint32_t token, std::span<float> sum) const noexcept;
  /// A sum of token vectors to the vector that encode() gives.
  static void finish(std::span<float> sum) noexcept;

 private:
  struct Parts;
  StaticEncoder(EncoderInfo info, WordPiece words) : info_(std::move(info)), words_(std::move(words)) {}
  void encode_one(std::string_view text, std::vector<Token>& tokens, std::span<float> out) const;

  EncoderInfo info_;
  WordPiece words_;
  std::optional<std::uint32_t> unknown_;
  std::vector<float> scales_;         // by token
  std::vector<std::int8_t> entries_;  // [token][dims]: levels
};

/// The table that the library carries, opened once. It cannot fail but where memory does.
[[nodiscard]] Result<const StaticEncoder*> embedded_encoder();

}  // namespace attar::text
